//! Watches the memory of this process, captures what holds it before a kill, and sees workers that stand still.
//!
//! Operators are rarely watching when it happens. A [`Monitor`] watches for them. It is off until it is started. Then
//! it is one sleeping thread, which reads a few numbers of the kernel each second, allocates nothing while it does, and
//! has at most six file descriptors.
//!
//! ```
//! use std::time::Duration;
//!
//! use memory_debug_monitor::{Action, Limit, Monitor, MonitorEvent, MonitorMetric, Rule};
//!
//! let monitor = Monitor::new()
//!     .service("shop", "1.0.0")
//!     // 85 % of the container for 10 seconds: write to the log, keep a snapshot.
//!     .recommended()
//!     .rule(
//!         Rule::above(MonitorMetric::Container, Limit::percent(95.0))
//!             .named("container full")
//!             .held_for(Duration::from_secs(2))
//!             .then(Action::Log)
//!             .then(Action::Purge),
//!     )
//!     .add_check("queue", Duration::from_secs(30), || None)
//!     .summary_every(Duration::from_secs(600))
//!     .on_event(|event: &MonitorEvent| println!("{}", event.text))
//!     .start()?;
//! // Until the end of `main`:
//! monitor.stop();
//! # Ok::<_, memory_debug_monitor::MonitorError>(())
//! ```
//!
//! # How the parts fit together
//!
//! - A [`Rule`] has a metric, a [`Limit`] and [`Action`]s. It sends one event when the value has passed the limit for
//!   long enough, further ones only for new peaks, and one when the value is quiet again, with the highest value of all
//!   looks. For the container it adds the kernel's own peak, if that rose meanwhile. A pause
//!   after each alarm and a number of alarms a day keep it from flooding; what is not sent is counted.
//! - The monitor looks each second, and up to twenty times a second when a value grows towards a limit. Events of the
//!   container and memory pressure wake it earlier where the kernel has them.
//! - Actions and functions of the application run on threads of their own. A panic is caught and counted; after three,
//!   the function is switched off. A function that hangs stops nothing else.
//! - [`Captures`] writes to a folder what holds the memory before the kernel kills the process. The next start reports
//!   it, and `memory-debug monitor FOLDER` reads it anywhere.
//! - `Monitor::watch_runtime` (feature `tokio`) sees workers that do not return to their scheduler. [`task`] and
//!   `spawn` name tasks. [`add_task_source`] adds what the application itself knows about its tasks.
//! - A [`RunningMonitor`] can be shown by the endpoint at `/monitor`. It stops when it is dropped.
//!
//! A value that cannot be read is missing, with its reason, and never 0. A rule without a value or a limit is *not
//! armed*: that is an event, and the page says why.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `jemalloc` | yes | jemalloc's numbers, snapshots and raw dumps |
//! | `signal` | no | `Monitor::on_signal`: a report in the log at a signal |
//! | `tokio` | no | blocked workers, and tasks of tokio's runtimes |
//! | `tracing` | yes | events in the log, with the target `memory_debug::monitor` |
//!
//! # What it does not do
//!
//! It sends nothing over the network, and it ends no process. A callback can do both: it gets each event as a value.
//! A single allocation that jumps past the limit at once leaves only the numbers of the last look.
//!
//! # Modules, from the ground up
//!
//! - `error`: errors of starting
//! - `clock`: time as numbers, passed in where decisions are made
//! - `thread_id`: which thread runs
//! - `reading`: the numbers of one look
//! - `limit`: limits in bytes or in percent
//! - `action`: what a rule does at an event
//! - `rule`: rules as the application states them
//! - `state`: where a rule stands: the decisions, without a clock
//! - `flood`: how many events may be sent
//! - `interval`: when to look next
//! - `event_ring`: the latest events
//! - `watched`: a rule with what is known about its value
//! - `reader`: reads the numbers, and allocates nothing
//! - `wake`: what wakes the monitor: events of the container, memory pressure
//! - `flight`: the flight recorder: a file of records that outlives a kill
//! - `dump_samples`: the live samples beside a raw dump
//! - `capture_folder`: the folder of captures, its checks and its cap
//! - `earlier`: earlier processes that used the folder
//! - `captures`: what is captured, and when
//! - `slot`: what each thread polls now: a route or a task
//! - `block_watch`: the future of a request, whose polls the monitor sees
//! - `tasks`: the known tasks
//! - `runtimes`: the runtimes that are watched
//! - `thread_state`: what a thread of this process does, without a signal
//! - `workers`: blocked workers of a runtime
//! - `signal`: reports on a signal
//! - `isolate`: runs code of the application, which may panic or hang
//! - `check`: checks of the application
//! - `settings`: the settings of a monitor
//! - `inbox`: what other threads tell the monitor's thread
//! - `log`: events and lines in the log
//! - `collecting`: what takes a collecting thread
//! - `dispatch`: runs the actions of events
//! - `summary_line`: a line for the log, from time to time
//! - `watch`: all that is looked at: readings in, events out
//! - `engine`: what the monitor's thread works on, and what the page reads
//! - `driver`: the thread: waits, looks, decides
//! - `running`: a running monitor
//! - `monitor`: the settings, and the start
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(all(target_os = "linux", feature = "signal", feature = "tokio")),
    allow(
        dead_code,
        unreachable_pub,
        unused_imports,
        reason = "some parts are for optional features and Linux only"
    )
)]

// In the order of the list above.
mod error;
mod clock;
mod thread_id;
mod reading;
mod limit;
mod action;
mod rule;
mod state;
mod flood;
mod interval;
mod event_ring;
mod watched;
#[cfg(test)]
mod fixture;
#[cfg(target_os = "linux")]
mod reader;
#[cfg(target_os = "linux")]
mod wake;
mod flight;
mod dump_samples;
mod capture_folder;
mod earlier;
mod captures;
mod slot;
mod block_watch;
mod tasks;
mod runtimes;
mod thread_state;
mod workers;
mod signal;
mod isolate;
mod check;
mod settings;
#[cfg(target_os = "linux")]
mod inbox;
mod log;
mod collecting;
#[cfg(target_os = "linux")]
mod dispatch;
mod summary_line;
#[cfg(target_os = "linux")]
mod watch;
#[cfg(target_os = "linux")]
mod engine;
#[cfg(target_os = "linux")]
mod driver;
#[cfg_attr(not(target_os = "linux"), path = "running/elsewhere.rs")]
mod running;
mod monitor;

pub use action::{Action, Callback, SaveTo};
pub use block_watch::BlockWatchFuture;
pub use captures::{Captures, read_captures};
pub use dump_samples::DumpSamples;
pub use error::MonitorError;
pub use limit::Limit;
#[doc(no_inline)]
pub use memory_debug_core::{MonitorEvent, MonitorMetric, TaskNode};
pub use monitor::Monitor;
pub use rule::Rule;
pub use running::RunningMonitor;
#[cfg(feature = "tokio")]
pub use runtimes::watch_current_runtime;
#[cfg(feature = "signal")]
pub use signal::Signal;
pub use slot::{Label, poll_as};
#[cfg(all(tokio_unstable, feature = "tokio"))]
pub use tasks::hooks;
#[cfg(feature = "tokio")]
pub use tasks::spawn;
pub use tasks::{TaskFuture, add_task_source, task};

/// Parts that other crates of this project share. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::slot::polled_route;
}
