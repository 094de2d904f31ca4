//! Without the feature `peers`, no peers exist.

use memory_debug_core::FleetReport;
use memory_debug_fleet::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport};

use crate::auth::Credentials;

/// Instances elsewhere: none in this build.
#[derive(Debug)]
pub(crate) enum Peers {}

impl Peers {
    pub(crate) fn is_empty(&self) -> bool {
        match *self {}
    }

    pub(crate) fn share_a_password_with(&self, _: &Credentials) -> bool {
        match *self {}
    }
}

impl Neighbours for Peers {
    fn id(&self) -> NeighboursId {
        match *self {}
    }

    fn ask(&self, _: &FleetQuery<'_>, _: OwnReport<'_>) -> Result<FleetReport, CannotAsk> {
        match *self {}
    }
}
