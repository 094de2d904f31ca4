//! Scans of the heap, as the page asks for them.

mod finding;
mod run;
mod shared;
mod typed;

use std::sync::Arc;
use std::time::{Duration, Instant};

use memory_debug_holders::{HoldersReport, ProgressReport, RunningScan};

use self::shared::SCANS;
use crate::collect::Collector;
use crate::shared_source::{note_all, now};

/// What a scan looks for, and how long it may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldersOptions {
    /// The only types of the result: those whose name contains this text. `None` for all types.
    pub type_filter: Option<String>,
    /// The most holders of a chain.
    pub depth: usize,
    /// The most time of all scans together.
    pub deadline: Duration,
    /// The number of scans, from 1 to 3. Unreachable memory needs three.
    pub scans: u32,
}

/// All types, chains of up to eight holders, and three scans within a minute.
impl Default for HoldersOptions {
    fn default() -> Self {
        Self { type_filter: None, depth: 8, deadline: Duration::from_secs(60), scans: 3 }
    }
}

/// How far a scan is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScanProgress {
    /// Bytes of the heap that the present scan has read.
    pub read_bytes: u64,
    /// Bytes of the heap that it found.
    pub heap_bytes: u64,
    /// Scans that have ended.
    pub scans_done: u32,
    /// When the first scan began, RFC 3339 in UTC.
    pub started_at: String,
}

impl Collector {
    /// Scans the heap for what holds its objects. Blocks for seconds.
    ///
    /// The process goes on meanwhile: nothing stops its threads, and the scan reads memory through the kernel, on a thread
    /// of its own with a low priority. A gibibyte of heap takes some two seconds of processor time, and 4 % of it as memory.
    /// Three scans have pauses between them.
    ///
    /// Only one scan runs in a process. A call that comes meanwhile waits for it and uses what it found, unless it made fewer
    /// scans than the call wants.
    ///
    /// Never fails. If the process cannot be scanned, [`HoldersReport::coverage`] is `None`, and
    /// [`HoldersReport::unavailable`] says why and what to do. If the time is over or memory becomes short, the report
    /// covers a part and says so ([`Coverage::ended_early`](crate::Coverage::ended_early)).
    pub fn holders(&self, options: &HoldersOptions) -> HoldersReport {
        let (instance, reasons) = self.identity();
        let begin = Instant::now();
        let mut report = HoldersReport::new(instance, now());
        note_all(&mut report.unavailable, &reasons);
        let deadline = begin.checked_add(options.deadline).unwrap_or(begin);
        let wanted = options.scans.clamp(1, run::MOST_SCANS);
        let found = SCANS
            .get(|_| shared::Scans::default())
            .share(wanted, deadline, |progress| run::run(self, wanted, deadline, progress));
        match found {
            Ok(finding) => finding.describe(options, &mut report),
            Err(reason) => report.unavailable.note("coverage", reason),
        }
        report.scanned_at = now();
        report.duration_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
        if report.coverage.is_some() {
            SCANS.get(|_| shared::Scans::default()).keep(Arc::new(report.clone()));
        }
        report
    }

    /// How far the running scan is. `None` if none runs.
    pub fn holders_progress(&self) -> Option<ScanProgress> {
        SCANS.get(|_| shared::Scans::default()).progress()
    }

    /// The result of the last scan of this process. `None` if none has ended.
    pub fn last_holders(&self) -> Option<Arc<HoldersReport>> {
        SCANS.get(|_| shared::Scans::default()).last()
    }

    /// Whether a scan runs, and how far it is. Starts none.
    pub fn holders_progress_report(&self) -> ProgressReport {
        let (instance, reasons) = self.identity();
        let running = self.holders_progress().map(|progress| {
            let ScanProgress { read_bytes, heap_bytes, scans_done, started_at } = progress;
            RunningScan::new(started_at, read_bytes, heap_bytes, scans_done)
        });
        let last = self.last_holders().map(|last| last.scanned_at.clone());
        let mut report = ProgressReport::new(instance, running, last);
        note_all(&mut report.unavailable, &reasons);
        report
    }
}
