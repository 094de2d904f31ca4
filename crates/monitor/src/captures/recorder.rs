//! Decides what is captured, and writes the flight record.

use std::time::{Duration, SystemTime};

use memory_debug_core::{
    CaptureKind, CaptureStatus, Collector, EarlierProcess, InstanceInfo, ProcessEnd, Scope,
    record_live_samples,
};

use super::flight_place::FlightPlace;
use super::growth::Growth;
use super::job::{Job, JobResult, Want};
use super::marks::{Due, Marks};
use super::settings::Captures;
use super::status::Known;
use crate::capture_folder::{CaptureFolder, FileName, ProcessKey};
use crate::earlier::{Group, Processes, permille};
use crate::error::MonitorError;
use crate::flight::{Header, Health, KnownTypes, Recording, Writer, failed};
use crate::reading::Reading;

/// The fewest bytes of all files: room for a dump, flight files and a capture.
const MIN_BYTES: u64 = 8 << 20;

/// Below half of the limit, records are so far apart.
const QUIET_INTERVAL: Duration = Duration::from_secs(10);
const QUIET_PERMILLE: u64 = 500;

/// If this many processes in a row ended abruptly before this age, younger processes write nothing.
const CRASH_LOOP: usize = 3;
const YOUNG: Duration = Duration::from_secs(30);

/// How long to wait until the flight file is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(60);

/// How long the end waits for the mark in the flight file.
const END_WITHIN: Duration = Duration::from_secs(1);

/// What the first collection of types is assumed to need and to take. Later ones are measured.
const FIRST_NEEDED_BYTES: u64 = 16 << 20;
const FIRST_TIME: Duration = Duration::from_secs(2);
const SHORTEST_TIME: Duration = Duration::from_millis(100);

/// Writes the flight record, and says when a capture is due.
#[derive(Debug)]
pub(crate) struct Recorder {
    settings: Captures,
    folder: CaptureFolder,
    process: ProcessKey,
    flight: Writer,
    /// When the flight file is tried again, if it failed.
    retry_at: Option<Duration>,
    last_look: Duration,
    last_record: Option<Duration>,
    marks: Marks,
    growth: Growth,
    /// Memory and time that a collection of types takes.
    cost: (u64, Duration),
    is_warm: bool,
    is_collecting: bool,
    is_dumping: bool,
    /// The last failure of a capture.
    failure: Option<String>,
    /// The largest types of the files that this process wrote.
    largest: Vec<(String, (String, u64))>,
    earlier: Vec<EarlierProcess>,
    skipped: Vec<String>,
}

impl Recorder {
    /// Opens the folder and makes the flight file. `limit_source` says where the limit comes from.
    ///
    /// # Errors
    ///
    /// If the folder cannot be used. A full disk is no error: the file is then tried again later.
    pub(crate) fn open(
        settings: Captures,
        instance: &InstanceInfo,
        limit_source: Option<&str>,
    ) -> Result<Self, MonitorError> {
        if settings.max_bytes < MIN_BYTES {
            return Err(MonitorError::new("captures need at least 8 MiB; raise `at_most`"));
        }
        let folder = CaptureFolder::open(&settings.folder, settings.accept_memory)?;
        // Where there is never room for types, no collection would begin the recording. If it cannot begin, raw dumps have
        // no ages, and the capture says so.
        let _ = record_live_samples();
        let process = ProcessKey::own(instance.id);
        let group = Collector::new().collect(Scope::Stats).report.cgroup;
        let here = Group {
            path: group.as_ref().map(|group| group.path.clone()),
            oom_kills: group.as_ref().and_then(|group| group.oom_kills),
        };
        folder.tidy(&process, settings.max_bytes);
        let processes = Processes::read(&folder, Some(&process), &here);
        let is_crash_loop = processes.is_crash_loop(CRASH_LOOP, YOUNG);
        let abrupt = processes.found.into_iter().filter(|(_, process)| process.end == ProcessEnd::Abrupt);
        let place = FlightPlace {
            folder: folder.clone(),
            process: process.clone(),
            header: Header {
                instance: instance.clone(),
                opened_ms: unix_ms(),
                limit_source: limit_source.map(str::to_owned),
                group: here.path,
                oom_kills: here.oom_kills,
            },
            max_bytes: settings.max_bytes,
            accept_memory: settings.accept_memory,
        };
        let (path, file) = (place.path(), if is_crash_loop { Err(crash_loop()) } else { open(&place) });
        let flight = Writer::start(path, file, move || place.open())
            .map_err(|error| MonitorError::of("no thread for the flight record", error))?;
        Ok(Self {
            flight,
            retry_at: is_crash_loop.then_some(YOUNG),
            last_look: Duration::ZERO,
            last_record: None,
            marks: Marks::default(),
            growth: Growth::default(),
            cost: (FIRST_NEEDED_BYTES, FIRST_TIME),
            is_warm: !settings.warm,
            is_collecting: false,
            is_dumping: false,
            failure: None,
            largest: Vec::new(),
            earlier: abrupt.map(|(_, process)| process.into()).collect(),
            skipped: processes.skipped,
            settings,
            folder,
            process,
        })
    }

