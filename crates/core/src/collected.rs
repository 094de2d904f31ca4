//! The result of one collection: a report, and the heap profile behind its table.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use memory_debug_profile::{HeapProfile, Selection, StackTypes, SymbolizedProfile};
use memory_debug_report::{
    Error, ErrorKind, Group, MemoryReport, RowId, RowSource, Snapshot, SnapshotDiff, SnapshotId,
    SnapshotInfo, TypeDetail, TypeRow, TypeSummary,
};

use crate::heap::Heap;

/// A report, and the heap profile that its table was summed from.
///
/// The report is a plain value. The profile stays in this process. It can be grouped by something other than
/// types ([`regroup`](Self::regroup)), kept ([`snapshot`](Self::snapshot)), compared ([`diff`](Self::diff)) and
/// exported ([`symbolized`](Self::symbolized)).
#[derive(Debug)]
pub struct Collected {
    /// What was measured.
    pub report: MemoryReport,
    heap: Option<Heap>,
    tracked: Vec<TypeRow>,
}

/// Wraps a report that was made elsewhere, without the profile behind it.
impl From<MemoryReport> for Collected {
    fn from(report: MemoryReport) -> Self {
        Self { report, heap: None, tracked: Vec::new() }
    }
}

impl Collected {
    pub(crate) fn new(report: MemoryReport, heap: Option<Heap>, tracked: Vec<TypeRow>) -> Self {
        Self { report, heap, tracked }
    }

    /// Groups the report's table by `selection`. Totals and rows then count only the selected stacks; everything else
    /// stays the same.
    ///
    /// Without a heap profile the table keeps its grouping.
    pub fn regroup(&self, selection: &Selection) -> Cow<'_, MemoryReport> {
        match (&self.heap, &self.report.types) {
            (Some(heap), Some(first)) if *selection != Selection::default() => {
                Cow::Owned(self.report.with_types(summarize_again(first, heap, selection)))
            }
            _ => Cow::Borrowed(&self.report),
        }
    }

    /// Rows of the tracked types. Every collection counts tracked types, because that costs nothing. If the report
    /// has a table, the rows are in it too.
    pub fn tracked(&self) -> &[TypeRow] {
        &self.tracked
    }

    /// Makes the heap profile behind the table, with symbols.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub fn symbolized(&self) -> Result<SymbolizedProfile, Error> {
        self.heap().map(Heap::symbolized)
    }

    /// The heap profile behind the table as jemalloc wrote it, with the addresses of this process.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub fn heap_profile(&self) -> Result<&HeapProfile, Error> {
        self.heap().map(Heap::profile)
    }

    /// Finds the type with the id `id` in the heap and in `snapshots`, with its memory by age and by route if they are
    /// recorded. `None` if there is no such type.
    ///
    /// # Errors
    ///
    /// If there is no heap profile, or a snapshot cannot be read.
    pub fn type_detail(&self, snapshots: &[Arc<Snapshot>], id: RowId) -> Result<Option<TypeDetail>, Error> {
        let heap = self.heap()?;
        let mut detail = TypeDetail::of(&self.report, &heap.symbolized(), snapshots, id)?;
        if let Some(detail) = detail.as_mut().filter(|_| heap.profile().recording().is_some()) {
            for group in [Group::Age, Group::Route] {
                detail.add_group(&heap.table_of_row(id, group), group, heap.profile().sample_rate());
            }
        }
        Ok(detail)
    }

    /// Finds the type of each stack of the heap profile.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub(crate) fn stack_types(&self) -> Result<StackTypes, Error> {
        self.heap().map(Heap::stack_types)
    }

    /// Makes a snapshot of the heap, to keep and to compare. Call it right after the collection, because the snapshot
    /// has the time of this call.
    ///
    /// # Errors
    ///
    /// If there is no heap profile. The message says why.
    pub fn snapshot(&self, label: Option<String>) -> Result<Snapshot, Error> {
        let (profile, at) = (self.symbolized()?, SystemTime::now());
        let births = self.heap()?.births(true);
        Snapshot::with_births(self.info(&profile, label, at)?, &profile, births.as_ref(), at)
    }

    /// Compares the heap, under the label `now`, with an earlier one by the rows of `selection`. Call it right
    /// after the collection, as with [`snapshot`](Self::snapshot).
    ///
    /// # Errors
    ///
    /// If there is no heap profile, or `base` cannot be read. By age or route, also if ages are not recorded now or in
    /// `base`, or if the selection has a focus or leaves stacks out.
    pub fn diff(&self, base: &Snapshot, selection: &Selection) -> Result<SnapshotDiff, Error> {
        let profile = self.symbolized()?;
        let now = self.info(&profile, Some("now".to_owned()), SystemTime::now())?;
        let births = if selection.group.needs_live_samples() { self.heap()?.births(false) } else { None };
        SnapshotDiff::until(&now, &profile, births.as_ref(), base, selection)
    }

    /// Finds the rows that grew since `base`, a snapshot of this process with the same samples. Give them to
    /// [`MemoryReport::note_growth`], so that [`diagnose`](crate::diagnose) knows whether a large row grows.
    ///
    /// # Errors
    ///
    /// If there is no heap profile, `base` is from another process or has other samples, or it cannot be read.
    pub fn growth_since(&self, base: &Snapshot) -> Result<SnapshotDiff, Error> {
        // Both origins are known before anything is read, so a mismatch is reported first.
        self.report.require_one_heap(base.info())?;
        Ok(self.diff(base, &Selection::default())?.growth())
    }

    fn info(
        &self,
        profile: &SymbolizedProfile,
        label: Option<String>,
        at: SystemTime,
    ) -> Result<SnapshotInfo, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|error| {
            Error::with_source(
                ErrorKind::System,
                format!("cannot get a random number for the snapshot's id: {error}"),
                error,
            )
        })?;
        Ok(SnapshotInfo::of(&self.report, profile, SnapshotId::from_random(bytes), label, at))
    }

    fn heap(&self) -> Result<&Heap, Error> {
        self.heap.as_ref().ok_or_else(|| {
            let reason = self.report.unavailable.get("types");
            let reason = reason.unwrap_or("the report was collected without the heap profile");
            Error::new(ErrorKind::NoProfile, reason)
        })
    }
}

/// Groups the table `first` in another way, and keeps its exact rows if the new rows stand for types.
fn summarize_again(first: &TypeSummary, heap: &Heap, selection: &Selection) -> TypeSummary {
    let mut summary = heap.summarize(selection);
    summary.active_since.clone_from(&first.active_since);
    summary.samples.clone_from(&first.samples);
    if let (Some(ages), Some(known)) = (&mut summary.ages, &first.ages) {
        ages.recorded_since.clone_from(&known.recorded_since);
    }
    if matches!(selection.group, Group::Container | Group::Element) {
        summary.rows.extend(first.rows.iter().filter(|row| row.source == RowSource::Exact).cloned());
    } else {
        // A function, file or thread is known even where the type is not, so only a table by type has this sum.
        let types = Selection::new(Group::Container, selection.focus.clone(), selection.ignore.clone());
        summary.unattributed_bytes = heap.summarize(&types).unattributed_bytes;
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::tests::heap;

    #[test]
    fn unattributed_bytes_are_known_for_size_classes_too() {
        let heap = heap();
        let first = heap.summarize(&Selection::default());
        let classes = summarize_again(&first, &heap, &Group::SizeClass.into());
        assert_eq!(
            (classes.rows[0].type_name.as_str(), classes.rows[0].source),
            ("64 bytes", RowSource::Sampled)
        );
        assert_eq!(classes.unattributed_bytes, classes.total_bytes);
    }
}
