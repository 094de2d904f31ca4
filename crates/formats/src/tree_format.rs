//! The formats that a call tree is written in.

use std::io::{self, Write};

use crate::call_tree::{CallTree, Event, Unit};
use crate::cpuprofile::BUSY;
use crate::heap_graph::{HeapGraph, LIVE};
use crate::{callgrind, collapsed, cpuprofile, heapprofile, heapsnapshot, heaptimeline, pprof, speedscope};

/// A format that a [`CallTree`] is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TreeFormat {
    /// For KCachegrind, QCachegrind and `callgrind_annotate`. It has functions and the calls between them, all events,
    /// and times in microseconds.
    Callgrind,
    /// For the panel "Performance" of Chrome's DevTools: busy time.
    CpuProfile,
    /// For speedscope: all events.
    Speedscope,
    /// One line per stack, for flame graph tools: the first event.
    Collapsed,
    /// For `go tool pprof`, Pyroscope and Parca: all events, also negative numbers.
    Pprof,
    /// For the panel "Memory" of Chrome's DevTools: bytes by stack.
    HeapProfile,
    /// For the panel "Memory" of Chrome's DevTools, and for memlab: types, and the functions that allocated them.
    HeapSnapshot,
    /// A heap snapshot with a time line.
    HeapTimeline,
}

impl TreeFormat {
    /// All formats.
    pub const ALL: &'static [Self] = &[
        Self::Callgrind,
        Self::CpuProfile,
        Self::Speedscope,
        Self::Collapsed,
        Self::Pprof,
        Self::HeapProfile,
        Self::HeapSnapshot,
        Self::HeapTimeline,
    ];

    /// The formats of a trace.
    pub const OF_TRACE: &'static [Self] =
        &[Self::Callgrind, Self::CpuProfile, Self::Speedscope, Self::Collapsed, Self::Pprof];

    /// The formats of a heap profile.
    pub const OF_HEAP: &'static [Self] = &[
        Self::Pprof,
        Self::Collapsed,
        Self::HeapProfile,
        Self::HeapSnapshot,
        Self::HeapTimeline,
        Self::Speedscope,
        Self::Callgrind,
    ];

    /// The value of a parameter `format`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Callgrind => "callgrind",
            Self::CpuProfile => "cpuprofile",
            Self::Speedscope => "speedscope",
            Self::Collapsed => "collapsed",
            Self::Pprof => "pprof",
            Self::HeapProfile => "heapprofile",
            Self::HeapSnapshot => "heapsnapshot",
            Self::HeapTimeline => "heaptimeline",
        }
    }

    /// The format of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// The end of a file's name, without the first dot. DevTools choose their panel by it.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Callgrind => "callgrind",
            Self::CpuProfile => "cpuprofile",
            Self::Speedscope => "speedscope.json",
            Self::Collapsed => "collapsed",
            Self::Pprof => "pb.gz",
            Self::HeapProfile => "heapprofile",
            Self::HeapSnapshot => "heapsnapshot",
            Self::HeapTimeline => "heaptimeline",
        }
    }

    /// The format of a file of this name: `heap.pb.gz`, `callgrind.out.7`.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let has_extension = |format: &Self| {
            name.strip_suffix(format.extension()).is_some_and(|rest| rest.ends_with('.') && rest.len() > 1)
        };
        // Valgrind's tools give their files these names.
        let callgrind = name.starts_with("callgrind.out").then_some(Self::Callgrind);
        Self::ALL.iter().copied().find(has_extension).or(callgrind)
    }

    /// The value of `Content-Type`, without parameters.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Callgrind | Self::Collapsed => "text/plain",
            Self::Pprof => "application/octet-stream",
            _ => "application/json",
        }
    }

    /// The names of the events that a file does not hold. Formats for one number hold the first one that they can show.
    pub fn left_out(self, tree: &CallTree) -> Vec<&str> {
        let place = |is_held: &dyn Fn(&Event) -> bool| tree.events.iter().position(is_held);
        let held = match self {
            Self::Callgrind | Self::Speedscope | Self::Pprof => return Vec::new(),
            Self::Collapsed => vec![Some(0)],
            Self::CpuProfile => vec![place(&|event| event.name == BUSY)],
            Self::HeapProfile => vec![place(&|event| event.unit == Unit::Bytes)],
            Self::HeapSnapshot | Self::HeapTimeline => {
                vec![place(&|event| event.name == LIVE), place(&|event| event.unit == Unit::Count)]
            }
        };
        let events = tree.events.iter().enumerate();
        events.filter(|(at, _)| !held.contains(&Some(*at))).map(|(_, event)| &*event.name).collect()
    }

    /// Writes a tree.
    ///
    /// # Errors
    ///
    /// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if the format would show wrong numbers: it
    /// says which number the format cannot show. Then nothing was written.
    pub fn write(self, tree: &CallTree, mut out: impl Write) -> io::Result<()> {
        // One copy of each writer, however many kinds of output there are.
        let out: &mut dyn Write = &mut out;
        match self {
            Self::Callgrind => callgrind::write(tree, out),
            Self::CpuProfile => cpuprofile::write(tree, out),
            Self::Speedscope => speedscope::write(tree, out),
            Self::Collapsed => collapsed::write(tree, out),
            Self::Pprof => pprof::write(tree, out),
            Self::HeapProfile => heapprofile::write(tree, out),
            Self::HeapSnapshot => heapsnapshot::write(&HeapGraph::of_tree(tree)?, out),
            Self::HeapTimeline => heaptimeline::write(&HeapGraph::of_tree(tree)?, out),
        }
    }
}