    /// The kernel's number of the thread that writes records.
    pub(crate) fn thread_id(&self) -> Option<u32> {
        self.flight.thread_id()
    }

    /// Takes the numbers of a look, and has them written if it is time. Waits for no disk, and allocates nothing.
    pub(crate) fn record(&mut self, reading: &Reading) {
        self.last_look = reading.at;
        if let Some(container) = reading.container {
            self.growth.look(reading.at, container.used);
        }
        match self.flight.health(reading.at) {
            Health::Good => self.retry_at = None,
            Health::Failed => {
                let retry_at = *self.retry_at.get_or_insert(reading.at + RETRY_AFTER);
                if reading.at < retry_at {
                    return;
                }
                self.retry_at = None;
                self.flight.open(reading.at);
            }
            // The latest record is the first that is written when the disk answers again.
            Health::Late(_) => {}
        }
        let is_quiet = share(reading).is_none_or(|permille| permille < QUIET_PERMILLE);
        let is_early = self.last_record.is_some_and(|last| reading.at.saturating_sub(last) < QUIET_INTERVAL);
        if is_quiet && is_early {
            return;
        }
        self.last_record = Some(reading.at);
        self.flight.write(reading);
    }

    /// The capture that is due, if one is. Reads nothing and waits for nothing. The caller runs it and returns its
    /// result to [`done`](Self::done).
    pub(crate) fn due(&mut self, reading: &Reading) -> Option<Job> {
        if self.is_paused() {
            return None;
        }
        if !self.is_warm && !self.is_collecting {
            self.is_warm = true;
            return Some(self.job(Want::Warm, reading));
        }
        let permille = share(reading);
        let due = self.marks.due(reading.at, permille)?;
        let kind = if due == Due::Baseline { CaptureKind::Baseline } else { CaptureKind::Snapshot };
        let want = match self.choose(kind, reading) {
            Some(want) => want,
            // At a mark, a collection that still runs is no reason to wait, but there is nothing else to do.
            None if self.is_collecting || self.is_dumping => return None,
            None => {
                self.marks.begun(due, reading.at, permille);
                self.failure = Some("there is no room for a snapshot, and raw dumps are switched off".into());
                return None;
            }
        };
        if due == Due::Baseline && self.is_collecting {
            return None;
        }
        self.marks.begun(due, reading.at, permille);
        Some(self.job(want, reading))
    }

    /// A capture now, whatever the marks say. `None` if one is under way, or there is no room.
    pub(crate) fn capture_now(&mut self, reading: &Reading) -> Option<Job> {
        if self.is_paused() {
            return None;
        }
        let want = self.choose(CaptureKind::Snapshot, reading)?;
        Some(self.job(want, reading))
    }

