//! Processes that used the folder, as their files show them.

use std::time::{Duration, SystemTime};

use memory_debug_core::units::{Bytes, short_name};
use memory_debug_core::{Capture, CapturedProcess, FlightRecord, ProcessEnd};
use memory_debug_report::__private::timestamp;

use crate::capture_folder::{CaptureFolder, Entry, FileName, ProcessKey};
use crate::flight::{FlightFile, KnownTypes};
use crate::reading::Reading;

/// From this share of the limit, a process that did not end in order was probably killed for lack of memory.
const NEARLY_FULL_PERMILLE: u64 = 900;

/// The control group that this process is in, to compare its counter with an earlier process's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    pub(crate) path: Option<String>,
    pub(crate) oom_kills: Option<u64>,
}

/// The processes that left a flight file, the latest first, and what could not be read.
#[derive(Debug, Default)]
pub(crate) struct Processes {
    pub(crate) found: Vec<(FlightFile, CapturedProcess)>,
    pub(crate) skipped: Vec<String>,
}

impl Processes {
    /// Reads the flight files of the folder, except the one of this process. `here` is the group of this process, if it
    /// may be the group of the earlier ones.
    pub(crate) fn read(folder: &CaptureFolder, own: Option<&ProcessKey>, here: &Group) -> Self {
        let mut processes = Self::default();
        let entries = match folder.entries() {
            Ok(entries) => entries,
            Err(error) => {
                processes.skipped.push(format!("the folder cannot be read: {error}"));
                return processes;
            }
        };
        for entry in entries.iter().filter(|entry| matches!(entry.name, FileName::Flight(_))) {
            let process = entry.name.process();
            if Some(process) == own {
                continue;
            }
            match FlightFile::read(&folder.path_of(&entry.name)) {
                Ok(flight) => {
                    if flight.damaged > 0 {
                        processes
                            .skipped
                            .push(format!("{}: {} records are damaged", entry.name, flight.damaged));
                    }
                    let end = match flight.ended_ms {
                        Some(_) => ProcessEnd::InOrder,
                        None if folder.is_alive(process) => ProcessEnd::Running,
                        None => ProcessEnd::Abrupt,
                    };
                    let described = describe(&flight, end, captures_of(process, &entries), here);
                    processes.found.push((flight, described));
                }
                Err(error) => processes.skipped.push(format!("{}: {error}", entry.name)),
            }
        }
        processes.found.sort_by_key(|(flight, _)| std::cmp::Reverse(flight.header.opened_ms));
        processes
    }

    /// Whether the latest `count` processes all ended abruptly, each less than `age` after its start.
    pub(crate) fn is_crash_loop(&self, count: usize, age: Duration) -> bool {
        let ended = self.found.iter().filter(|(_, process)| process.end != ProcessEnd::Running);
        let latest: Vec<_> = ended.take(count).collect();
        let is_young = |flight: &FlightFile| lived(flight) < age;
        latest.len() == count
            && latest.iter().all(|(flight, process)| process.end == ProcessEnd::Abrupt && is_young(flight))
    }
}

/// The time from the first to the last sign of life.
fn lived(flight: &FlightFile) -> Duration {
    let last = flight.records.last().map_or(0, |record| record.unix_ms);
    Duration::from_millis(last.saturating_sub(flight.header.opened_ms))
}

/// The captures of a process, the newest first.
pub(crate) fn captures_of(process: &ProcessKey, entries: &[Entry]) -> Vec<Capture> {
    let mut captures: Vec<_> = entries
        .iter()
        .filter(|entry| entry.name.process() == process)
        .filter_map(|entry| match &entry.name {
            FileName::Capture { kind, at_ms, permille, .. } => {
                let name = entry.name.to_string();
                let mut capture = Capture::new(name, *kind, time(*at_ms), entry.bytes, process.pid);
                capture.percent_of_limit = permille.map(|permille| f64::from(permille) / 10.0);
                Some((*at_ms, capture))
            }
            FileName::Flight(_) | FileName::Ballast(_) | FileName::Samples { .. } => None,
        })
        .collect();
    captures.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    captures.into_iter().map(|(_, capture)| capture).collect()
}

fn describe(flight: &FlightFile, end: ProcessEnd, files: Vec<Capture>, here: &Group) -> CapturedProcess {
    let killed = was_oom_killed(flight, end, here);
    let mut process = CapturedProcess::new(flight.header.instance.clone(), end, summary(flight, end, killed));
    process.was_oom_killed = killed;
    process.limit_source.clone_from(&flight.header.limit_source);
    process.records = flight.records.iter().map(record).collect();
    let mut measured = 0;
    for (record, types) in process.records.iter_mut().zip(&flight.types) {
        // Records repeat them until the next measurement.
        if let Some(types) = types.as_ref().filter(|types| types.at_ms != measured) {
            measured = types.at_ms;
            note_types(record, types);
        }
    }
    // The latest types may be later than the last record, and files of earlier versions have no others.
    if let Some((last, known)) = process.records.last_mut().zip(flight.known.as_ref()) {
        note_types(last, known);
    }
    process.damaged_records = flight.damaged as u64;
    process.files = files;
    process
}

