//! Peers in a build without the feature `peers`. The type has no values.

use memory_debug_core::FleetReport;
use memory_debug_fleet::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport};

use crate::auth::Credentials;

/// A list of peers. This build cannot create one.
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
