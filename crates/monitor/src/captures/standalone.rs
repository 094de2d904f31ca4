//! Captures without rules, for measurements of the captures alone.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use memory_debug_core::{Collector, MemoryReport, Scope, spawn_collecting, spawn_thread};

use super::{Captures, JobResult, Recorder};
use crate::error::MonitorError;
use crate::reading::{AllocatorUse, ContainerUse, Reading};

/// How often to look.
const SHORTEST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1);

/// Growth is not known before, so every look counts.
const FIRST: Duration = Duration::from_secs(2);

/// A thread that looks, records and captures. Not part of the interface.
#[derive(Debug)]
pub struct RunningCaptures {
    thread: Option<JoinHandle<()>>,
    stop: Sender<Message>,
    earlier: Vec<String>,
}

#[derive(Debug)]
enum Message {
    Done(Box<JobResult>),
    Stop,
}

impl RunningCaptures {
    /// Starts capturing.
    ///
    /// # Errors
    ///
    /// If the folder cannot be used, or there is no thread.
    pub fn start(settings: Captures) -> Result<Self, MonitorError> {
        let collector = Arc::new(Collector::new().service("leaky", env!("CARGO_PKG_VERSION")));
        let instance = collector.collect(Scope::Stats).report.instance;
        let recorder = Recorder::open(settings, &instance, None)?;
        let earlier = recorder.earlier().iter().map(|process| process.summary.clone()).collect();
        let (stop, messages) = channel();
        let done = stop.clone();
        let thread = spawn_thread(std::thread::Builder::new().name("memory-debug-mon".into()), move || {
            watch(recorder, &collector, &messages, &done);
        });
        let thread = thread.map_err(|error| MonitorError::new(error.to_string()))?;
        Ok(Self { thread: Some(thread), stop, earlier })
    }

    /// Sentences about earlier processes that did not end in order.
    pub fn earlier(&self) -> &[String] {
        &self.earlier
    }
}

impl Drop for RunningCaptures {
    fn drop(&mut self) {
        let _ended = self.stop.send(Message::Stop);
        let _ended = self.thread.take().map(JoinHandle::join);
    }
}

fn watch(
    mut recorder: Recorder,
    collector: &Arc<Collector>,
    messages: &Receiver<Message>,
    done: &Sender<Message>,
) {
    let begin = Instant::now();
    let mut last: Option<Reading> = None;
    loop {
        let reading = read(&collector.collect(Scope::Stats).report, begin.elapsed());
        recorder.record(&reading);
        if let Some(job) = recorder.due(&reading) {
            let (collector, done) = (Arc::clone(collector), done.clone());
            let run = move || _ = done.send(Message::Done(Box::new(job.run(&collector))));
            if spawn_collecting(run).is_err() {
                return;
            }
        }
        let pause = next(last.as_ref(), &reading);
        last = Some(reading);
        match messages.recv_timeout(pause) {
            Ok(Message::Done(result)) => recorder.done(&result),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => return recorder.close(),
        }
    }
}

/// A quarter of the time until the limit is reached.
fn next(last: Option<&Reading>, now: &Reading) -> Duration {
    let Some((before, after)) = last.and_then(|last| last.container.zip(now.container)) else {
        return SHORTEST;
    };
    if now.at < FIRST {
        return SHORTEST;
    }
    let passed = last.map_or(0.0, |last| now.at.saturating_sub(last.at).as_secs_f64());
    let growth = after.used.saturating_sub(before.used) as f64 / passed.max(0.001);
    let seconds = after.limit.saturating_sub(after.used) as f64 / (4.0 * growth).max(1.0);
    Duration::from_secs_f64(seconds.min(60.0)).clamp(SHORTEST, LONGEST)
}

fn read(report: &MemoryReport, at: Duration) -> Reading {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let container = report.cgroup.as_ref().and_then(|group| group.binding.as_ref()).and_then(|level| {
        let inactive_file = level.inactive_file_bytes.unwrap_or_default();
        let used = level.current_bytes?.saturating_sub(inactive_file);
        Some(ContainerUse { used, limit: level.limit_bytes?, inactive_file })
    });
    let allocator = report.allocator.as_ref().map(|allocator| AllocatorUse {
        allocated: allocator.allocated_bytes.unwrap_or_default(),
        active: allocator.active_bytes.unwrap_or_default(),
        metadata: allocator.metadata_bytes.unwrap_or_default(),
        resident: allocator.resident_bytes.unwrap_or_default(),
        retained: allocator.retained_bytes.unwrap_or_default(),
        dirty: allocator.dirty_bytes.unwrap_or_default(),
    });
    Reading {
        at,
        unix_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
        container,
        resident: report.process.as_ref().and_then(|process| process.resident_bytes),
        threads: report.process.as_ref().and_then(|process| process.threads),
        allocator,
        oom_kills: report.cgroup.as_ref().and_then(|group| group.oom_kills),
        ..Reading::default()
    }
}
