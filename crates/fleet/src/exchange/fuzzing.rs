//! Entry point for the fuzz targets. Not part of the public interface, and may change at any time.

use std::io::{Read, Write};

use memory_debug_report::MemoryReport;

use crate::missing::Missing;

/// Asks a sibling or peer for `rows` rows. Returns its report, or the reason why it is missing.
pub fn exchange(stream: impl Read + Write, rows: usize) -> Result<MemoryReport, Missing> {
    super::exchange(stream, b"", rows)
}
