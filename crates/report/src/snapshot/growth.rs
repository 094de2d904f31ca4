//! Growth beyond the highest values seen before.

use memory_debug_profile::{Peaks, Selection};
use serde::{Deserialize, Serialize};

use super::{DiffRow, Snapshot, SnapshotInfo};
use crate::comparison::Comparison;
use crate::error::Error;

/// Rows that have grown beyond their peak, largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Growth {
    /// The moment since which peaks are known: the first snapshot, or the first after the samples were discarded.
    pub since: SnapshotInfo,
    /// The present moment.
    pub target: SnapshotInfo,
    /// What a row stands for, as in [`TypeSummary::group`](crate::TypeSummary::group).
    pub group: String,
    /// Rows that are above their peak by more than noise; changes are relative to the peak.
    pub rows: Vec<DiffRow>,
    /// Number of rows that were compared.
    pub compared_rows: u64,
    /// Growth is significant if its bytes exceed this many standard errors.
    pub threshold_stderrs: f64,
}

/// Computes the growth of `now` beyond `peaks`, and returns it with the updated peaks. `peaks` has the highest values
/// so far, and the moment since which they are known.
///
/// # Errors
///
/// If the snapshot cannot be read.
pub fn beyond_peaks(
    peaks: Option<(SnapshotInfo, Peaks)>,
    now: &Snapshot,
    selection: &Selection,
) -> Result<((SnapshotInfo, Peaks), Growth), Error> {
    let profile = now.profile()?;
    // Compared with peaks of discarded samples, no row would ever stand out.
    let peaks = peaks.filter(|(since, _)| {
        let comparison = Comparison::of(since.origin(None), now.info().origin(None));
        !matches!(comparison, Comparison::Discarded | Comparison::Unknown)
    });
    let (since, mut peaks) = peaks.unwrap_or_else(|| (now.info().clone(), Peaks::new(selection.clone())));
    let table = peaks.exceeded_by(&profile);
    let growth = Growth {
        since: since.clone(),
        target: now.info().clone(),
        group: selection.group.as_str().into(),
        rows: table.rows.iter().map(DiffRow::of).collect(),
        compared_rows: u64::try_from(table.compared).unwrap_or(u64::MAX),
        threshold_stderrs: table.threshold,
    };
    Ok(((since, peaks), growth))
}
