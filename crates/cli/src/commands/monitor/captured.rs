//! A process and the types of its captures.

use std::path::Path;

use memory_debug_monitor::DumpSamples;
use memory_debug_profile::{HeapProfile, TypeAttributor, TypeTable};
use memory_debug_report::{
    Ages, Births, Capture, CaptureKind, CapturedProcess, Selection, Snapshot, SymbolizedProfile,
};
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
    /// The routes that allocated the most. Empty if none are recorded.
    pub(super) routes: Vec<RouteBytes>,
    /// Why there are no types.
    pub(super) unavailable: Option<String>,
    /// Why there are types, but neither ages nor routes.
    pub(super) ages_unavailable: Option<String>,
}

/// The live memory of a type.
#[derive(Debug, Serialize)]
pub(super) struct TypeBytes {
    pub(super) type_name: String,
    pub(super) bytes: u64,
    pub(super) objects: u64,
    /// How old the memory was. `None` if that is not known.
    pub(super) ages: Option<Ages>,
}

/// The live memory that a route allocated.
#[derive(Debug, Serialize)]
pub(super) struct RouteBytes {
    pub(super) route: String,
    pub(super) bytes: u64,
}

/// What a capture tells about types and routes.
struct Content {
    table: TypeTable,
    /// Ages and routes, or the reason why they are missing.
    births: Result<Births, String>,
    /// Why the program's code has no names.
    without_names: Option<String>,
}

impl Captured {
    /// Reads the captures of `process`, and keeps the `top` types of each.
    pub(super) fn read(folder: &Path, mut process: CapturedProcess, programs: &Programs, top: usize) -> Self {
        let build_id = process.instance.build_id.clone();
        let profiles: Vec<Profile> = process
            .files
            .iter()
            .map(|file| {
                let content = match content(folder, file, build_id.as_deref(), programs) {
                    Ok(Content { without_names: Some(reason), .. }) | Err(reason) => Err(reason),
                    Ok(named) => Ok(named),
                };
                let file = file.file.clone();
                match content {
                    Ok(Content { table, births, .. }) => Profile {
                        file,
                        total_bytes: Some(whole(table.total.bytes)),
                        types: table
                            .entries
                            .iter()
                            .take(top)
                            .map(|entry| row(entry, births.as_ref().ok()))
                            .collect(),
                        routes: births.iter().flat_map(routes).collect(),
                        unavailable: None,
                        ages_unavailable: births.err(),
                    },
                    Err(reason) => Profile { file, unavailable: Some(reason), ..Profile::default() },
                }
            })
            .collect();
        for (file, profile) in process.files.iter_mut().zip(&profiles) {
            file.largest_type = profile.types.first().map(|row| (row.type_name.clone(), row.bytes));
        }
        Self { process, profiles }
    }
}

/// Reads a capture.
fn content(
    folder: &Path,
    file: &Capture,
    build_id: Option<&str>,
    programs: &Programs,
) -> Result<Content, String> {
    let content = read(folder, &file.file).map_err(|failure| failure.to_string())?;
    let selection = Selection::default();
    if file.kind != CaptureKind::RawDump {
        let read = Snapshot::from_bytes(content.clone()).and_then(|snapshot| snapshot.contents());
        let (profile, births) = match read {
            Ok(contents) => contents,
            // The description may be missing or of another version. The stacks do not need it.
            Err(_) => {
                let (profile, _) =
                    SymbolizedProfile::read_pprof(&*content).map_err(|error| error.to_string())?;
                (profile, None)
            }
        };
        let births = births.ok_or_else(|| "the snapshot does not have them".to_owned());
        return Ok(Content { table: profile.summarize(&selection), births, without_names: None });
    }
    let profile = HeapProfile::parse(&*content).map_err(|error| error.to_string())?;
    let (profile, missing) = match samples_of(folder, &file.file, content.len() as u64) {
        Ok(samples) => (samples.join(profile), None),
        Err(reason) => (profile, Some(reason)),
    };
    let files = programs.of(build_id, profile.mappings());
    let mut attributor = TypeAttributor::new();
    let table = attributor.summarize(&profile, &files, &selection);
    let births = match missing {
        Some(reason) => Err(reason),
        None => attributor.births(&profile, &files, &[]).ok_or_else(|| "no sample was recorded".to_owned()),
    };
    Ok(Content { table, births, without_names: files.why_not() })
}

/// The live samples of a raw dump, from the file beside it.
pub(super) fn samples_of(folder: &Path, dump: &str, dump_bytes: u64) -> Result<DumpSamples, String> {
    let name = DumpSamples::file_of(dump).ok_or("the dump was renamed, so its live samples are not found")?;
    if !folder.join(&name).exists() {
        return Err(format!(
            "the file {name} is missing; the process had not recorded live samples, or ended before it wrote them"
        ));
    }
    let content = read(folder, &name).map_err(|failure| failure.to_string())?;
    DumpSamples::parse(&content, dump_bytes).map_err(|error| format!("{name} is of no use: {error}"))
}

fn row(entry: &memory_debug_profile::TypeEntry, births: Option<&Births>) -> TypeBytes {
    let id = entry.id();
    let ages = births.and_then(|births| births.ages(births.of_type(|row| row.id() == id)?));
    TypeBytes {
        type_name: entry.type_name.clone(),
        bytes: whole(entry.estimate.bytes),
        objects: whole(entry.estimate.objects),
        ages,
    }
}

/// The routes with known names.
fn routes(births: &Births) -> impl Iterator<Item = RouteBytes> {
    births
        .routes
        .iter()
        .filter(|row| row.is_attributed)
        .take(ROUTES)
        .map(|row| RouteBytes { route: row.type_name.clone(), bytes: row.bytes() })
}

/// The number of routes that are kept of a capture.
const ROUTES: usize = 3;

/// Rounds to the nearest whole number. `as` saturates; estimates are finite and not negative.
fn whole(estimate: f64) -> u64 {
    estimate.round() as u64
}
