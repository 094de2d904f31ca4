//! Growth beyond all that was seen before.

use memory_debug_profile::{Peaks, Selection};
use serde::{Deserialize, Serialize};

use super::{DiffRow, Snapshot, SnapshotInfo};
use crate::comparison::Comparison;
use crate::error::Error;

/// What has grown beyond its peak, largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Growth {
    /// The moment from which on peaks are known: the first one, or the first after the samples were discarded.
    pub since: SnapshotInfo,
    /// This moment.
    pub target: SnapshotInfo,
    /// What a row stands for, as in [`TypeSummary::group`](crate::TypeSummary::group).
    pub group: String,
    /// Rows that are above their peak by more than noise; changes are those since the peak.
    pub rows: Vec<DiffRow>,
    /// Rows that were compared.
    pub compared_rows: u64,
    /// What makes growth significant: that its bytes exceed so many standard errors.
    pub threshold_stderrs: f64,
}

/// What `now` has beyond `peaks`, the highest so far and since when they are known; and the peaks with it.
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
    // Beside peaks of samples that were discarded, nothing would stand out for ever.
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
