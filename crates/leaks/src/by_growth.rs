//! The rule for snapshots that do not know when their memory was allocated.

use std::collections::HashMap;

use memory_debug_profile::{Change, ChangeTable, RowId};

/// The least growth in the second half of the time, as a share of what steady growth would give.
pub(crate) const SHARE_OF_STEADY: f64 = 0.5;

/// The changes that the rule looks at.
#[derive(Debug)]
pub(crate) struct ByGrowth<'t> {
    pub(crate) steps: &'t [HashMap<RowId, Change>],
    pub(crate) second_half: HashMap<RowId, Change>,
    /// The second half, as a share of the time.
    pub(crate) second_half_share: f64,
    /// Number of rows that grew.
    pub(crate) grew: usize,
}

impl ByGrowth<'_> {
    /// Whether a row that grew by more than noise never shrank by more than noise, and grew to the end.
    pub(crate) fn is_suspect(&self, change: &Change) -> bool {
        let id = change.id();
        let of_steps = ChangeTable::growth_threshold(self.steps.len());
        let of_rows = ChangeTable::growth_threshold(self.grew);
        let changes = self.steps.iter().filter_map(|step| step.get(&id));
        let shrinks =
            changes.map(|change| &change.difference).any(|step| step.bytes < -of_steps * step.bytes_stderr());
        let late = self.second_half.get(&id).map(|late| late.difference).unwrap_or_default();
        // There may be no snapshot exactly in the middle.
        let share = SHARE_OF_STEADY * self.second_half_share;
        change.is_significant
            && !shrinks
            && late.bytes > of_rows * late.bytes_stderr()
            && late.bytes >= share * change.difference.bytes
    }
}
