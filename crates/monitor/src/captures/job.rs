//! One capture under way, on a collecting thread.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_debug_core::__private::{label_name, live_samples, without_signal};
use memory_debug_core::units::{Bytes, short_name};
use memory_debug_core::{ActionOutcome, CaptureKind, Collected, Collector, Scope, Snapshot, write_raw_dump};

use crate::capture_folder::{CaptureFolder, FileName, ProcessKey};
use crate::dump_samples::SamplesWriter;
use crate::flight::{allocate, new_file};

/// Room on the disk that is kept free for a raw dump. jemalloc empties its file when it opens it, so the file
/// itself cannot have room in advance.
const BALLAST_BYTES: u64 = 4 << 20;

/// The number of types that are remembered.
const KNOWN_TYPES: usize = 16;

/// A capture that is due. It runs on a thread made by [`spawn_collecting`](memory_debug_core::spawn_collecting).
#[derive(Debug)]
pub(crate) struct Job {
    pub(super) want: Want,
    pub(super) folder: CaptureFolder,
    pub(super) process: ProcessKey,
    pub(super) at_ms: u64,
    pub(super) permille: Option<u32>,
    pub(super) max_bytes: u64,
    /// Whether a raw dump is written if a snapshot fails.
    pub(super) raw_dumps: bool,
}

/// What to capture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// Nothing: types are collected once, so that the next time is faster.
    Warm,
    /// A profile with types.
    Types(CaptureKind),
    /// jemalloc's own dump.
    Raw,
}

/// What became of a [`Job`].
#[derive(Debug)]
pub(crate) struct JobResult {
    /// What was done, in words.
    pub(crate) outcome: ActionOutcome,
    /// The snapshot, if types were collected.
    pub(crate) snapshot: Option<Arc<Snapshot>>,
    /// The largest types and their bytes.
    pub(crate) types: Vec<(String, u64)>,
    pub(super) want: Want,
    /// The file that was written.
    pub(super) file: Option<String>,
    /// Memory that a collection of types needs, and the time that it took.
    pub(super) cost: Option<(u64, Duration)>,
}

impl JobResult {
    /// Whether a file was written.
    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }
}

impl JobResult {
    /// Whether a file was wanted and was not written.
    pub(crate) fn has_failed(&self) -> bool {
        self.file.is_none() && self.want != Want::Warm
    }
}

impl Job {
    /// Captures. Blocks for milliseconds, or up to seconds the first time that types are collected.
    pub(crate) fn run(self, collector: &Collector) -> JobResult {
        let mut result = self.not_run("");
        let outcome = match self.want {
            Want::Raw => self.raw_dump(&mut result),
            Want::Warm => self
                .collect(collector, &mut result)
                .map(|_| "collected types once, without a file".to_owned()),
            Want::Types(kind) => self.snapshot(kind, collector, &mut result).or_else(|reason| {
                if !self.raw_dumps {
                    return Err(reason);
                }
                let raw = self.raw_dump(&mut result)?;
                Ok(format!("{raw}, because a snapshot with types was not possible: {reason}"))
            }),
        };
        result.outcome.outcome = outcome.unwrap_or_else(|reason| format!("failed: {reason}"));
        // Also after a failure: the disk may be full of this folder's files.
        self.folder.tidy(&self.process, self.max_bytes);
        self.keep_room();
        result
    }

    /// The result if the job does not run to its end.
    pub(crate) fn not_run(&self, reason: &str) -> JobResult {
        JobResult {
            outcome: ActionOutcome::new("capture", format!("failed: {reason}")),
            snapshot: None,
            types: Vec::new(),
            want: self.want,
            file: None,
            cost: None,
        }
    }

    /// Collects types, unless twice the memory that they need is not left.
    fn collect(&self, collector: &Collector, result: &mut JobResult) -> Result<Collected, String> {
        let begin = Instant::now();
        let headroom = collector.headroom(Scope::Everything);
        if headroom.available_bytes.is_some_and(|available| available / 2 < headroom.needed_bytes) {
            return Err(headroom.to_string());
        }
        let collected = collector.collect(Scope::Everything);
        result.cost = Some((headroom.needed_bytes, begin.elapsed()));
        Ok(collected)
    }

