//! Who holds the memory of a live Rust process.
//!
//! A heap profile shows which code allocated the memory that is live. A scan shows what keeps it alive: it marks
//! everything that the roots of the process reach, and remembers through which objects. A [`HoldersReport`] has the
//! result: for each type the chains of holders up to a named root, and the memory that nothing points to.
//!
//! This crate reads memory only through the trait [`Memory`], so it has no `unsafe` and can be tested on a heap that a
//! test makes up. `memory-debug-core` implements the trait for the process itself.
//!
//! # Modules, from the ground up
//!
//! - `memory`: the memory of a process, as a scan reads it
//! - `holders_report`: who holds the memory, as a document
//! - `input`: what a scan has to know before it begins
//! - `bits`: a set of small numbers
//! - `peek`: reads many small pieces of memory
//! - `page_map`: the pages of the heap and the extents that they belong to
//! - `mark`: what the roots reach
//! - `objects`: the objects that a result tells of, and their names
//! - `parent`: the memory in which the parent of an object points to it
//! - `chain`: from a pointer up to its root
//! - `inner_nodes`: chains that enter a list or a tree at an inner node
//! - `cycle`: objects that hold each other
//! - `names`: names for objects that were not sampled
//! - `spare`: pointers in spare capacity
//! - `excluded`: pointers that the type of their holder excludes
//! - `back_pointers`: pointers back from an object to what holds it
//! - `description`: how likely a chain leads over a dead word
//! - `unreached`: what lies behind samples that no root reaches
//! - `scan`: one scan, from memory to chains
//! - `unreachable`: samples that no scan reached
//! - `link`: chains as rows show them
//! - `held`: the holders of each type, from the results of scans
//! - `type_filter`: which types of a report are shown
//! - `holder_text`: the names of holders and chains
//! - `render`: a report as text
//! - `graph`: the chains as one graph
//! - `graph_layout`: the places of its nodes in a picture
//! - `svg`: the graph as SVG
//! - `dot`: the graph for Graphviz
//! - `heap_graph`: the chains as a heap snapshot of Chrome
//! - `findings`: the rules of the doctor about the last scan
//! - `leak_holders`: what the last scan says about leaks
//! - `progress`: how far a scan is, as a document

#![forbid(unsafe_code)]

// In the order of the list above.
mod memory;
mod holders_report;
mod input;
mod bits;
mod peek;
mod page_map;
mod mark;
mod objects;
mod parent;
mod chain;
mod inner_nodes;
mod names;
mod spare;
mod excluded;
mod back_pointers;
mod description;
mod unreached;
mod scan;
mod cycle;
mod unreachable;
mod link;
mod held;
mod type_filter;
mod holder_text;
mod render;
mod graph;
mod graph_layout;
mod svg;
mod dot;
mod heap_graph;
mod findings;
mod leak_holders;
mod progress;
#[cfg(test)]
mod sample;

pub use findings::diagnose_holders;
pub use graph::{GraphEdge, GraphKind, GraphNode, HolderGraph};
pub use graph_layout::{GraphBox, GraphCurve, GraphPicture};
pub use held::{Holders, HoldersOptions, holders};
pub use holders_report::{
    Coverage, HeldType, HolderChain, HolderLink, HolderRoot, HoldersReport, RootKind, UnreachableMemory,
};
pub use input::{Bin, Root, SampledObject, ScanInput, Symbols};
pub use leak_holders::{HeldSuspect, LeakHolders, UnreachableType, write_leak_holders};
pub use memory::{Hidden, Memory, PageUse, Span};
pub use progress::{ProgressReport, RunningScan, write_progress};
pub use render::write_holders;
pub use scan::{Reached, Scan, ScanResult};
pub use type_filter::TypeFilter;

#[cfg(test)]
mod tests;
