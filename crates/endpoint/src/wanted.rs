//! What a request wants, parameters included, and which thread gives it.

use std::time::Duration;

use memory_debug_core::{
    Count, DetailParts, Group, Leaf, Page, PprofSymbols, Scope, Selection, SnapshotId, Snapshots, TypesView,
    Work,
};

use crate::fleet::FleetWanted;
use crate::reply::Problem;
use crate::request::Change;
use crate::request::{Base, Target};
use crate::request::{Query, invalid};
use crate::route::What;
use crate::view::Mark;

/// What a request wants. Equal wishes of the same moment are answered together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Page {
        page: Page,
        types: TypesView,
        selection: Selection,
    },
    Heap(HeapWanted),
    /// To keep the heap's profile as a beginning.
    Mark(Mark),
    /// By how much the heap has grown since.
    Growth {
        heap: HeapWanted,
        since: Mark,
    },
    Flamegraph {
        leaf: Leaf,
        count: Count,
        base: Option<Base>,
    },
    ListSnapshots,
    TakeSnapshot {
        label: Option<String>,
    },
    ShowSnapshot {
        id: SnapshotId,
    },
    DropSnapshot {
        id: SnapshotId,
    },
    Diff {
        base: Base,
        target: Target,
        growth: bool,
        types: TypesView,
        selection: Selection,
    },
    Leaks,
    Metrics {
        /// Types with metrics of their own.
        series: usize,
        /// Whether the reader may know names of types.
        names_types: bool,
    },
    /// Statistics by arena and by size class.
    Detail {
        parts: DetailParts,
    },
    Profiling,
    Purge,
    SetProfiling(Change),
    /// The reports of several processes as one.
    Fleet(FleetWanted),
}

/// How a heap profile is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HeapWanted {
    pub(crate) symbols: PprofSymbols,
    pub(crate) top: usize,
    /// All that was allocated before what is live, if it is known.
    pub(crate) prefers_allocated: bool,
    /// Its growth within that time, instead of what it holds.
    pub(crate) span: Option<Duration>,
}

/// What work a wish is. Of a kind, one thread works at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A collection of statistics.
    Stats,
    /// A collection of types and statistics.
    Everything,
    /// Work on snapshots that are there.
    Snapshots,
    /// Asking or changing the allocator.
    Allocator,
    /// Asking other processes.
    Fleet,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Stats, Self::Everything, Self::Snapshots, Self::Allocator, Self::Fleet];

    /// What has to be collected for it.
    pub(crate) fn scope(self) -> Option<Scope> {
        match self {
            Self::Stats => Some(Scope::Stats),
            Self::Everything => Some(Scope::Everything),
            Self::Snapshots | Self::Allocator | Self::Fleet => None,
        }
    }

    /// What is worked on, in words.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Stats => "statistics",
            Self::Everything => "types and statistics",
            Self::Snapshots => "snapshots",
            Self::Allocator => "the allocator's state",
            Self::Fleet => "the fleet",
        }
    }
}

impl Wanted {
    /// # Errors
    ///
    /// If a parameter is missing.
    pub(crate) fn new(
        what: What,
        id: Option<SnapshotId>,
        query: &Query,
        names_types: bool,
    ) -> Result<Self, Problem> {
        // A path that has no id in it has none of these operations.
        let unknown = || Problem::UnknownSnapshot;
        Ok(match what {
            What::Page(Page::Stats) if query.detail != DetailParts::default() => {
                Self::Detail { parts: query.detail }
            }
            What::Page(page) => {
                Self::Page { page, types: query.types.clone(), selection: query.selection.clone() }
            }
            What::Heap | What::Allocations => Self::Heap(HeapWanted {
                symbols: query.symbols,
                top: query.types.top,
                prefers_allocated: what == What::Allocations,
                span: query.span,
            }),
            What::Flamegraph => Self::Flamegraph { leaf: query.leaf, count: query.count, base: query.base },
            What::ListSnapshots => Self::ListSnapshots,
            What::TakeSnapshot => Self::TakeSnapshot { label: query.label.clone() },
            What::ShowSnapshot => Self::ShowSnapshot { id: id.ok_or_else(unknown)? },
            What::DropSnapshot => Self::DropSnapshot { id: id.ok_or_else(unknown)? },
            What::Diff => Self::Diff {
                base: query.base.ok_or_else(|| {
                    invalid(
                        "base",
                        "is missing: the id of a snapshot, `first` or `last`; POST /snapshots makes one",
                    )
                })?,
                target: query.target,
                growth: query.growth,
                types: query.types.clone(),
                selection: query.selection.clone(),
            },
            What::Leaks => Self::Leaks,
            What::Metrics => Self::Metrics { series: query.series, names_types },
            What::Profiling => Self::Profiling,
            What::Purge => Self::Purge,
            // Made of the body, see `Draft::complete`.
            What::SetProfiling => return Err(Problem::invalid_body("is missing")),
            // Made of the settings, see `Endpoint::fleet`.
            What::Fleet => return Err(Problem::no_siblings()),
        })
    }

    /// What writing it takes memory for. `None` if that is next to nothing, and for what gives memory back, which has to
    /// work when there is none.
    pub(crate) fn work(&self, snapshots: &Snapshots) -> Option<Work> {
        let kept = || snapshots.list().iter().map(|snapshot| snapshot.info().stacks).max();
        let comparison = |stacks: Option<u64>| Work::Comparison { stacks: stacks.unwrap_or(0) };
        match self {
            Self::Page { page: Page::Stats, .. } | Self::Metrics { series: 0, .. } => None,
            Self::ListSnapshots | Self::DropSnapshot { .. } | Self::ShowSnapshot { .. } => None,
            Self::Detail { .. } | Self::Profiling | Self::Purge | Self::SetProfiling(_) => None,
            // The doctor looks for growth since a snapshot.
            Self::Page { page: Page::Doctor, .. } => {
                Some(kept().map_or(Work::Page, |stacks| comparison(Some(stacks))))
            }
            // Each row has the names of a whole stack.
            Self::Page { selection, .. } if selection.group == Group::Traceback => Some(Work::Profile),
            Self::Page { .. } | Self::Metrics { .. } | Self::Fleet(_) => Some(Work::Page),
            Self::Heap(_) | Self::Mark(_) | Self::TakeSnapshot { .. } => Some(Work::Profile),
            Self::Flamegraph { base: None, .. } => Some(Work::Profile),
            Self::Growth { since, .. } => {
                let stacks = since.get().map(|moment| moment.profile.stack_count());
                Some(comparison(stacks.and_then(|stacks| u64::try_from(stacks).ok())))
            }
            Self::Flamegraph { base: Some(_), .. } | Self::Diff { .. } | Self::Leaks => {
                Some(comparison(kept()))
            }
        }
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Page { page: Page::Stats, .. } | Self::Metrics { series: 0, .. } => Kind::Stats,
            // One report serves all of these.
            Self::Page { .. } | Self::Heap(_) | Self::Flamegraph { .. } | Self::TakeSnapshot { .. } => {
                Kind::Everything
            }
            Self::Mark(_) | Self::Growth { .. } | Self::Metrics { .. } => Kind::Everything,
            Self::Diff { target: Target::Now, .. } => Kind::Everything,
            Self::Diff { .. }
            | Self::ListSnapshots
            | Self::ShowSnapshot { .. }
            | Self::DropSnapshot { .. }
            | Self::Leaks => Kind::Snapshots,
            Self::Detail { .. } | Self::Profiling | Self::Purge | Self::SetProfiling(_) => Kind::Allocator,
            Self::Fleet(_) => Kind::Fleet,
        }
    }
}
