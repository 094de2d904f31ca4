//! Without the feature `tokio` there are no workers.

use std::time::Duration;

use memory_debug_core::BlockedWorker;

use super::Look;
use crate::runtimes::Runtimes;

/// No workers.
#[derive(Debug)]
pub(crate) struct Workers;

impl Workers {
    pub(crate) fn new(_runtimes: Runtimes, _threshold: Duration) -> Self {
        Self
    }

    pub(crate) fn look(&mut self, _now: Duration, _unix_ms: u64, _overslept: Duration) -> Look {
        Look::default()
    }

    pub(crate) fn current(&self) -> Vec<BlockedWorker> {
        Vec::new()
    }
}
