//! A running monitor.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, Builder, JoinHandle};

use memory_debug_core::__private::missing_proc;
use memory_debug_core::{
    Collector, InstanceInfo, MonitorHandle, MonitorReport, MonitorSource, PerProcess, Scope, TaskReport,
    spawn_thread,
};

use crate::captures::Recorder;
use crate::clock::{Clock, rfc3339};
use crate::collecting::Collecting;
use crate::dispatch::{self, Dispatch};
use crate::driver::{Driver, Duties};
use crate::engine::{END_WITHIN, Engine};
use crate::error::MonitorError;
use crate::inbox::Inbox;
use crate::reader::Reader;
use crate::runtimes::Runtimes;
use crate::settings::Settings;
use crate::signal::{Signal, Signals};
use crate::tasks;
use crate::thread_id::thread_id;
use crate::watch::{Watch, Woken};

/// The kernel keeps 15 bytes of it.
const THREAD_NAME: &str = "memory-debug-mon";

/// It only reads small files into buffers and decides.
const STACK_BYTES: usize = 128 << 10;

/// A monitor that runs until this value is dropped.
///
/// Dropping it waits for its thread, which ends at once, and marks that this process ends in order. Keep it until the
/// end of `main`. `std::process::exit` drops nothing, so call [`stop`](Self::stop) before it.
#[derive(Debug)]
#[must_use = "the monitor stops when this value is dropped"]
pub struct RunningMonitor {
    monitors: Arc<Monitors>,
}

/// The monitor of each process: a forked process starts its own with its first request for the page.
#[derive(Debug)]
struct Monitors {
    settings: Settings,
    of_process: PerProcess<OnceLock<Result<Started, String>>>,
}

/// The monitor of one process.
#[derive(Debug)]
struct Started {
    engine: Arc<Engine>,
    thread: Mutex<Option<(JoinHandle<()>, Receiver<()>)>>,
}

impl RunningMonitor {
    /// Starts the monitor of this process.
    pub(crate) fn start(settings: Settings) -> Result<Self, MonitorError> {
        let runtimes = Runtimes::new(settings.runtimes.clone());
        let started = Started::start(&settings, runtimes, Path::new("/proc"))?;
        let monitors = Monitors { settings, of_process: PerProcess::new(OnceLock::new()) };
        let _ = monitors.of_process.get(|_| OnceLock::new()).set(Ok(started));
        Ok(Self { monitors: Arc::new(monitors) })
    }

    /// Stops the monitor, and marks that this process ends in order.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for RunningMonitor {
    fn drop(&mut self) {
        // A forked process that has not started its own monitor stops nothing: the descriptors are its parent's.
        if let Some(Ok(started)) = self.monitors.of_process.get(|_| OnceLock::new()).get() {
            started.stop();
        }
    }
}

impl Started {
    fn start(settings: &Settings, runtimes: Runtimes, proc: &Path) -> Result<Self, MonitorError> {
        let (clock, inbox) = (Clock::start(), Inbox::new()?);
        let mut collector = Collector::new();
        if let Some((name, version)) = &settings.service {
            collector = collector.service(name, version);
        }
        let keeps_all = settings.captures.is_some() || settings.summary_every.is_some();
        if let Some(reason) = missing_proc(proc) {
            return Err(MonitorError::new(format!("the monitor reads /proc, but {reason}")));
        }
        let reader = Reader::new(proc, Watch::needs(&settings.rules, keeps_all));
        let mut watch = Watch::new(reader, settings.rules.clone(), settings.captures.is_some());
        // The first look is made here, so that the page has numbers at once and the sources of the rules are known.
        let mut found = Vec::with_capacity(8);
        watch.look(clock.now(), Woken::default(), &mut found);
        let recorder = match &settings.captures {
            Some(captures) => {
                let instance = collector.collect(Scope::Stats).report.instance;
                Some(Recorder::open(captures.clone(), &instance, watch.container_source().as_deref())?)
            }
            None => None,
        };
        let blocked_after = settings.blocked_after;
        let engine = Arc::new(Engine::new(clock, inbox, watch, recorder, runtimes, blocked_after));
        let signals = register(&settings.signals)?;
        let shared = dispatch::Shared {
            clock,
            ring: Arc::clone(&engine.ring),
            inbox: Arc::clone(&engine.inbox),
            collecting: Arc::new(Collecting::new(collector, Arc::clone(&settings.snapshots))),
            suppressed: Arc::clone(&engine.suppressed),
            panics: Arc::clone(&engine.panics),
        };
        let duties = Duties {
            dispatch: Dispatch::new(shared, &settings.on_event, &settings.rules, &settings.checks),
            interval: settings.interval,
            checks: settings.checks.clone(),
            summary_every: settings.summary_every,
            found,
            signals,
        };
        let driver = Driver::new(Arc::clone(&engine), duties, proc);
        let (ended, ends) = channel();
        let of_thread = Arc::clone(&engine);
        let run = move || {
            let _ = of_thread.thread_id.set(thread_id());
            let reason = match catch_unwind(AssertUnwindSafe(|| driver.run())) {
                Ok(()) => "the monitor was stopped",
                Err(_) => "the monitor's thread panicked; this is a bug",
            };
            of_thread.end(reason);
            drop(ended);
        };
        let builder = Builder::new().name(THREAD_NAME.into()).stack_size(STACK_BYTES);
        let thread = spawn_thread(builder, run)
            .map_err(|error: io::Error| MonitorError::of("no thread for the monitor", error))?;
        Ok(Self { engine, thread: Mutex::new(Some((thread, ends))) })
    }

