//! Checks of the application.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A function of the application that is called at each period. It returns what is wrong, or `None`.
pub(crate) type CheckFunction = Arc<Mutex<dyn FnMut() -> Option<String> + Send>>;

/// A check and its period.
#[derive(Clone)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) period: Duration,
    pub(crate) function: CheckFunction,
}

impl Check {
    pub(crate) fn new(
        name: String,
        period: Duration,
        function: impl FnMut() -> Option<String> + Send + 'static,
    ) -> Self {
        Self { name, period: period.max(SHORTEST_PERIOD), function: Arc::new(Mutex::new(function)) }
    }
}

/// The shortest period of a check, because each run takes a thread.
const SHORTEST_PERIOD: Duration = Duration::from_secs(1);

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} every {:?}", self.name, self.period)
    }
}
