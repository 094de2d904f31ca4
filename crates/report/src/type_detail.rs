//! One type of the table: which code allocated it, and how its memory changed over the kept snapshots.

use std::sync::Arc;

use memory_debug_profile::{
    Group, RowId, SampleRate, Selection, SymbolizedProfile, TracebackDepth, TypeTable,
};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::instance::InstanceInfo;
use crate::report::{MemoryReport, TypeRow};
use crate::snapshot::{Snapshot, SnapshotId};
use crate::types::row;

/// Most rows of each breakdown.
const MOST_ROWS: usize = 20;

/// The breakdowns of a profile with symbols, in their order.
const GROUPS: [Group; 6] =
    [Group::Function, Group::File, Group::Line, Group::Thread, Group::SizeClass, Group::Traceback];

/// One type: its row of the table, and what the table does not show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeDetail {
    /// The process that answered.
    pub instance: InstanceInfo,
    /// When the collection began, RFC 3339 in UTC.
    pub collected_at: String,
    /// As in [`TypeRow::type_name`].
    #[serde(rename = "type")]
    pub type_name: String,
    /// As in [`TypeRow::full_type`].
    pub full_type: String,
    /// The row of the table. Empty if no such memory is live. Two rows share an id only by accident.
    pub rows: Vec<TypeRow>,
    /// What the container holds, summed over all containers, as in `group=element`. `None` if the type holds itself.
    pub element: Option<TypeRow>,
    /// Live bytes of the whole table.
    pub total_bytes: Option<u64>,
    /// The row, summed in other ways.
    pub groups: Vec<TypeGroup>,
    /// The row at each kept snapshot with the same samples, the oldest first, and now.
    pub history: Vec<TypeMoment>,
    /// Number of kept snapshots with other samples, which `history` leaves out.
    pub left_out_snapshots: u64,
}

/// The memory of one type, summed by something else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeGroup {
    /// What a row stands for, as in the parameter `group`: `function`, `traceback`.
    pub group: String,
    /// The largest rows.
    pub rows: Vec<TypeRow>,
    /// Number of rows beyond them.
    pub omitted_rows: u64,
}

/// The memory of one type at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TypeMoment {
    /// The snapshot. `None` for the present.
    pub snapshot: Option<SnapshotId>,
    /// RFC 3339 in UTC.
    pub at: String,
    /// The snapshot's label.
    pub label: Option<String>,
    /// Live allocations.
    pub objects: u64,
    /// Live bytes.
    pub bytes: u64,
    /// One standard error of `bytes`, in bytes.
    pub bytes_stderr: f64,
}

impl TypeDetail {
    /// Finds the type with the id `id` in a report, in the heap behind it, and in `snapshots`. `None` if none of them has
    /// such a type.
    ///
    /// # Errors
    ///
    /// If a snapshot cannot be read.
    pub fn of(
        report: &MemoryReport,
        profile: &SymbolizedProfile,
        snapshots: &[Arc<Snapshot>],
        id: RowId,
    ) -> Result<Option<Self>, Error> {
        let (mut past, mut history) = (None, Vec::new());
        for kept in snapshots.iter().filter(|kept| report.require_one_heap(kept.info()).is_ok()) {
            let info = kept.info();
            let rows = summed(&kept.profile()?.of_row(id), Group::Container);
            let (snapshot, label) = (Some(info.id), info.label.clone());
            history.push(TypeMoment { snapshot, label, ..TypeMoment::of(&info.taken_at, &rows) });
            past = rows.into_iter().next().or(past);
        }
        let left_out_snapshots = (snapshots.len() - history.len()) as u64;
        let own = profile.of_row(id);
        history.push(TypeMoment::of(&report.collected_at, &summed(&own, Group::Container)));
        let rows = report.types.iter().flat_map(|types| &types.rows).filter(|row| row.id == Some(id));
        let rows: Vec<_> = rows.cloned().collect();
        let Some(known) = rows.first().or(past.as_ref()) else { return Ok(None) };
        let held = summed(&own, Group::Element).into_iter().next();
        let element = held.filter(|held| held.full_type != known.full_type).and_then(|held| {
            summed(profile, Group::Element).into_iter().find(|row| row.full_type == held.full_type)
        });
        Ok(Some(Self {
            instance: report.instance.clone(),
            collected_at: report.collected_at.clone(),
            type_name: known.type_name.clone(),
            full_type: known.full_type.clone(),
            element,
            total_bytes: report.types.as_ref().and_then(|types| types.total_bytes),
            groups: GROUPS.map(|group| TypeGroup::of(&own, group)).into(),
            rows,
            history,
            left_out_snapshots,
        }))
    }
}

impl TypeDetail {
    /// Adds the type's memory, summed by age or by route from samples at `rate`. Call it in the order in which the groups are shown. A table
    /// without any known row, as when nothing is recorded, is left out.
    pub fn add_group(&mut self, table: &TypeTable, group: Group, rate: SampleRate) {
        if table.entries.iter().any(|entry| entry.is_attributed) {
            self.groups.push(TypeGroup::of_rows(
                table.entries.iter().map(|entry| row(entry, group, rate)).collect(),
                group,
            ));
        }
    }
}

impl TypeGroup {
    fn of(profile: &SymbolizedProfile, group: Group) -> Self {
        Self::of_rows(summed(profile, group), group)
    }

    fn of_rows(mut rows: Vec<TypeRow>, group: Group) -> Self {
        let omitted_rows = rows.len().saturating_sub(MOST_ROWS) as u64;
        rows.truncate(MOST_ROWS);
        Self { group: group.as_str().to_owned(), rows, omitted_rows }
    }
}

impl TypeMoment {
    /// The sum of `rows` at one moment. There is at most one, unless two rows share an id.
    fn of(at: &str, rows: &[TypeRow]) -> Self {
        let variance: f64 = rows.iter().map(|row| row.bytes_stderr.powi(2)).sum();
        Self {
            snapshot: None,
            at: at.to_owned(),
            label: None,
            objects: rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.objects)),
            bytes: rows.iter().fold(0, |sum: u64, row| sum.saturating_add(row.bytes)),
            bytes_stderr: variance.sqrt(),
        }
    }
}

/// The rows of a profile by `group`.
fn summed(profile: &SymbolizedProfile, group: Group) -> Vec<TypeRow> {
    let mut selection = Selection::from(group);
    selection.depth = TracebackDepth::MAX;
    let entries = profile.summarize(&selection).entries;
    entries.iter().map(|entry| row(entry, group, profile.sample_rate())).collect()
}

#[cfg(test)]
mod tests;
