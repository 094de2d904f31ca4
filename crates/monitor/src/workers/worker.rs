//! One worker, from look to look: when it is blocked, and when that is an event.

use std::time::Duration;

use memory_debug_core::{BlockedWorker, EventKind, MonitorEvent};

use super::progress::{Progress, Stretch};
use super::suspect::{Eligible, Kernel, Sample, Suspect};
use super::text;
use crate::clock::{Moment, millis, rfc3339};
use crate::runtimes::Runtime;

/// An event of a block that lasts is sent after this time.
const SENT_AFTER: Duration = Duration::from_secs(5);

/// From this share on, a worker that had no processor is an event.
const STARVED_SHARE: f64 = 0.5;

/// A worker, as the looks have seen it.
#[derive(Debug, Default)]
pub(super) struct Worker {
    pub(super) progress: Progress,
    case: Option<Case>,
}

/// A worker that has not come back for a while.
#[derive(Debug)]
struct Case {
    suspect: Suspect,
    block: BlockedWorker,
    /// Whether it has lasted for longer than the threshold.
    is_block: bool,
    is_sent: bool,
}

/// What a look has found so far.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) moment: Moment,
    pub(super) since_last: Duration,
    pub(super) events: Vec<MonitorEvent>,
    /// Why the process as a whole did not run.
    pub(super) starved: Option<String>,
    pub(super) any_active: bool,
    pub(super) any_stuck: bool,
}

/// A worker that has not come back, at a look.
#[derive(Clone, Copy)]
pub(super) struct Stuck<'a> {
    pub(super) span: Duration,
    pub(super) threshold: Duration,
    pub(super) runtime: &'a Runtime,
    pub(super) index: usize,
    /// Threads of other blocked workers.
    pub(super) claimed: &'a [u32],
    /// Other blocked workers of the runtime whose threads are not certain.
    pub(super) rivals: usize,
    /// Whether the worker has come back since its counters were read. What its threads do by then is not the block.
    pub(super) came_back: &'a dyn Fn() -> bool,
}

impl Worker {
    /// Samples what the worker's threads do, and decides whether it is blocked.
    pub(super) fn stuck(&mut self, stuck: Stuck<'_>, kernel: &Kernel, findings: &mut Findings) {
        let Stuck { span, threshold, runtime, index, claimed, rivals, came_back } = stuck;
        let now = findings.moment.at;
        // The clock of the polls is read a little later than the clock of the look.
        let began_within = now.saturating_sub(self.progress.changed_after) + threshold / 2;
        let eligible = Eligible { began_within, claimed, rivals };
        // In any case, it is looked at again soon.
        findings.any_active = true;
        let sample = Sample::take(kernel, runtime, eligible, now);
        if came_back() {
            findings.any_stuck = true;
            return;
        }
        let case = match &mut self.case {
            Some(case) => {
                case.suspect.update(sample);
                case
            }
            none => {
                let mut block = BlockedWorker::default();
                block.runtime = runtime.name.to_string();
                block.worker = Some(index as u64);
                let suspect = Suspect::new(sample);
                none.insert(Case { suspect, block, is_block: false, is_sent: false })
            }
        };
        // After its event was sent, the worker's return is only waited for.
        findings.any_stuck |= !case.is_sent;
        case.is_block = case.is_block || case.is_long(span, threshold, span, findings);
        if !case.is_block {
            return;
        }
        case.describe(span, findings);
        if span >= SENT_AFTER && !case.is_sent {
            case.is_sent = true;
            findings.events.push(case.event(findings.moment));
        }
    }

    /// Takes note that the worker has come back, and returns its block, if it was one.
    pub(super) fn end(
        &mut self,
        stretch: Option<Stretch>,
        threshold: Duration,
        findings: &mut Findings,
    ) -> Option<BlockedWorker> {
        let mut case = self.case.take()?;
        let stretch = stretch?;
        if !case.is_block && !case.is_long(stretch.least, threshold, stretch.most, findings) {
            return None;
        }
        case.describe(stretch.most, findings);
        case.block.ended = true;
        if !case.is_sent {
            findings.events.push(case.event(findings.moment));
        }
        Some(case.block)
    }

    /// Forgets how long the worker has been stuck.
    pub(super) fn forget(&mut self, now: Duration) {
        self.progress.restart(now);
        self.case = None;
    }

    /// The block under way.
    pub(super) fn block(&self) -> Option<&BlockedWorker> {
        self.case.as_ref().filter(|case| case.is_block).map(|case| &case.block)
    }

    /// Whether it is blocked, or about to be, on a thread that is not certain.
    pub(super) fn is_uncertain(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.suspect.certain_thread().is_none())
    }

    /// The thread that it certainly is.
    pub(super) fn certain_thread(&self) -> Option<u32> {
        self.case.as_ref()?.suspect.certain_thread()
    }
}

impl Case {
    /// Whether a worker that did not come back for at least `least`, and at most `most`, was blocked and not merely
    /// without a processor.
    fn is_long(&self, least: Duration, threshold: Duration, most: Duration, findings: &mut Findings) -> bool {
        // Without a second look it is not known whether the worker had a processor.
        if most < threshold || !self.suspect.is_confirmed() {
            return false;
        }
        let share = self.suspect.share_without_processor();
        let is_long = least.mul_f64(1.0 - share) >= threshold;
        if !is_long && share >= STARVED_SHARE {
            findings.starved.get_or_insert_with(|| text::without_processor(share, most));
        }
        is_long
    }

    fn describe(&mut self, lasted: Duration, findings: &Findings) {
        let start = findings.moment.at.saturating_sub(lasted);
        if self.block.started_at.is_empty() {
            self.block.started_at = rfc3339(findings.moment.unix_ms_at(start));
        }
        self.block.duration_ms = millis(lasted);
        // Rounded up, because it is a bound.
        self.block.tick_ms = millis(findings.since_last) + 1;
        self.block.label = self.suspect.label();
        match self.suspect.threads() {
            Ok(threads) => self.block.threads = threads,
            Err(reason) => self.block.unknown_threads = Some(reason),
        }
    }

    fn event(&self, moment: Moment) -> MonitorEvent {
        let mut event =
            MonitorEvent::new(EventKind::Blocked, rfc3339(moment.unix_ms), text::blocked(&self.block));
        event.value = Some(self.block.duration_ms);
        event.blocked = Some(self.block.clone());
        event
    }
}

impl Findings {
    pub(super) fn new(moment: Moment, since_last: Duration) -> Self {
        Self { moment, since_last, events: Vec::new(), starved: None, any_active: false, any_stuck: false }
    }
}
