//! Without the feature `peers` there are none.

use std::time::Duration;

use memory_debug_core::FleetReport;

use crate::auth::Credentials;
use crate::flight::Waiting;
use crate::reply::Problem;

/// None of these exist.
#[derive(Debug)]
pub(crate) enum Peers {}

impl Peers {
    pub(crate) fn is_empty(&self) -> bool {
        match *self {}
    }

    pub(crate) fn share_a_password_with(&self, _: &Credentials) -> bool {
        match *self {}
    }

    pub(crate) fn ask(
        &self,
        _own: Result<Waiting, Problem>,
        _rows: usize,
        _shows_host: bool,
        _deadline: Duration,
    ) -> Result<FleetReport, Problem> {
        match *self {}
    }
}
