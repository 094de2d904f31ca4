//! A thin way in for the fuzz targets. No part of the interface: it changes with what it leads to.

use std::io::{Read, Write};

use memory_debug_core::{MemoryReport, MissingReason};

/// The report that a sibling or peer answers, asked for so many rows, or why there is none.
pub fn exchange(stream: impl Read + Write, rows: usize) -> Result<MemoryReport, (MissingReason, String)> {
    super::exchange(stream, b"", rows)
}
