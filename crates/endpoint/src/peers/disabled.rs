//! Without the feature `peers` there are none.

use memory_debug_core::{FleetReport, MemoryReport};

use crate::credentials::Credentials;
use crate::problem::Problem;

/// None of these exist.
#[derive(Debug)]
pub(crate) enum Peers {}

impl Peers {
    pub(crate) fn share_a_password_with(&self, _: &Credentials) -> bool {
        match *self {}
    }

    pub(crate) fn ask(
        &self,
        _own: Result<MemoryReport, String>,
        _rows: usize,
        _shows_host: bool,
    ) -> Result<FleetReport, Problem> {
        match *self {}
    }
}
