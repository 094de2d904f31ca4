//! The head of a request, from which pages read their parameters.

use memory_debug_core::{MonitorHandle, RowId, SnapshotId, TraceHandle};

use super::path_id::PathId;
use super::query::Query;
use crate::fleet::{FleetMembers, FleetScope};
use crate::reply::{Format, Problem};

/// The head of a request. A page reads from it what the page needs.
pub(crate) struct Asking<'a> {
    pub(crate) query: Query,
    /// The format that a parameter names, if any.
    pub(crate) format: Option<Format>,
    /// What the path names.
    pub(crate) id: PathId,
    /// Whether the login may see the names of types.
    pub(crate) knows_types: bool,
    /// Maximum number of rows that a page may show.
    pub(crate) max_rows: usize,
    /// The monitor of this process, if the page shows one.
    pub(crate) monitor: Option<&'a MonitorHandle>,
    /// The tracer of this process, if the page shows one.
    pub(crate) tracer: Option<&'a TraceHandle>,
    /// The members of a fleet, if this service can ask them.
    pub(crate) fleet: &'a dyn Fn(FleetScope) -> Result<FleetMembers, Problem>,
}

impl Asking<'_> {
    /// The snapshot that the path names. Only paths with `{id}` name one.
    pub(crate) fn id(&self) -> Result<SnapshotId, Problem> {
        match self.id {
            PathId::Snapshot(id) => Ok(id),
            _ => Err(Problem::UnknownSnapshot),
        }
    }

    /// The row of the table that the path names.
    pub(crate) fn row(&self) -> Result<RowId, Problem> {
        match self.id {
            PathId::Row(id) => Ok(id),
            _ => Err(Problem::UnknownType),
        }
    }
}
