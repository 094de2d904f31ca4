//! Without the feature `fleet`, or on another system than Linux, there are no siblings.

use std::time::Duration;

use memory_debug_core::FleetReport;

use crate::endpoint::Endpoint;
use crate::fleet::Caller;
use crate::reply::Problem;

/// None of these exist.
#[derive(Debug)]
pub(crate) enum Siblings {}

impl Siblings {
    #[cfg(feature = "fleet")]
    pub(crate) fn of_process(_: std::path::PathBuf) -> Option<std::sync::Arc<Self>> {
        None
    }

    pub(crate) fn start(&self, _: impl FnOnce() -> Endpoint) {
        match *self {}
    }

    pub(crate) fn ask(
        &self,
        _: &Caller,
        _base: &str,
        _rows: usize,
        _force: bool,
        _deadline: Duration,
    ) -> Result<FleetReport, Problem> {
        match *self {}
    }
}
