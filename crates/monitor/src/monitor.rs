//! The settings of a monitor, and its start.

use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::{MonitorEvent, MonitorMetric, Snapshots};

use crate::action::{Action, Callback};
use crate::captures::Captures;
use crate::check::Check;
use crate::error::MonitorError;
use crate::limit::Limit;
use crate::rule::Rule;
use crate::running::RunningMonitor;
use crate::settings::Settings;
#[cfg(feature = "signal")]
use crate::signal::Signal;
use crate::workers::THRESHOLD;

/// Watches the memory of this process. Nothing runs until [`start`](Self::start).
#[derive(Debug)]
#[must_use = "a monitor does nothing until it is started"]
pub struct Monitor {
    settings: Settings,
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl Monitor {
    /// The longest time between two looks, unless another is set.
    pub const INTERVAL: Duration = Duration::from_secs(1);

    /// A monitor without rules.
    pub fn new() -> Self {
        Self {
            settings: Settings {
                rules: Vec::new(),
                checks: Vec::new(),
                summary_every: None,
                on_event: Vec::new(),
                interval: Self::INTERVAL,
                snapshots: Arc::default(),
                service: None,
                captures: None,
                runtimes: Vec::new(),
                blocked_after: THRESHOLD,
                signals: Vec::new(),
            },
        }
    }

    /// Adds the rule for most services: when the container has used 85 % of its limit for 10 seconds, it writes to the
    /// log and keeps a snapshot.
    pub fn recommended(self) -> Self {
        self.rule(
            Rule::above(MonitorMetric::Container, Limit::percent(85.0))
                .named("container nearly full")
                .held_for(Duration::from_secs(10))
                .then(Action::Log)
                .then(Action::KeepSnapshot),
        )
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.settings.rules.push(rule);
        self
    }

    /// Calls `check` at each `period`, of at least a second. If it returns a text, the text becomes an event.
    ///
    /// Each call has a thread of its own. A panic is caught and counted; after three, the check is switched off. A
    /// call that does not return stops only this check.
    pub fn add_check(
        mut self,
        name: impl Into<String>,
        period: Duration,
        check: impl FnMut() -> Option<String> + Send + 'static,
    ) -> Self {
        self.settings.checks.push(Check::new(name.into(), period, check));
        self
    }

    /// Writes a line with the most important numbers to the log at each `period`, at level `info`.
    pub fn summary_every(mut self, period: Duration) -> Self {
        self.settings.summary_every = Some(period);
        self
    }

    /// Calls `function` for every event, on a thread of its own. See [`Action::callback`].
    pub fn on_event(mut self, function: impl Fn(&MonitorEvent) + Send + Sync + 'static) -> Self {
        self.settings.on_event.push(Callback(Arc::new(function)));
        self
    }

    /// Sets the longest time between two looks. It is one second by default. The monitor looks more often by itself
    /// when a value grows towards a limit.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.settings.interval = interval;
        self
    }

    /// Keeps snapshots in `snapshots`, so that an endpoint with the same store shows them.
    pub fn snapshots(mut self, snapshots: Arc<Snapshots>) -> Self {
        self.settings.snapshots = snapshots;
        self
    }

    /// Sets the name and the version of the service in snapshots and captures.
    pub fn service(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        self.settings.service = Some((name.into(), version.into()));
        self
    }

    /// Captures to a folder what holds the memory, before the kernel kills the process. See [`Captures`].
    pub fn before_oom(mut self, captures: Captures) -> Self {
        self.settings.captures = Some(captures);
        self
    }

    /// Watches the workers of a runtime: a worker that does not return to its scheduler becomes an event.
    ///
    /// Only spawned tasks run on workers. A multi-thread runtime runs the future of `block_on`, and so the body of a
    /// `main` with `#[tokio::main]`, on a thread that is not watched. A current-thread runtime is watched while it has
    /// spawned tasks.
    #[cfg(feature = "tokio")]
    pub fn watch_runtime(self, runtime: tokio::runtime::Handle) -> Self {
        let name = match self.settings.runtimes.len() {
            0 => "main".to_owned(),
            others => format!("runtime {}", others + 1),
        };
        self.watch_named_runtime(name, runtime)
    }

    /// Watches the workers of a runtime under a name. See [`watch_runtime`](Self::watch_runtime).
    #[cfg(feature = "tokio")]
    pub fn watch_named_runtime(mut self, name: impl Into<String>, runtime: tokio::runtime::Handle) -> Self {
        self.settings.runtimes.push((name.into(), runtime));
        self
    }

    /// Sets how long a worker may be blocked before it is an event: 250 ms by default, 20 ms at least.
    #[cfg(feature = "tokio")]
    pub fn blocked_after(mut self, threshold: Duration) -> Self {
        self.settings.blocked_after = threshold;
        self
    }

    /// Writes a report to the log at this signal, and keeps a snapshot, at most once in ten seconds. All signals share
    /// two file descriptors.
    #[cfg(feature = "signal")]
    pub fn on_signal(mut self, signal: Signal) -> Self {
        if !self.settings.signals.contains(&signal) {
            self.settings.signals.push(signal);
        }
        self
    }

    /// Starts the monitor. It ends when the returned value is dropped.
    ///
    /// # Errors
    ///
    /// If a setting is wrong, `/proc` is missing, the folder for captures cannot be used, or the operating system
    /// refused a thread.
    pub fn start(self) -> Result<RunningMonitor, MonitorError> {
        self.settings.check()?;
        RunningMonitor::start(self.settings)
    }
}
