//! What an instance asks of its neighbours: siblings on this host, or peers elsewhere.

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
    /// The number of these neighbours. Requests for the same neighbours can share an answer.
    fn id(&self) -> NeighboursId;

    /// Asks them, and adds up their reports and this process's own. Blocks until all have answered or the time is over.
    ///
    /// # Errors
    ///
    /// If they cannot be asked at all. An instance that does not answer is missing in the report.
    fn ask(&self, query: &FleetQuery<'_>, own: OwnReport<'_>) -> Result<FleetReport, CannotAsk>;
}

/// The number of some [`Neighbours`], unique in this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighboursId(u64);

impl NeighboursId {
    /// A number that no other neighbours have.
    #[must_use]
    pub fn unique() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// What neighbours are asked, on behalf of a client.
#[derive(Clone, Copy, Debug)]
pub struct FleetQuery<'a> {
    /// The client's own credential. Siblings are asked with it; peers are asked with their secret instead.
    pub caller: Option<&'a Caller>,
    /// The path of the page in this process. Siblings have it at the same path.
    pub base: &'a str,
    /// Most rows of each report.
    pub rows: usize,
    /// Whether to collect even where there may not be enough memory. Not passed on to peers.
    pub force: bool,
    /// Whether the client may know the names and addresses of hosts.
    pub shows_host: bool,
    /// The time until the answer must be written.
    pub deadline: Duration,
}

/// Starts collecting this process's own report, for neighbours that do not ask this process like another.
pub type OwnReport<'a> = &'a dyn Fn() -> Result<PendingReport, Missing>;

/// This process's own report, which is being collected.
pub type PendingReport = Pin<Box<dyn Future<Output = Result<MemoryReport, Missing>> + Send>>;

/// Why neighbours cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CannotAsk {
    /// The system gave no thread.
    NoThread,
    /// They cannot be reached from here, for that reason.
    Unavailable(String),
}

impl fmt::Display for CannotAsk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoThread => f.write_str("the system gave no thread to ask on"),
            Self::Unavailable(reason) => f.write_str(reason),
        }
    }
}

impl Error for CannotAsk {}
