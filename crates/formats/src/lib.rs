//! The file formats of other tools.
//!
//! A producer makes a [`CallTree`], and a [`TreeFormat`] writes it. The crate knows neither jemalloc nor the tracer, and
//! does no input or output of its own.
//!
//! | Format | Opened by | Events |
//! |---|---|---|
//! | callgrind | KCachegrind, QCachegrind, `callgrind_annotate` | all; times in microseconds |
//! | `.cpuprofile` | Chrome's DevTools, panel "Performance" | `Busy` |
//! | speedscope | [speedscope](https://www.speedscope.app) | all |
//! | collapsed | flame graph tools, speedscope | the first |
//! | pprof | `go tool pprof`, Pyroscope, Parca | all, also negative numbers |
//! | `.heapprofile` | Chrome's DevTools, panel "Memory" | the first in bytes |
//! | `.heapsnapshot` | Chrome's DevTools, panel "Memory"; memlab | `Bytes` |
//! | `.heaptimeline` | Chrome's DevTools, panel "Memory" | `Bytes` |
//!
//! A format that would show wrong numbers refuses the tree, and says which number it cannot show. Every text in a file
//! is printable.
//!
//! Collapsed stacks, speedscope, `.cpuprofile` and `.heapprofile` hold whole stacks, so they can be read
//! ([`TreeFormat::read`]).
//!
//! # Modules, from the ground up
//!
//! - `printable`: text that terminals, browsers and logs can show
//! - `printable_json`: JSON in which every character is printable
//! - `fnv`: a hash that never changes
//! - `call_tree`: functions by the way they were called, with numbers
//! - `walk`: the order in which formats write a tree
//! - `largest`: the largest functions of a tree
//! - `frames`: the distinct functions of a tree
//! - `refusal`: trees that a format cannot show
//! - `microseconds`: nanoseconds as whole microseconds that add up
//! - `json`: text in JSON
//! - `call_frames`: frames as Chrome's DevTools describe them
//! - `profile_proto`: the encoder of pprof's messages
//! - `callgrind`: callgrind's format
//! - `collapsed`: collapsed stacks
//! - `cpuprofile`: `.cpuprofile`
//! - `heapprofile`: `.heapprofile`
//! - `speedscope`: speedscope's own format
//! - `pprof`: pprof's format of a call tree
//! - `heap_graph`: a heap as nodes and edges
//! - `heapsnapshot`: `.heapsnapshot`
//! - `heaptimeline`: `.heaptimeline`
//! - `tree_format`: the formats as one list
//! - `read`: readers of the formats that hold whole stacks

#![forbid(unsafe_code)]

// In the order of the list above.
mod printable;
mod printable_json;
mod fnv;
mod call_tree;
mod walk;
mod largest;
mod frames;
mod refusal;
mod microseconds;
mod json;
mod call_frames;
pub mod profile_proto;
mod callgrind;
mod collapsed;
mod cpuprofile;
mod heapprofile;
mod speedscope;
mod pprof;
mod heap_graph;
mod heapsnapshot;
mod heaptimeline;
mod tree_format;
mod read;
#[cfg(test)]
mod sample;

pub use call_tree::{CallKind, CallNode, CallTree, Event, Unit};
pub use heap_graph::{HeapEdge, HeapGraph, HeapKind, HeapNode};
pub use printable::{is_unprintable, printable};
pub use printable_json::{PrintableJson, printable_json, to_json, to_json_line, write_line};
pub use tree_format::TreeFormat;

/// What other crates of this project share. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::fnv::{FNV_BEGIN, fnv1a};
}