    /// Types if there is room and time for them, or a raw dump.
    fn choose(&self, kind: CaptureKind, reading: &Reading) -> Option<Want> {
        if self.has_room(reading) && !self.is_collecting {
            return Some(Want::Types(kind));
        }
        (self.settings.raw_dumps && !self.is_dumping).then_some(Want::Raw)
    }

    /// Whether twice the memory that types need is left, and will be for twice the time that they take.
    fn has_room(&self, reading: &Reading) -> bool {
        let (needed, time) = self.cost;
        reading.container.is_none_or(|container| {
            let room = container.limit.saturating_sub(container.used);
            room / 2 >= needed && room / 2 >= self.growth.in_time(time)
        })
    }

    fn job(&mut self, want: Want, reading: &Reading) -> Job {
        match want {
            Want::Raw => self.is_dumping = true,
            Want::Warm | Want::Types(_) => self.is_collecting = true,
        }
        Job {
            want,
            folder: self.folder.clone(),
            process: self.process.clone(),
            at_ms: reading.unix_ms,
            permille: share(reading).map(|permille| u32::try_from(permille).unwrap_or(u32::MAX)),
            max_bytes: self.settings.max_bytes,
            raw_dumps: self.settings.raw_dumps,
        }
    }

    /// Takes the result of a job.
    pub(crate) fn done(&mut self, result: &JobResult) {
        match result.want {
            Want::Raw => self.is_dumping = false,
            Want::Warm | Want::Types(_) => self.is_collecting = false,
        }
        if let Some((needed, time)) = result.cost {
            self.cost = (needed, time.max(SHORTEST_TIME));
        }
        self.failure = result.has_failed().then(|| result.outcome.outcome.clone());
        if result.types.is_empty() {
            return;
        }
        if let Some((file, largest)) = result.file.clone().zip(result.types.first().cloned()) {
            self.largest.push((file, largest));
        }
        self.flight.know(
            self.last_look,
            KnownTypes { at_ms: unix_ms(), types: result.types.clone(), earlier: Vec::new() },
        );
    }

    /// What is known of the captures, for the page. Reads nothing.
    pub(crate) fn known(&self) -> Known {
        let mut status = CaptureStatus::default();
        status.folder = self.folder.path().display().to_string();
        status.max_bytes = self.settings.max_bytes;
        status.warning = self.folder.warning().map(str::to_owned);
        status.paused = self.paused();
        status.earlier.clone_from(&self.earlier);
        status.skipped.clone_from(&self.skipped);
        status.skipped.extend(self.failure.iter().map(|failure| format!("the last capture: {failure}")));
        Known { folder: self.folder.clone(), status, largest: self.largest.clone() }
    }

    /// Why nothing is captured now, if so.
    pub(crate) fn paused(&self) -> Option<String> {
        self.flight.problem(self.last_look)
    }

    /// Whether nothing is captured now. Allocates nothing.
    pub(crate) fn is_paused(&self) -> bool {
        self.flight.health(self.last_look) != Health::Good
    }

    /// Earlier processes that did not end in order, the latest first.
    pub(crate) fn earlier(&self) -> &[EarlierProcess] {
        &self.earlier
    }

    /// Marks that this process ended in order.
    ///
    /// # Errors
    ///
    /// If the mark could not be written. The next start then reports an abrupt end.
    pub(crate) fn close(self) -> Result<(), String> {
        self.flight.end(unix_ms(), END_WITHIN)?;
        let _ = std::fs::remove_file(self.folder.path_of(&FileName::Ballast(self.process)));
        Ok(())
    }
}

/// Makes the flight file, or says why that failed.
fn open(place: &FlightPlace) -> Result<Recording, String> {
    place.open().map_err(|error| failed(&error))
}

fn crash_loop() -> String {
    format!(
        "the last {CRASH_LOOP} processes ended abruptly before they were {} s old, so nothing is written until this \
         process is",
        YOUNG.as_secs()
    )
}

/// The share of the limit that is in use, in thousandths.
fn share(reading: &Reading) -> Option<u64> {
    reading.container.map(|container| permille(container.used, container.limit))
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
