//! Without the feature `siblings`, and on other systems than Linux, no siblings exist.

use std::path::PathBuf;
use std::sync::Arc;

use memory_debug_report::FleetReport;

use crate::neighbours::{CannotAsk, FleetQuery, Neighbours, NeighboursId, OwnReport};
use crate::serve::AnswerSiblings;

/// The processes of one host that answer together: none in this build.
#[derive(Debug)]
pub enum Siblings {}

impl Siblings {
    /// The siblings in `directory`: none in this build.
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
