//! The selection of stacks, the grouping into rows, and the resulting table.

mod row_id;
mod group;
mod table;
mod traceback;

pub(crate) use group::NO_ROUTE_RECORDED;
pub use group::{Group, Selection};
pub use row_id::{NoRowId, RowId};
pub use table::{TypeEntry, TypeTable};
pub use traceback::TracebackDepth;
pub(crate) use traceback::traceback;
