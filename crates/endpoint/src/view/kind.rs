//! The kinds of work.

use std::time::Duration;

use memory_debug_core::Scope;

/// The kind of work behind a page. At most one thread works on each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A collection of statistics.
    Stats,
    /// A collection of types and statistics.
    Everything,
    /// Work on kept snapshots.
    Snapshots,
    /// A question to the allocator, or a change of its state.
    Allocator,
    /// Questions to other processes.
    Fleet,
    /// A question to the monitor of this process.
    Monitor,
    /// A question to the tracer of this process, or a change of its state.
    Tracer,
    /// Scans of the heap.
    Holders,
    /// A question about scans, while one may run.
    ScanState,
}

/// The most time that scans may take in addition to the deadline of other work.
pub(crate) const LONGEST_SCAN: Duration = Duration::from_secs(60);

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Stats,
        Self::Everything,
        Self::Snapshots,
        Self::Allocator,
        Self::Fleet,
        Self::Monitor,
        Self::Tracer,
        Self::Holders,
        Self::ScanState,
    ];

    /// The scope of the report behind pages of this kind. `None` if they need no report.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Stats => Some(Scope::Stats),
            Self::Everything => Some(Scope::Everything),
            Self::Snapshots
            | Self::Allocator
            | Self::Fleet
            | Self::Monitor
            | Self::Tracer
            | Self::Holders
            | Self::ScanState => None,
        }
    }

    /// The most time that work of this kind may take, if other work may take `deadline`. Scans have a deadline of their own,
    /// which a request sets.
    pub(crate) fn deadline(self, deadline: Duration) -> Duration {
        if self == Self::Holders { deadline.saturating_add(LONGEST_SCAN) } else { deadline }
    }

    /// The subject of the work, for messages.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stats => "statistics",
            Self::Everything => "types and statistics",
            Self::Snapshots => "snapshots",
            Self::Allocator => "the allocator's state",
            Self::Fleet => "the fleet",
            Self::Monitor => "the monitor",
            Self::Tracer => "the tracer",
            Self::Holders => "scans of the heap",
            Self::ScanState => "the state of scans",
        }
    }
}
