//! The monitor of the service.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_endpoint::exports::monitor::{
    Action, Captures, Limit, Monitor, MonitorError, MonitorMetric, Rule, RunningMonitor,
};
use memory_debug_endpoint::exports::{MonitorHandle, Snapshots};
use memory_debug_endpoint::{Endpoint, Limits};
use tokio::runtime::Handle;

/// The monitor as the memory page shows it.
#[derive(Clone, Debug)]
pub struct Watched {
    monitor: MonitorHandle,
    /// The monitor keeps snapshots, and the page lists them.
    snapshots: Arc<Snapshots>,
}

/// Starts the monitor of `program`, with captures in `folder`.
///
/// # Errors
///
/// If the monitor cannot use the folder, or cannot start.
pub(crate) fn start(program: &str, folder: PathBuf) -> Result<(RunningMonitor, Watched), MonitorError> {
    let snapshots = Arc::new(Snapshots::default());
    let nearly_full = Rule::above(MonitorMetric::Container, Limit::percent(95.0));
    let running = Monitor::new()
        .service(program, env!("CARGO_PKG_VERSION"))
        .recommended()
        .rule(nearly_full.named("container full").held_for(Duration::from_secs(2)).then(Action::Purge))
        .snapshots(Arc::clone(&snapshots))
        .before_oom(Captures::in_folder(folder))
        .watch_runtime(Handle::current())
        .start()?;
    let monitor = MonitorHandle::from(&running);
    Ok((running, Watched { monitor, snapshots }))
}

impl Watched {
    /// Shows the monitor on the memory page.
    pub(crate) fn apply(self, endpoint: Endpoint) -> Endpoint {
        endpoint.limits(Limits::default().share_snapshots(self.snapshots)).monitor(self.monitor)
    }
}
