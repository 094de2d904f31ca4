//! What the threads of a worker do while it does not come back to its scheduler.

use std::time::Duration;

use memory_debug_core::BlockedThread;

use super::starvation::{Kept, Sources};
use crate::clock::millis;
use crate::runtimes::Runtime;
use crate::slot::{self, Named, Poll};
use crate::tasks;
use crate::thread_state::{ThreadState, ThreadTimes, Threads, Whereabouts};

/// The most threads that are looked at for one worker.
const MAX_THREADS: usize = 128;

/// The most threads that an event names.
const MAX_NAMED: usize = 8;

/// Where a sample comes from.
#[derive(Debug)]
pub(super) struct Kernel {
    pub(super) threads: Threads,
    pub(super) sources: Sources,
}

/// A worker that has not come back for a while, and what its threads did at the first and at the latest look.
#[derive(Debug)]
pub(super) struct Suspect {
    first: Sample,
    last: Sample,
}

/// What the threads of a worker do at a look.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    at: Duration,
    kept: Kept,
    threads: Vec<ThreadState>,
    /// The threads that certainly work for the runtime.
    known: Vec<u32>,
    /// Other blocked workers of the runtime whose threads are not certain.
    rivals: usize,
    /// The route or task that the worker polls, if it is wrapped.
    poll: Option<Poll>,
    label: Option<String>,
}

/// Which polls the worker may be in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Eligible<'a> {
    /// A poll that began earlier cannot be the one: the worker has been back since.
    pub(super) began_within: Duration,
    /// Threads of other blocked workers.
    pub(super) claimed: &'a [u32],
    /// Other blocked workers of the runtime whose threads are not certain.
    pub(super) rivals: usize,
}

impl Suspect {
    pub(super) fn new(first: Sample) -> Self {
        Self { last: first.clone(), first }
    }

    pub(super) fn update(&mut self, mut sample: Sample) {
        if self.first.poll.map(|poll| poll.started) != sample.poll.map(|poll| poll.started) {
            // The poll of the first sample has ended, and the worker is still blocked. So it was not this poll.
            sample.forget_poll();
            self.first.forget_poll();
        }
        let before = std::mem::replace(&mut self.last, sample);
        self.keep_what_tells_more(before);
    }

    /// A thread that runs now, but has hardly run since the first look, is about to come back. What it did before tells
    /// more.
    fn keep_what_tells_more(&mut self, before: Sample) {
        for old in before.threads {
            let Some(place) = self.last.threads.iter().position(|thread| thread.tid == old.tid) else {
                continue;
            };
            let thread = &self.last.threads[place];
            if thread.whereabouts == Some(Whereabouts::Running)
                && old.whereabouts != Some(Whereabouts::Running)
                && self.times(thread).is_some()
                && !self.computes(thread)
            {
                let thread = &mut self.last.threads[place];
                thread.whereabouts = old.whereabouts;
                thread.wait_channel = old.wait_channel;
            }
        }
    }

    /// The thread that it certainly is.
    pub(super) fn certain_thread(&self) -> Option<u32> {
        self.last.poll.map(|poll| poll.tid)
    }

    /// The route or task.
    pub(super) fn label(&self) -> Option<String> {
        self.last.label.clone()
    }

    /// Whether there were two looks, so that times can be compared.
    pub(super) fn is_confirmed(&self) -> bool {
        self.last.at > self.first.at
    }

    /// The share of the time in which the worker could not run, although it wanted to.
    pub(super) fn share_without_processor(&self) -> f64 {
        let over = self.over();
        if over.is_zero() {
            return 0.0;
        }
        let outside = self.last.kept.share_since(self.first.kept, over);
        let share = |thread: &&ThreadState| {
            let (before, now) = self.times(thread)?;
            // The kernel counts a wait for a processor when it is over. A thread that is ready to run has waited for
            // one whenever it did not run.
            let waited = match thread.whereabouts {
                Some(Whereabouts::Running) => over.saturating_sub(now.ran.saturating_sub(before.ran)),
                _ => now.delayed.saturating_sub(before.delayed),
            };
            Some(waited.as_secs_f64() / over.as_secs_f64())
        };
        // If several threads fit, the one that waited the longest may be the worker. In doubt no worker is blamed.
        let of_threads = self.fitting().iter().filter_map(share).reduce(f64::max);
        outside.max(of_threads.unwrap_or(0.0)).min(1.0)
    }