    fn stop(&self) {
        let Some((thread, ends)) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            return;
        };
        self.engine.inbox.stop();
        // A disk that does not answer can hold the thread. The process must end nevertheless.
        let is_late = ends.recv_timeout(END_WITHIN) == Err(std::sync::mpsc::RecvTimeoutError::Timeout);
        // A callback of the application may drop its own monitor.
        if !is_late && thread.thread().id() != thread::current().id() {
            let _ = thread.join();
        }
    }
}

/// Handles these signals. `None` without any.
#[cfg(feature = "signal")]
fn register(signals: &[Signal]) -> Result<Option<Signals>, MonitorError> {
    if signals.is_empty() { Ok(None) } else { Signals::register(signals).map(Some) }
}

/// Without the feature `signal` no signal is handled.
#[cfg(not(feature = "signal"))]
fn register(_signals: &[Signal]) -> Result<Option<Signals>, MonitorError> {
    Ok(None)
}

impl Monitors {
    /// Asks the monitor of this process. In a forked process, the first question starts it.
    fn ask(
        &self,
        instance: InstanceInfo,
        question: fn(&Engine, InstanceInfo) -> MonitorReport,
    ) -> MonitorReport {
        let of_process = self.of_process.get(|_| OnceLock::new());
        if let Some(Ok(started)) = of_process.get() {
            return question(&started.engine, instance);
        }
        let started = of_process.get_or_init(|| {
            // The threads of the parent's runtimes do not exist here, so their workers would look blocked for ever.
            let none = Runtimes::new(Vec::new());
            Started::start(&self.settings, none, Path::new("/proc")).map_err(|error| error.to_string())
        });
        let reason = match started {
            Ok(_) => {
                "this process was forked, and its monitor started with this request; ask again".to_owned()
            }
            Err(reason) => format!("this process was forked, and its monitor did not start: {reason}"),
        };
        MonitorReport::not_running(instance, rfc3339(Clock::start().now().unix_ms), &reason)
    }
}

impl MonitorSource for Monitors {
    fn report(&self, instance: InstanceInfo) -> MonitorReport {
        self.ask(instance, Engine::report)
    }

    fn summary(&self, instance: InstanceInfo) -> MonitorReport {
        self.ask(instance, Engine::summary)
    }

    fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        let started = self.of_process.get(|_| OnceLock::new()).get();
        let runtimes = || Runtimes::new(Vec::new()).totals();
        match started {
            Some(Ok(started)) => started.engine.tasks(instance),
            _ => tasks::report(instance, rfc3339(Clock::start().now().unix_ms), runtimes()),
        }
    }
}

impl MonitorSource for RunningMonitor {
    fn report(&self, instance: InstanceInfo) -> MonitorReport {
        self.monitors.report(instance)
    }

    fn summary(&self, instance: InstanceInfo) -> MonitorReport {
        self.monitors.summary(instance)
    }

    fn tasks(&self, instance: InstanceInfo) -> TaskReport {
        self.monitors.tasks(instance)
    }
}

impl From<&RunningMonitor> for MonitorHandle {
    fn from(monitor: &RunningMonitor) -> Self {
        Self::new(Arc::<Monitors>::clone(&monitor.monitors))
    }
}
