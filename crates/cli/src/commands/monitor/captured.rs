//! A process and the types of its captures.

use std::path::Path;

use memory_debug_profile::{HeapProfile, TypeAttributor, TypeTable};
use memory_debug_report::{Capture, CaptureKind, CapturedProcess, Selection, SymbolizedProfile};
use serde::Serialize;

use super::program::Programs;
use super::read;

/// What a folder holds.
#[derive(Debug, Serialize)]
pub(super) struct Folder {
    pub(super) folder: String,
    /// The latest process first.
    pub(super) processes: Vec<Captured>,
    /// What could not be read, each with the reason.
    pub(super) skipped: Vec<String>,
}

/// A process, and its captures with types.
#[derive(Debug, Serialize)]
pub(super) struct Captured {
    #[serde(flatten)]
    pub(super) process: CapturedProcess,
    /// One for each of the process's files, in their order.
    pub(super) profiles: Vec<Profile>,
}

/// The types that held memory at the moment of a capture.
#[derive(Debug, Default, Serialize)]
pub(super) struct Profile {
    pub(super) file: String,
    /// The sum over all types.
    pub(super) total_bytes: Option<u64>,
    /// The largest types.
    pub(super) types: Vec<TypeBytes>,
    /// Why there are no types.
    pub(super) unavailable: Option<String>,
}

/// The live memory of a type.
#[derive(Debug, Serialize)]
pub(super) struct TypeBytes {
    pub(super) type_name: String,
    pub(super) bytes: u64,
    pub(super) objects: u64,
}

impl Captured {
    /// Reads the captures of `process`, and keeps the `top` types of each.
    pub(super) fn read(folder: &Path, mut process: CapturedProcess, programs: &Programs, top: usize) -> Self {
        let build_id = process.instance.build_id.clone();
        let profiles: Vec<Profile> = process
            .files
            .iter()
            .map(|file| {
                let (table, unavailable) = match table(folder, file, build_id.as_deref(), programs) {
                    Ok((table, why_no_names)) => (Some(table), why_no_names),
                    Err(reason) => (None, Some(reason)),
                };
                let named = table.filter(|_| unavailable.is_none());
                Profile {
                    file: file.file.clone(),
                    total_bytes: named.as_ref().map(|table| whole(table.total.bytes)),
                    types: named.iter().flat_map(|table| &table.entries).take(top).map(row).collect(),
                    unavailable,
                }
            })
            .collect();
        for (file, profile) in process.files.iter_mut().zip(&profiles) {
            file.largest_type = profile.types.first().map(|row| (row.type_name.clone(), row.bytes));
        }
        Self { process, profiles }
    }
}

/// The table of a capture, and why its program's code has no names, if so.
fn table(
    folder: &Path,
    file: &Capture,
    build_id: Option<&str>,
    programs: &Programs,
) -> Result<(TypeTable, Option<String>), String> {
    let content = read(folder, &file.file).map_err(|failure| failure.to_string())?;
    let selection = Selection::default();
    if file.kind != CaptureKind::RawDump {
        let (profile, _) = SymbolizedProfile::read_pprof(&*content).map_err(|error| error.to_string())?;
        return Ok((profile.summarize(&selection), None));
    }
    let profile = HeapProfile::parse(&*content).map_err(|error| error.to_string())?;
    let files = programs.of(build_id, profile.mappings());
    let table = TypeAttributor::new().summarize(&profile, &files, &selection);
    Ok((table, files.why_not()))
}

fn row(entry: &memory_debug_profile::TypeEntry) -> TypeBytes {
    TypeBytes {
        type_name: entry.type_name.clone(),
        bytes: whole(entry.estimate.bytes),
        objects: whole(entry.estimate.objects),
    }
}

/// Rounds to the nearest whole number. `as` saturates; estimates are finite and not negative.
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}
