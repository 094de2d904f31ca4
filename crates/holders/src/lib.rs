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
//! - `chain`: from a pointer up to its root
//! - `names`: names for objects that were not sampled
//! - `spare`: pointers in spare capacity
//! - `unreached`: what lies behind samples that no root reaches
//! - `scan`: one scan, from memory to chains
//! - `cycle`: objects that hold each other
//! - `unreachable`: samples that no scan reached
//! - `link`: chains as rows show them
//! - `held`: the holders of each type, from the results of scans

#![forbid(unsafe_code)]

mod bits;
mod chain;
mod cycle;
mod held;
mod holders_report;
mod input;
mod link;
mod mark;
mod memory;
mod names;
mod objects;
mod page_map;
mod peek;
mod scan;
mod spare;
mod unreachable;
mod unreached;

pub use held::{Holders, HoldersOptions, holders};
pub use holders_report::{
    Coverage, HeldType, HolderChain, HolderLink, HolderRoot, HoldersReport, RootKind, UnreachableMemory,
};
pub use input::{Bin, Root, SampledObject, ScanInput, Symbols};
pub use memory::{Hidden, Memory, PageUse, Span};
pub use scan::{Reached, Scan, ScanResult};

#[cfg(test)]
mod tests;
