//! Keys of labels, which hold what pprof has no field for.

/// The type that owns the memory, as in the table.
pub(super) const TYPE: &str = "type";
/// The type with whole paths.
pub(super) const FULL_TYPE: &str = "full_type";
/// The function that asked for memory of unknown type, instead of a type.
pub(super) const UNATTRIBUTED: &str = "unattributed";
pub(super) const THREAD: &str = "thread";
/// Mean size of the objects, as in Go's heap profiles.
pub(super) const BYTES: &str = "bytes";
/// The place in the service that asked for the memory.
pub(super) const FUNCTION: &str = "function";
pub(super) const FILE: &str = "file";
pub(super) const LINE: &str = "line";
pub(super) const CRATE: &str = "crate";
/// Whether the bytes are from true sizes.
pub(super) const SIZES: &str = "sizes";
/// The value of [`SIZES`] for true sizes. Other samples do not have the label.
pub(super) const TRUE_SIZES: &str = "true";