    /// The threads that the worker may be, or why no thread is known.
    pub(super) fn threads(&self) -> Result<Vec<BlockedThread>, String> {
        let threads: Vec<_> =
            self.fitting().into_iter().take(MAX_NAMED).map(|thread| self.named(thread)).collect();
        if threads.is_empty() {
            return Err("no thread of this runtime is visible below /proc/self/task".into());
        }
        Ok(threads)
    }

    fn named(&self, state: &ThreadState) -> BlockedThread {
        let mut thread = BlockedThread::default();
        thread.tid = state.tid;
        thread.name.clone_from(&state.name);
        thread.doing = state.doing();
        thread.syscall = match &state.whereabouts {
            Some(Whereabouts::InCall(call)) => Some(call.clone()),
            Some(Whereabouts::Running | Whereabouts::InKernel) | None => None,
        };
        thread.wait_channel.clone_from(&state.wait_channel);
        thread.cpu_ms = self.times(state).map(|(before, now)| millis(now.ran.saturating_sub(before.ran)));
        thread
    }

    /// The threads whose state fits a blocked worker.
    ///
    /// An idle thread waits for a lock or for IO. A blocked worker may wait for a lock, too. So a thread that does
    /// something else is taken for the worker only if it certainly works for the runtime. Other threads may have the
    /// name of a worker, because a thread without a name has the name of the thread that spawned it.
    fn fitting(&self) -> Vec<&ThreadState> {
        let mut threads: Vec<_> = self.last.threads.iter().collect();
        if threads.len() < 2 {
            return threads;
        }
        threads.retain(|thread| !thread.polls_io());
        let is_busy = |thread: &ThreadState| {
            thread.whereabouts.is_some() && (!thread.may_be_idle() || self.computes(thread))
        };
        let certain = |thread: &&ThreadState| is_busy(thread) && self.last.known.contains(&thread.tid);
        // Each of the rivals may be one of them.
        if threads.iter().filter(|thread| certain(thread)).count() > self.last.rivals {
            threads.retain(certain);
        }
        threads
    }

    fn computes(&self, thread: &ThreadState) -> bool {
        self.times(thread).is_some_and(|(before, now)| now.ran.saturating_sub(before.ran) > self.over() / 2)
    }

    /// The times of a thread at the first look and at the latest one.
    fn times(&self, thread: &ThreadState) -> Option<(ThreadTimes, ThreadTimes)> {
        let before = self.first.threads.iter().find(|before| before.tid == thread.tid)?;
        Some((before.times?, thread.times?))
    }

    fn over(&self) -> Duration {
        self.last.at.saturating_sub(self.first.at)
    }
}

impl Sample {
    pub(super) fn take(kernel: &Kernel, runtime: &Runtime, eligible: Eligible<'_>, now: Duration) -> Self {
        let poll = oldest_poll(kernel, runtime, eligible);
        let tids = match (poll, runtime.only_thread()) {
            (Some(poll), _) => vec![poll.tid],
            (None, Some(tid)) => vec![tid],
            (None, None) => {
                let ids = kernel.threads.ids().unwrap_or_default().into_iter();
                let own =
                    |tid: &u32| kernel.threads.name(*tid).is_some_and(|name| runtime.may_own_thread(&name));
                ids.filter(|tid| !eligible.claimed.contains(tid)).filter(own).take(MAX_THREADS).collect()
            }
        };
        let label = poll.and_then(|poll| match poll.label.named() {
            Named::Route(name) => Some(name.to_string()),
            Named::Task(id) => tasks::name(id).map(|name| format!("task {name}")),
        });
        let known = tids.iter().copied().filter(|tid| runtime.knows_thread(*tid)).collect();
        let threads = tids.into_iter().filter_map(|tid| kernel.threads.state(tid)).collect();
        Self { at: now, kept: kernel.sources.read(), threads, known, rivals: eligible.rivals, poll, label }
    }

    fn forget_poll(&mut self) {
        self.poll = None;
        self.label = None;
    }
}

/// The poll under way that the worker has been in for the longest time.
fn oldest_poll(kernel: &Kernel, runtime: &Runtime, eligible: Eligible<'_>) -> Option<Poll> {
    let now = slot::now();
    let mut oldest: Option<Poll> = None;
    slot::polls(|poll| {
        let age = now.saturating_sub(poll.started);
        let is_own = match runtime.only_thread() {
            Some(tid) => tid == poll.tid,
            None => kernel.threads.name(poll.tid).is_some_and(|name| runtime.may_own_thread(&name)),
        };
        let is_older = oldest.is_none_or(|oldest| poll.started < oldest.started);
        if age <= eligible.began_within && !eligible.claimed.contains(&poll.tid) && is_own && is_older {
            oldest = Some(poll);
        }
    });
    oldest
}
