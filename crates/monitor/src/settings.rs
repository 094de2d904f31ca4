//! The settings of a monitor.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use memory_debug_core::Snapshots;

use crate::action::{Action, Callback};
use crate::captures::Captures;
use crate::check::Check;
use crate::error::MonitorError;
use crate::rule::Rule;
use crate::runtimes::Handle;
use crate::signal::Signal;

/// What the application wants. A forked process starts its own monitor with the same settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) rules: Vec<Rule>,
    pub(crate) checks: Vec<Check>,
    pub(crate) summary_every: Option<Duration>,
    pub(crate) on_event: Vec<Callback>,
    pub(crate) interval: Duration,
    pub(crate) snapshots: Arc<Snapshots>,
    /// Name and version.
    pub(crate) service: Option<(String, String)>,
    pub(crate) captures: Option<Captures>,
    pub(crate) runtimes: Vec<(String, Handle)>,
    pub(crate) blocked_after: Duration,
    pub(crate) signals: Vec<Signal>,
}

impl Settings {
    /// Checks the settings.
    pub(crate) fn check(&self) -> Result<(), MonitorError> {
        let mut names = HashSet::new();
        for rule in &self.rules {
            let name = &rule.name;
            rule.check().map_err(|reason| MonitorError::new(format!("rule `{name}`: {reason}")))?;
            if !names.insert(name) {
                let advice = "give one of them another name with `Rule::named`";
                return Err(MonitorError::new(format!("two rules are named `{name}`: {advice}")));
            }
            let captures = |action: &Action| matches!(action, Action::Capture);
            if self.captures.is_none() && rule.actions.iter().any(captures) {
                let advice = "name a folder with `Monitor::before_oom`";
                return Err(MonitorError::new(format!(
                    "rule `{name}` captures, but there is no folder: {advice}"
                )));
            }
        }
        if self.interval.is_zero() {
            return Err(MonitorError::new("the interval is zero: use `Monitor::INTERVAL`"));
        }
        Ok(())
    }
}
