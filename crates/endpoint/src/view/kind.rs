//! The kinds of work.

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
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::Stats,
        Self::Everything,
        Self::Snapshots,
        Self::Allocator,
        Self::Fleet,
        Self::Monitor,
        Self::Tracer,
    ];

    /// The scope of the report behind pages of this kind. `None` if they need no report.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Stats => Some(Scope::Stats),
            Self::Everything => Some(Scope::Everything),
            Self::Snapshots | Self::Allocator | Self::Fleet | Self::Monitor | Self::Tracer => None,
        }
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
        }
    }
}