/// Whether the kernel killed a process of the same group after the last record. `None` if that is not known: a group
/// that was removed and made again counts from zero, so an equal count proves nothing.
fn was_oom_killed(flight: &FlightFile, end: ProcessEnd, here: &Group) -> Option<bool> {
    let same = here.path.is_some() && here.path == flight.header.group && end == ProcessEnd::Abrupt;
    let before = flight.records.last().and_then(|last| last.oom_kills).or(flight.header.oom_kills);
    let rose = here.oom_kills? > before?;
    (same && rose).then_some(true)
}

/// How the process ended, and what it held, in a sentence.
fn summary(flight: &FlightFile, end: ProcessEnd, killed: Option<bool>) -> String {
    let instance = &flight.header.instance;
    let service = match (&instance.service, &instance.version) {
        (Some(service), Some(version)) => format!("{service} {version}, "),
        (Some(service), None) => format!("{service}, "),
        _ => String::new(),
    };
    let mut text = format!("process {} ({service}instance {}) ", instance.pid, instance.id.short());
    text.push_str(match end {
        ProcessEnd::Running => "is running",
        ProcessEnd::InOrder => "ended in order",
        _ => "did not end in order",
    });
    let Some(last) = flight.records.last() else { return text + "; it left no record" };
    text.push_str(&format!("; its last record, of {}, ", time(last.unix_ms)));
    match (last.container, last.resident) {
        (Some(container), _) => text.push_str(&format!(
            "shows {} of the {} that its container may use ({:.1} %)",
            Bytes(container.used),
            Bytes(container.limit),
            permille(container.used, container.limit) as f64 / 10.0
        )),
        (None, Some(resident)) => {
            text.push_str(&format!("shows {} resident, without a limit", Bytes(resident)))
        }
        (None, None) => text.push_str("does not say how much memory was in use"),
    }
    if end == ProcessEnd::Abrupt {
        let is_nearly_full = |last: &Reading| {
            last.container.is_some_and(|it| permille(it.used, it.limit) >= NEARLY_FULL_PERMILLE)
        };
        text.push_str(match killed {
            Some(true) => "; after it, the kernel killed a process of this container for lack of memory",
            _ if is_nearly_full(last) => "; it was probably killed for lack of memory",
            _ => "; nothing shows that it lacked memory",
        });
    }
    if let Some((known, (name, bytes))) =
        flight.known.as_ref().and_then(|known| Some((known, known.types.first()?)))
    {
        let name = short_name(name);
        let when = match last.unix_ms.checked_sub(known.at_ms) {
            Some(age) => format!("{:.1} s before that", age as f64 / 1000.0),
            None => format!("at {}", time(known.at_ms)),
        };
        text.push_str(&format!("; the largest type, measured {when}, was {name} with {}", Bytes(*bytes)));
    }
    text
}

/// A record, as pages show it.
fn record(reading: &Reading) -> FlightRecord {
    let mut record = FlightRecord::default();
    record.at = time(reading.unix_ms);
    record.resident_bytes = reading.resident;
    record.container_bytes = reading.container.map(|container| container.used);
    record.limit_bytes = reading.container.map(|container| container.limit);
    record.allocated_bytes = reading.allocator.map(|allocator| allocator.allocated);
    record.active_bytes = reading.allocator.map(|allocator| allocator.active);
    record.metadata_bytes = reading.allocator.map(|allocator| allocator.metadata);
    record.allocator_resident_bytes = reading.allocator.map(|allocator| allocator.resident);
    record.retained_bytes = reading.allocator.map(|allocator| allocator.retained);
    record.threads = reading.threads;
    record
}

fn note_types(record: &mut FlightRecord, known: &KnownTypes) {
    record.types.clone_from(&known.types);
    record.types_at = Some(time(known.at_ms));
}

/// The share of the limit, in thousandths.
pub(crate) fn permille(used: u64, limit: u64) -> u64 {
    u64::try_from(u128::from(used) * 1000 / u128::from(limit.max(1))).unwrap_or(u64::MAX)
}

/// A time since 1970, RFC 3339 in UTC.
fn time(unix_ms: u64) -> String {
    // A damaged record can have any time.
    timestamp::millis(
        SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(unix_ms)).unwrap_or(SystemTime::UNIX_EPOCH),
    )
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
