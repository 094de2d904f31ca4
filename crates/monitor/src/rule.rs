//! Rules as the application states them.

use std::time::Duration;

use memory_debug_core::MonitorMetric;

use crate::action::Action;
use crate::limit::Limit;

/// A number that is watched, its limit, and what to do when it passes the limit.
///
/// ```
/// use std::time::Duration;
///
/// use memory_debug_monitor::{Action, Limit, MonitorMetric, Rule};
///
/// let nearly_full = Rule::above(MonitorMetric::Container, Limit::percent(95.0))
///     .held_for(Duration::from_secs(2))
///     .then(Action::Log)
///     .then(Action::Purge);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Rule {
    pub(crate) name: String,
    pub(crate) metric: MonitorMetric,
    pub(crate) is_above: bool,
    pub(crate) limit: Limit,
    pub(crate) hysteresis: Option<Limit>,
    pub(crate) held_for: Duration,
    pub(crate) cool_down: Duration,
    pub(crate) at_most: usize,
    pub(crate) actions: Vec<Action>,
}

impl Rule {
    /// Watches whether `metric` is above `limit`.
    pub fn above(metric: MonitorMetric, limit: Limit) -> Self {
        Self::new(format!("{metric} above"), metric, limit, true)
    }

    /// Watches whether `metric` is below `limit`.
    pub fn below(metric: MonitorMetric, limit: Limit) -> Self {
        Self::new(format!("{metric} below"), metric, limit, false)
    }

    fn new(name: String, metric: MonitorMetric, limit: Limit, is_above: bool) -> Self {
        Self {
            name,
            metric,
            is_above,
            limit,
            hysteresis: None,
            held_for: Duration::ZERO,
            cool_down: Duration::from_secs(10 * 60),
            at_most: 6,
            actions: Vec::new(),
        }
    }

    /// Names the rule. Without a name it is called by its metric, such as `container above`.
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Sends an event only if the value has passed the limit for this long. At once by default.
    pub fn held_for(mut self, duration: Duration) -> Self {
        self.held_for = duration;
        self
    }

    /// Sets how far the value must be on the quiet side of the limit before the rule is quiet again. 5 % of the rule's
    /// limit by default.
    pub fn hysteresis(mut self, distance: Limit) -> Self {
        self.hysteresis = Some(distance);
        self
    }

    /// Sets how long the rule sends no further alarm after an alarm. 10 minutes by default.
    ///
    /// If the value passes the limit again meanwhile and still is beyond it at the end of this time, the alarm is sent
    /// then.
    pub fn cool_down(mut self, duration: Duration) -> Self {
        self.cool_down = duration;
        self
    }

    /// Sets how many alarms the rule sends in 24 hours. 6 by default.
    pub fn at_most(mut self, alarms_a_day: usize) -> Self {
        self.at_most = alarms_a_day;
        self
    }

    /// Adds an action. Cheap actions run first, whatever the order in which they are added.
    pub fn then(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Whether shares are of the machine's memory if no limit of a container is set.
    pub(crate) fn falls_back(&self) -> bool {
        self.limit.falls_back() || self.hysteresis.is_some_and(Limit::falls_back)
    }

    /// Whether the kernel counts the peak of what it watches.
    pub(crate) fn has_group_peak(&self) -> bool {
        self.is_above && self.metric == MonitorMetric::Container
    }

    /// Checks the settings.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut limits = std::iter::once(&self.limit).chain(&self.hysteresis);
        limits.try_for_each(|limit| limit.check(&self.metric))
    }
}
