//! Reads a folder of captures from outside, after its processes ended.

use std::path::Path;

use memory_debug_core::CapturedProcess;

use crate::capture_folder::CaptureFolder;
use crate::earlier::{Group, Processes};
use crate::error::MonitorError;

/// Reads what processes left in a folder of captures, the latest process first. Also returns what could not be read,
/// each with the reason. The profiles are not opened.
///
/// # Errors
///
/// If `path` is not a folder.
pub fn read_captures(path: &Path) -> Result<(Vec<CapturedProcess>, Vec<String>), MonitorError> {
    let folder = CaptureFolder::to_read(path);
    folder.entries().map_err(|error| MonitorError::new(format!("{}: {error}", path.display())))?;
    let processes = Processes::read(&folder, None, &Group::default());
    Ok((processes.found.into_iter().map(|(_, process)| process).collect(), processes.skipped))
}
