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
//! - `input`: what a scan has to know before it begins
//! - `holders_report`: who holds the memory, as a document

#![forbid(unsafe_code)]

mod memory;
mod input;
mod holders_report;

pub use holders_report::{
    Coverage, HeldType, HolderChain, HolderLink, HolderRoot, HoldersReport, RootKind, UnreachableMemory,
};
pub use input::{Bin, Root, SampledObject, ScanInput, Symbols};
pub use memory::{Hidden, Memory, PageUse, Span};
