//! The interface to an instance's neighbours: siblings on its host, or peers on other hosts.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use memory_debug_report::{FleetReport, MemoryReport};

use crate::caller::Caller;
use crate::missing::Missing;

/// Other instances that can be asked for their reports.
pub trait Neighbours: fmt::Debug + Send + Sync {
    /// The id of these neighbours. Requests to neighbours with equal ids can share an answer.
    fn id(&self) -> NeighboursId;

    /// Asks all neighbours, and merges their reports with this process's own. Blocks until all have answered or the
    /// deadline has passed.
    ///
    /// # Errors
    ///
    /// If no neighbour can be asked. An instance that does not answer is listed as missing in the report instead.
    fn ask(&self, query: &FleetQuery<'_>, own: OwnReport<'_>) -> Result<FleetReport, CannotAsk>;
}

/// The id of some [`Neighbours`], unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighboursId(u64);

impl NeighboursId {
    /// Returns an id that no other neighbours have.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// The question to neighbours, on behalf of a client.
#[derive(Clone, Copy, Debug)]
pub struct FleetQuery<'a> {
    /// The client's own credential. Siblings get it; peers get their shared secret instead.
    pub caller: Option<&'a Caller>,
    /// The path of the page in this process. Siblings have the page at the same path.
    pub base: &'a str,
    /// Maximum number of rows in each report.
    pub rows: usize,
    /// Whether to collect even if too little memory may be left. Not passed on to peers.
    pub force: bool,
    /// Whether the client may see the names and addresses of hosts.
    pub shows_host: bool,
    /// The time until the answer must be written.
    pub deadline: Duration,
}

/// Starts to collect this process's own report, for neighbours that do not ask this process over a connection.
pub type OwnReport<'a> = &'a dyn Fn() -> Result<PendingReport, Missing>;

/// This process's own report, while it is being collected.
pub type PendingReport = Pin<Box<dyn Future<Output = Result<MemoryReport, Missing>> + Send>>;

/// The reason why neighbours cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotAsk {
    /// No thread could be created.
    NoThread,
    /// The neighbours cannot be reached from here, with the reason.
    Unavailable(String),
}

impl fmt::Display for CannotAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThread => {
                f.write_str("no thread could be created to ask instances; raise the limit on threads")
            }
            Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

impl Error for CannotAsk {}
