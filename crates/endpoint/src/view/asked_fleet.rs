//! The answer of a fleet, kept for other pages of the same run.

use memory_debug_core::FleetReport;

use crate::fleet::FleetMembers;

/// A request to a fleet, and its answer.
pub(crate) struct AskedFleet {
    pub(super) members: FleetMembers,
    pub(super) rows: usize,
    pub(super) force: bool,
    pub(super) shows_host: bool,
    pub(super) report: FleetReport,
}
