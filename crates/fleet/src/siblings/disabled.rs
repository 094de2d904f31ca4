//! Siblings in a build without the feature `siblings`, or on a system other than Linux. The type has no values.

use std::path::PathBuf;
use std::sync::Arc;

use memory_debug_report::FleetReport;

use crate::neighbours::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport};
use crate::serve::AnswerSiblings;

/// The processes of one host that report together. This build cannot create a value.
#[derive(Debug)]
pub enum Siblings {}

impl Siblings {
    /// Returns `None`, because this build does not support siblings.
    pub fn of_process(_: PathBuf) -> Option<Arc<Self>> {
        None
    }

    /// Starts listening for siblings.
    pub fn start(&self, _: impl FnOnce() -> Arc<dyn AnswerSiblings>) {
        match *self {}
    }
}

impl Neighbours for Siblings {
    fn id(&self) -> NeighboursId {
        match *self {}
    }

    fn ask(&self, _: &FleetQuery<'_>, _: OwnReport<'_>) -> Result<FleetReport, CannotAsk> {
        match *self {}
    }
}
