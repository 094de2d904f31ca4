//! Collects what holds the memory of this process, as one report.
//!
//! A [`Collector`] asks three witnesses: the kernel (`/proc`, the control group), the allocator (jemalloc's
//! statistics), and jemalloc's heap profile, which says which *types* hold the live memory. The answer is a
//! [`MemoryReport`], a plain value that [`render`] turns into text or JSON. For most services the crates for axum and
//! tower are the way in; this one speaks no HTTP.
//!
//! ```
//! use memory_debug_core::{Collector, Page, Scope, TypesView, render, spawn_collecting};
//!
//! // In main.rs, outside any function: memory_debug_core::install!();
//! let collector = Collector::new().service("shop", "1.0.0");
//! let report = spawn_collecting(move || collector.collect(Scope::Everything).report)?.join().expect("collected");
//! println!("{}", render::text(&report, Page::Overview, &TypesView::default()));
//! # Ok::<_, std::io::Error>(())
//! ```
//!
//! # What meets what
//!
//! - [`install!`] makes jemalloc the allocator and turns its sampling on. Nothing of this crate runs until somebody
//!   collects.
//! - [`Collector::collect`] measures, on a thread made by [`spawn_collecting`], whose own memory stays out of the
//!   profile. Its [`Collected`] is the report and the heap profile behind it, which can be summed again, kept and
//!   compared. [`summary`] collects and prints as a table.
//! - [`SummaryTracker`] says what changed since it was last asked, [`PeriodicSnapshots`] keeps [`Snapshot`]s for a
//!   [`LeakVerdict`].
//! - [`Collector::headroom`] says beforehand whether there is memory enough to collect.
//! - [`Collector::set_profiling`] turns sampling on for a time, or changes its rate; [`Collector::purge`] gives unused
//!   pages back; [`Collector::collect_detail`] tells the allocator by arena and by size class.
//! - [`Fleet`] merges the reports of many instances, [`ReportDiff`] compares two.
//! - [`diagnose`] says what stands out in a report, and what to change.
//! - [`Tracked`] counts chosen types exactly, beside the sampled rows; `register_root` (feature `allocative`) names
//!   values whose retained size is measured exactly, field by field.
//!
//! # Honesty
//!
//! What cannot be measured is `None`, never zero, and [`MemoryReport::unavailable`] says why and what to do. Sampled
//! rows state their standard error. If the program's allocator is not jemalloc, or the system is not Linux, the
//! report has less in it and nothing fails.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `allocative` | no | `register_root`: what chosen values retain, by field, measured when asked for |
//! | `metrics` | no | `metrics::record`: the numbers for a recorder of the `metrics` facade |
//! | `prometheus` | no | the numbers as text for Prometheus |
//! | `jemalloc` | yes | jemalloc's statistics and heap profile, and [`install!`] |
//!
//! # Modules, from the ground up
//!
//! Everything that is a value is in the crate `memory-debug-report`, and this crate re-exports it. The modules here ask the
//! process. A module uses only modules listed above it. `unsafe` is allowed in `file_size`, `install`, `mallctl`,
//! `objects` and `mapped` only.
//!
//! - `file_size`: writing without the signal of `RLIMIT_FSIZE`
//! - `per_process`: values that a forked process makes for itself
//! - `kernel_file`: files of the kernel, and their numbers
//! - `regular_file`: opening files that are neither pipes nor devices
//! - `install`: the macro that makes jemalloc the allocator
//! - `mallctl`: jemalloc's controls, typed
//! - `objects`: the program and its libraries, as the dynamic linker loaded them
//! - `maps`: which code lies where
//! - `process`: the numbers of the kernel for the process, its container and the machine
//! - `mapped`: files in memory
//! - `own_files`: the files that this process runs
//! - `instance`: the identity of this process
//! - `jemalloc`: statistics, dumps and switches of the allocator
//! - `headroom`: whether there is enough memory for some work
//! - `thread`: threads whose own memory does not count
//! - `roots`: the exact size of registered values
//! - `tracked`: exact counts of chosen types
//! - `heap`: a heap profile and its symbols
//! - `collected`: a report with the heap profile behind it
//! - `collect`: one collection
//! - `control`: turns sampling on for a time
//! - `purge`: gives unused memory back
//! - `snapshot`: where snapshots are kept, in memory and in a folder
//! - `tracker`: what changed since the last call
//! - `periodic`: snapshots at an interval

#![deny(unsafe_code)]

// In the order of the list above.
mod file_size;
mod per_process;
mod kernel_file;
mod regular_file;
#[allow(unsafe_code, reason = "jemalloc reads the static that `install!` defines, by a pointer")]
mod install;
#[allow(unsafe_code, reason = "jemalloc is C; every value it tells is typed here and nowhere else")]
mod mallctl;
#[allow(
    unsafe_code,
    reason = "the dynamic linker tells by a callback in C, and notes are read where they lie in memory"
)]
mod objects;
mod maps;
mod process;
#[allow(unsafe_code, reason = "a mapped file can change under the mapping")]
mod mapped;
mod own_files;
mod instance;
mod jemalloc;
mod headroom;
mod thread;
mod roots;
mod tracked;
mod heap;
mod collected;
mod collect;
mod control;
mod purge;
mod snapshot;
mod tracker;
mod periodic;

pub use collect::{Collector, Scope, allocator_stats, summary};
pub use collected::Collected;
pub use control::ProfilingChange;
pub use headroom::{Headroom, Resource, Work, room_for_threads};
pub use instance::instance_id;
#[doc(inline)]
pub use memory_debug_report::*;
#[doc(hidden)]
pub use per_process::PerProcess;
pub use periodic::{PeriodicSnapshots, RunningSnapshots};
pub use regular_file::open_regular_file;
#[cfg(feature = "allocative")]
pub use roots::{RegisteredRoot, register_root, register_static_root};
pub use snapshot::{NotKept, SnapshotBounds, SnapshotFolder, Snapshots};
pub use thread::{spawn_collecting, spawn_thread};
pub use tracked::Tracked;
pub use tracker::SummaryTracker;

use memory_debug_report::__private::timestamp;

/// The trait that values are visited through to measure what they retain, and what it needs.
///
/// The derive macro names these by `allocative::`, so bring this module into scope under its name. It is the macro of
/// the crate [allocative](https://docs.rs/allocative) (`allocative_derive`), with a visitor that is bounded: see
/// [`Allocative`](trait@allocative::Allocative).
#[cfg(feature = "allocative")]
pub mod allocative {
    pub use allocative_derive::Allocative;

    pub use crate::roots::{Allocative, Key, Visitor};
}

/// What [`install!`] expands to and other crates of this project share. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::install::MallocConf;
    pub use crate::process::start_ticks;
    #[cfg(feature = "jemalloc")]
    pub use tikv_jemallocator::Jemalloc;
}
