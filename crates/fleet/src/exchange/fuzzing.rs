//! Entry point for the fuzz targets. Not part of the interface: it changes with the code behind it.

use std::io::{Read, Write};

use memory_debug_report::MemoryReport;

use crate::missing::Missing;

/// The report that a sibling or peer answers when asked for `rows` rows, or why there is no report.
pub fn exchange(stream: impl Read + Write, rows: usize) -> Result<MemoryReport, Missing> {
    super::exchange(stream, b"", rows)
}
