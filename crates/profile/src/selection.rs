//! Which stacks count, what a row stands for, and the table that results.

mod group;
mod table;
mod traceback;

pub use group::{Group, Selection};
pub use table::{TypeEntry, TypeTable};
pub use traceback::TracebackDepth;
pub(crate) use traceback::traceback;
