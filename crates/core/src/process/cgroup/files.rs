//! Files of a control group.

use std::path::Path;

use crate::kernel_file;

/// A `memory.limit_in_bytes` from this value on means "no limit". The kernel writes the largest multiple of the page
/// size below 2^63.
pub(super) const NO_LIMIT_V1: u64 = 1 << 62;

pub(super) fn text(folder: &Path, file: &str) -> Result<String, String> {
    kernel_file::read(&folder.join(file))
}

/// A file that holds one number.
pub(super) fn bytes(folder: &Path, file: &str) -> Result<u64, String> {
    text(folder, file)?.trim().parse().map_err(|_| format!("{file} is not a number"))
}
