//! What one collection gives: a report, and the heap profile behind its table.

use std::borrow::Cow;
use std::time::SystemTime;

use memory_debug_profile::{HeapProfile, Selection, SymbolizedProfile};
use memory_debug_report::{
    Error, ErrorKind, Group, MemoryReport, RowSource, Snapshot, SnapshotDiff, SnapshotId, SnapshotInfo,
    TypeRow, TypeSummary,
};

use crate::heap::Heap;

/// A report, and the heap profile that its table was summed from.
///
/// The report is a plain value. The profile stays in this process: it can be summed again by something else than types
/// ([`regroup`](Self::regroup)), kept ([`snapshot`](Self::snapshot)), compared ([`diff`](Self::diff)) and exported
/// ([`symbolized`](Self::symbolized)).
#[derive(Debug)]
pub struct Collected {
    /// What was measured.
    pub report: MemoryReport,
    heap: Option<Heap>,
    tracked: Vec<TypeRow>,
}

/// A report that was made elsewhere, without the profile behind it.
impl From<MemoryReport> for Collected {
    fn from(report: MemoryReport) -> Self {
        Self { report, heap: None, tracked: Vec::new() }
    }
}

impl Collected {
    pub(crate) fn new(report: MemoryReport, heap: Option<Heap>, tracked: Vec<TypeRow>) -> Self {
        Self { report, heap, tracked }
    }

    /// The report with its table summed by `selection`. Totals and rows are then of the selected stacks; all else is
    /// as it was.
    ///
    /// Without a heap profile the table stays grouped as it is.
    pub fn regroup(&self, selection: &Selection) -> Cow<'_, MemoryReport> {
        match (&self.heap, &self.report.types) {
            (Some(heap), Some(first)) if *selection != Selection::default() => {
                Cow::Owned(self.report.with_types(summarize_again(first, heap, selection)))
            }
            _ => Cow::Borrowed(&self.report),
        }
    }

    /// A row for each tracked type. They are counted in every collection, because that costs nothing, and are in the
    /// table too if the report has one.
    pub fn tracked(&self) -> &[TypeRow] {
        &self.tracked
    }

    /// The heap profile behind the table, with names.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn symbolized(&self) -> Result<SymbolizedProfile, Error> {
        self.heap().map(Heap::symbolized)
    }

    /// The heap profile behind the table as jemalloc gave it, with addresses of this process.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub fn heap_profile(&self) -> Result<&HeapProfile, Error> {
        self.heap().map(Heap::profile)
    }

    /// The heap, to keep and to compare. Call it right after the collection: its time is that of this call.
    ///
    /// # Errors
    ///
    /// Why there is no heap profile.
    pub fn snapshot(&self, label: Option<String>) -> Result<Snapshot, Error> {
        let (profile, at) = (self.symbolized()?, SystemTime::now());
        Snapshot::new(self.info(&profile, label, at)?, &profile, at)
    }

    /// Compares the heap, which is called `now`, with an earlier one by the rows of `selection`. Call it right after the
    /// collection, as [`snapshot`](Self::snapshot).
    ///
    /// # Errors
    ///
    /// Why there is no heap profile, or `base` cannot be read.
    pub fn diff(&self, base: &Snapshot, selection: &Selection) -> Result<SnapshotDiff, Error> {
        let profile = self.symbolized()?;
        let now = self.info(&profile, Some("now".to_owned()), SystemTime::now())?;
        SnapshotDiff::until(&now, &profile, base, selection)
    }

    /// Which rows grew since `base`, a snapshot of this process with the same samples. Give it to
    /// [`MemoryReport::note_growth`], so that [`diagnose`](crate::diagnose) knows whether a large row grows.
    ///
    /// # Errors
    ///
    /// Why there is no heap profile, `base` is of another process or has other samples, or it cannot be read.
    pub fn growth_since(&self, base: &Snapshot) -> Result<SnapshotDiff, Error> {
        // Said by what is known of both, before anything is read.
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
            Error::with_source(ErrorKind::System, format!("no random number for a name: {error}"), error)
        })?;
        Ok(SnapshotInfo::of(&self.report, profile, SnapshotId::from_random(bytes), label, at))
    }

    fn heap(&self) -> Result<&Heap, Error> {
        self.heap.as_ref().ok_or_else(|| {
            let reason = self.report.unavailable.get("types");
            let reason = reason.unwrap_or("the report was made without the heap profile");
            Error::new(ErrorKind::NoProfile, reason)
        })
    }
}

/// The table `first` summed in another way, with the exact rows where a row stands for a type.
fn summarize_again(first: &TypeSummary, heap: &Heap, selection: &Selection) -> TypeSummary {
    let mut summary = heap.summarize(selection);
    summary.active_since.clone_from(&first.active_since);
    summary.samples.clone_from(&first.samples);
    if matches!(selection.group, Group::Container | Group::Element) {
        summary.rows.extend(first.rows.iter().filter(|row| row.source == RowSource::Exact).cloned());
    } else {
        // A function, file or thread is known where the type is not, so the other sum has to be asked for it.
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
    fn bytes_without_a_type_are_told_also_where_rows_are_size_classes() {
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
