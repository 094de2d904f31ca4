//! Keys of labels: what pprof has no field for.

/// The type that owns the memory, as in the table.
pub(super) const TYPE: &str = "type";
/// The same with whole paths.
pub(super) const FULL_TYPE: &str = "full_type";
/// The function that asked for memory of unknown type; instead of a type.
pub(super) const UNATTRIBUTED: &str = "unattributed";
pub(super) const THREAD: &str = "thread";
/// Mean size of the objects, as Go's heap profiles have it.
pub(super) const BYTES: &str = "bytes";
/// Where in the service it was asked for.
pub(super) const FUNCTION: &str = "function";
pub(super) const FILE: &str = "file";
pub(super) const LINE: &str = "line";
pub(super) const CRATE: &str = "crate";