    fn snapshot(
        &self,
        kind: CaptureKind,
        collector: &Collector,
        result: &mut JobResult,
    ) -> Result<String, String> {
        let collected = self.collect(collector, result)?;
        let label = match (kind, self.permille) {
            (CaptureKind::Baseline, _) => "baseline".to_owned(),
            (_, Some(permille)) => format!("at {:.1} % of the limit", f64::from(permille) / 10.0),
            (_, None) => "capture".to_owned(),
        };
        let snapshot = collected.snapshot(Some(label)).map_err(|error| error.to_string())?;
        let bytes = snapshot.as_bytes();
        let name = self.save(kind, |unfinished| {
            let mut file = new_file(unfinished)?;
            without_signal(|| file.write_all(bytes))
        })?;
        let rows = collected.report.types.iter().flat_map(|types| &types.rows);
        result.types = rows.take(KNOWN_TYPES).map(|row| (row.type_name.clone(), row.bytes)).collect();
        let largest = result.types.first().map_or_else(String::new, |(name, bytes)| {
            format!("; the largest type is {} with {}", short_name(name), Bytes(*bytes))
        });
        let text = format!("wrote {name}, {}{largest}", Bytes(bytes.len() as u64));
        result.file = Some(name);
        result.snapshot = Some(Arc::new(snapshot));
        Ok(text)
    }

    fn raw_dump(&self, result: &mut JobResult) -> Result<String, String> {
        let _ = fs::remove_file(self.ballast());
        // A kill must not leave samples without a dump, so they get their name after it.
        let mut samples = self.begin_samples();
        let mut dump = self.save_dump();
        if dump.is_err() && samples.is_ok() {
            // The disk may be full, and the dump is worth more. An open file keeps its room.
            samples = Err("the dump needed their room".to_owned());
            self.remove_samples();
            dump = self.save_dump();
        }
        let (name, length) = dump?;
        let ages = samples.and_then(|samples| self.finish_samples(samples, length));
        let ages = match ages {
            Ok(()) => ", with ages and routes".to_owned(),
            Err(reason) => {
                self.remove_samples();
                format!(", without ages and routes: {reason}")
            }
        };
        result.file = Some(name.clone());
        Ok(format!("wrote {name}, {}{ages}", Bytes(length)))
    }

    /// Lets jemalloc write its dump. Returns the name and the length of the file.
    fn save_dump(&self) -> Result<(String, u64), String> {
        let mut length = 0;
        let name = self.save(CaptureKind::RawDump, |unfinished| {
            length = write_raw_dump(unfinished).map_err(io::Error::other)?;
            Ok(())
        })?;
        Ok((name, length))
    }

    /// The name of the file with the live samples of a raw dump.
    fn samples(&self) -> FileName {
        let Self { process, at_ms, permille, .. } = self;
        FileName::Samples { process: process.clone(), at_ms: *at_ms, permille: *permille }
    }

    fn begin_samples(&self) -> Result<SamplesWriter<File>, String> {
        let before = live_samples::stream()?;
        let unfinished = with_tmp(&self.folder.path_of(&self.samples()));
        let _ = fs::remove_file(&unfinished);
        without_signal(|| SamplesWriter::begin(new_file(&unfinished)?, before))
            .map_err(|error| error.to_string())
    }

    fn finish_samples(&self, samples: SamplesWriter<File>, dump_bytes: u64) -> Result<(), String> {
        let after = live_samples::stream()?;
        let labels = (0..).map_while(label_name);
        let path = self.folder.path_of(&self.samples());
        without_signal(|| samples.finish(dump_bytes, after, labels))
            .and_then(|_| fs::rename(with_tmp(&path), &path))
            .map_err(|error| error.to_string())
    }

    fn remove_samples(&self) {
        let _ = fs::remove_file(with_tmp(&self.folder.path_of(&self.samples())));
    }

    /// Writes a file, which gets its name when it is complete. It is not synced before that: a kill of the process does
    /// not discard what was written, and the disk may be slow.
    fn save(&self, kind: CaptureKind, write: impl FnOnce(&Path) -> io::Result<()>) -> Result<String, String> {
        let (process, at_ms, permille) = (self.process.clone(), self.at_ms, self.permille);
        let name = FileName::Capture { process, kind, at_ms, permille };
        let path = self.folder.path_of(&name);
        let unfinished = with_tmp(&path);
        let _ = fs::remove_file(&unfinished);
        if let Err(error) = write(&unfinished).and_then(|()| fs::rename(&unfinished, &path)) {
            let _ = fs::remove_file(&unfinished);
            return Err(error.to_string());
        }
        // Only for a failure of the machine, so an error changes nothing.
        let _ = File::open(&path).and_then(|file| file.sync_data());
        Ok(name.to_string())
    }

    /// Keeps room for the next raw dump.
    fn keep_room(&self) {
        keep_room(&self.ballast());
    }

    fn ballast(&self) -> PathBuf {
        self.folder.path_of(&FileName::Ballast(self.process.clone()))
    }
}

/// Keeps room on the disk under this name. Without room, or if the disk cannot reserve any, there is no file.
pub(super) fn keep_room(ballast: &Path) {
    if !ballast.exists()
        && let Ok(file) = new_file(ballast)
        && allocate(&file, BALLAST_BYTES).is_err()
    {
        let _ = fs::remove_file(ballast);
    }
}

/// The name of a file that is not complete.
fn with_tmp(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".tmp");
    name.into()
}
