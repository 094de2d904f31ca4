//! The selection of stacks, the grouping into rows, and the resulting table.

mod group;
mod table;
mod traceback;

pub use group::{Group, Selection};
pub use table::{TypeEntry, TypeTable};
pub use traceback::TracebackDepth;
pub(crate) use traceback::traceback;
