//! Looks at the workers of all watched runtimes.

use std::collections::VecDeque;
use std::time::Duration;

use memory_debug_core::{BlockedWorker, EventKind, MonitorEvent};
use tokio::runtime::RuntimeMetrics;

use super::progress::{At, Counters, Found};
use super::starvation::Sources;
use super::suspect::Kernel;
use super::worker::{Findings, Stuck, Worker};
use super::{Look, MIN_THRESHOLD, text};
use crate::clock::{Moment, rfc3339};
use crate::runtimes::{Runtime, Runtimes};
use crate::thread_state::Threads;

/// Blocks that have ended and are still shown.
const MAX_RECENT: usize = 32;

/// Workers that were active so recently are looked at often enough to find a block.
const RECENTLY: Duration = Duration::from_secs(60);

/// The shortest time between two events of a starved process.
const BETWEEN_STARVED: Duration = Duration::from_secs(60);

/// A process that did not run for this long is an event of its own.
const STOPPED: Duration = Duration::from_secs(1);

/// The workers of the watched runtimes.
#[derive(Debug)]
pub(crate) struct Workers {
    runtimes: Runtimes,
    /// For each runtime its workers.
    workers: Vec<Vec<Worker>>,
    threshold: Duration,
    kernel: Kernel,
    last_look: Option<Duration>,
    /// When this look was planned, if the last one planned it.
    planned: Option<Duration>,
    last_active: Option<Duration>,
    last_starved: Option<Duration>,
    /// The latest blocks that have ended, the newest last.
    recent: VecDeque<BlockedWorker>,
}

impl Workers {
    /// Looks at the workers of `runtimes`. A worker that is blocked for `threshold` is an event.
    pub(crate) fn new(runtimes: Runtimes, threshold: Duration) -> Self {
        Self {
            runtimes,
            workers: Vec::new(),
            threshold: threshold.max(MIN_THRESHOLD),
            kernel: Kernel { threads: Threads::of_this_process(), sources: Sources::of_this_process() },
            last_look: None,
            planned: None,
            last_active: None,
            last_starved: None,
            recent: VecDeque::new(),
        }
    }

    /// Looks at all workers. Allocates only if a worker has been stuck for half of the threshold, or if a runtime is new.
    ///
    /// `overslept` is how much later than planned the monitor's own thread woke up. It is the sign of a process that
    /// did not run. A process that was stopped during a look itself has no such sign, so the time since then counts, too.
    pub(crate) fn look(&mut self, now: Duration, unix_ms: u64, overslept: Duration) -> Look {
        self.runtimes.update();
        let since_last = self.last_look.replace(now).map_or(Duration::ZERO, |last| now.saturating_sub(last));
        let late = self.planned.map_or(Duration::ZERO, |planned| now.saturating_sub(planned));
        let overslept = overslept.max(late);
        let excused = if overslept >= self.threshold / 2 { overslept } else { Duration::ZERO };
        let at = At { now, since_last, excused };
        let mut findings = Findings::new(Moment { at: now, unix_ms }, since_last);
        if overslept >= STOPPED.max(self.threshold) {
            findings.starved = Some(text::stopped(overslept));
        }
        let mut any_ended = false;
        for (place, runtime) in self.runtimes.iter().enumerate() {
            let metrics = runtime.handle.metrics();
            if self.workers.len() == place {
                self.workers.push((0..metrics.num_workers()).map(|_| Worker::default()).collect());
            }
            for index in 0..self.workers[place].len() {
                let counters = counters(&metrics, index);
                // Taken out, so that the threads of the others can be read meanwhile.
                let mut worker = std::mem::take(&mut self.workers[place][index]);
                match worker.progress.look(counters, at) {
                    Found::Parked => {}
                    Found::Moved(stretch) => {
                        findings.any_active = true;
                        let block = worker.end(stretch, self.threshold, &mut findings);
                        self.recent.extend(block);
                    }
                    // Nothing waits for this worker: the runtime has ended, or no thread runs it.
                    Found::Stuck(_) if !runtime.can_be_blocked() => worker.forget(now),
                    Found::Stuck(span) if span >= self.threshold / 2 => {
                        any_ended |= self.has_ended(runtime);
                        let claimed = claimed(&self.workers);
                        let rivals = self.workers[place].iter().filter(|other| other.is_uncertain()).count();
                        let threshold = self.threshold;
                        let came_back = || counters != self::counters(&metrics, index);
                        let stuck = Stuck {
                            span,
                            threshold,
                            runtime,
                            index,
                            claimed: &claimed,
                            rivals,
                            came_back: &came_back,
                        };
                        worker.stuck(stuck, &self.kernel, &mut findings);
                    }
                    Found::Stuck(_) => findings.any_stuck = true,
                }
                self.workers[place][index] = worker;
            }
        }
        if any_ended {
            self.forget_ended();
        }
        self.finish(findings)
    }

    /// The workers that are blocked now, and then the last ones that were, the newest first.
    pub(crate) fn current(&self) -> Vec<BlockedWorker> {
        let open = self.workers.iter().flatten().filter_map(|worker| worker.block());
        open.chain(self.recent.iter().rev()).cloned().collect()
    }

    /// Whether the only thread of a runtime has ended.
    fn has_ended(&self, runtime: &Runtime) -> bool {
        runtime.only_thread().is_some_and(|tid| self.kernel.threads.name(tid).is_none())
    }

    /// Stops watching runtimes whose thread has ended.
    fn forget_ended(&mut self) {
        let gone: Vec<_> = self.runtimes.iter().map(|runtime| self.has_ended(runtime)).collect();
        // Both lists have the same order.
        let mut places = gone.iter();
        self.workers.retain(|_| places.next() == Some(&false));
        let with_gone = self.runtimes.iter().zip(&gone);
        let ended: Vec<_> =
            with_gone.filter(|(_, gone)| **gone).map(|(runtime, _)| runtime.handle.id()).collect();
        self.runtimes.forget(&ended);
    }

    fn finish(&mut self, mut findings: Findings) -> Look {
        let surplus = self.recent.len().saturating_sub(MAX_RECENT);
        self.recent.drain(..surplus);
        let now = findings.moment.at;
        if let Some(text) = findings.starved
            && self.last_starved.is_none_or(|last| now.saturating_sub(last) >= BETWEEN_STARVED)
        {
            self.last_starved = Some(now);
            findings.events.push(MonitorEvent::new(
                EventKind::ProcessStarved,
                rfc3339(findings.moment.unix_ms),
                text,
            ));
        }
        if findings.any_active || findings.any_stuck {
            self.last_active = Some(now);
        }
        let part = if findings.any_stuck {
            Some(8)
        } else if findings.any_active {
            Some(4)
        } else {
            // A block that begins between two looks is found if one look falls into it.
            self.last_active.is_some_and(|last| now.saturating_sub(last) < RECENTLY).then_some(2)
        };
        let next = part.map(|part| self.threshold / part);
        self.planned = next.map(|next| now + next);
        Look { next, events: findings.events }
    }
}

/// The counters of a worker, as they are now.
fn counters(metrics: &RuntimeMetrics, worker: usize) -> Counters {
    Counters {
        parks: metrics.worker_park_unpark_count(worker),
        busy: metrics.worker_total_busy_duration(worker),
    }
}

/// The threads of those workers for which they are certain.
fn claimed(workers: &[Vec<Worker>]) -> Vec<u32> {
    workers.iter().flatten().filter_map(Worker::certain_thread).collect()
}

#[cfg(test)]
mod tests;
