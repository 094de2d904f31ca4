//! Reports what holds the memory of this process.
//!
//! A [`Collector`] reads three sources: the kernel (`/proc`, the control group), the allocator (jemalloc's
//! statistics), and jemalloc's heap profile, which shows which *types* hold the live memory. The result is a
//! [`MemoryReport`], a plain value that [`render`] turns into text or JSON. Most services should start with the
//! crates for axum and tower; this crate speaks no HTTP.
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
//! # How the parts fit together
//!
//! - [`install!`] makes jemalloc the allocator and turns its sampling on. Nothing else of this crate runs until the
//!   program collects.
//! - [`Collector::collect`] measures. It runs on a thread made by [`spawn_collecting`], whose own memory stays out of
//!   the profile. The result, [`Collected`], is the report and the heap profile behind it, which can be regrouped,
//!   kept and compared. [`summary`] also collects, and its result prints as a table.
//! - [`SummaryTracker`] reports what changed since the last call. [`PeriodicSnapshots`] keeps [`Snapshot`]s for a
//!   [`LeakVerdict`].
//! - [`Collector::headroom`] says beforehand whether there is enough memory to collect.
//! - [`Collector::set_profiling`] turns sampling on for a time, or changes its rate. [`Collector::purge`] returns
//!   unused pages to the system. [`Collector::collect_detail`] shows the allocator by arena and by size class.
//! - [`Fleet`] merges the reports of many instances, and [`ReportDiff`] compares two.
//! - [`diagnose`] says what stands out in a report, and what to change.
//! - [`Tracked`] counts chosen types exactly, beside the sampled rows. `register_root` (feature `allocative`)
//!   measures the retained size of chosen values exactly, field by field.
//! - An [`Error`] says what failed, with a [kind](ErrorKind) to decide by and a text to show.
//!
//! # Missing values
//!
//! A value that cannot be measured is `None`, never zero, and [`MemoryReport::unavailable`] says why and what to do.
//! Sampled rows have a standard error. If the allocator is not jemalloc, or the system is not Linux, the report has
//! fewer values, but nothing fails.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `allocative` | no | `register_root`: the retained size of chosen values, by field, measured on request |
//! | `metrics` | no | `metrics::record`: the numbers for a recorder of the `metrics` facade |
//! | `prometheus` | no | the numbers as text for Prometheus |
//! | `jemalloc` | yes | jemalloc's statistics and heap profile, and [`install!`] |
//!
//! # Modules, from the ground up
//!
//! The values are in the crate `memory-debug-report`, which this crate re-exports. The modules here measure the
//! process. A module uses only modules listed above it. `unsafe` is allowed in `file_size`, `fork`, `install`, `mallctl`,
//! `unwinder`, `objects`, `mapped`, `samples::recorder`, `ticks` and three modules of `scan` only.
//!
//! - `file_size`: writes that do not raise the signal of `RLIMIT_FSIZE`
//! - `per_process`: values that a forked process makes for itself
//! - `fork`: sections during which this process does not fork, and locks that no thread holds at a fork
//! - `kernel_file`: files of the kernel, and their numbers
//! - `seccomp`: filters of system calls
//! - `regular_file`: opening files that are neither pipes nor devices
//! - `ticks`: time from the processor's counter
//! - `install`: the macro that makes jemalloc the allocator
//! - `mallctl`: jemalloc's controls, typed
//! - `unwinder`: the stacks of samples, along frame pointers
//! - `objects`: the program and its libraries, as the dynamic linker loaded them
//! - `maps`: the code that is mapped, and where
//! - `process`: the kernel's numbers for the process, its container and the machine
//! - `mapped`: files in memory
//! - `own_files`: the files that this process's code was loaded from
//! - `instance`: the identity of this process
//! - `samples`: live samples of the allocator, each with its size, age and route
//! - `jemalloc`: statistics, dumps and switches of the allocator
//! - `headroom`: whether there is enough memory for some work
//! - `priority`: the priority of our threads
//! - `thread`: threads whose own memory stays out of the profile
//! - `scan`: the memory of this process, its roots and its names, as a scan of the heap reads them
//! - `roots`: the exact size of registered values
//! - `tracked`: exact counts of chosen types
//! - `heap`: a heap profile and its symbols
//! - `collected`: a report with the heap profile behind it
//! - `collect`: one collection
//! - `control`: turns sampling on for a time
//! - `purge`: returns unused memory to the system
//! - `snapshot`: where snapshots are kept, in memory and in a folder
//! - `tracker`: what changed since the last call
//! - `periodic`: snapshots at an interval
//! - `http_method`: methods of HTTP that labels of routes may name
//! - `shared_source`: a part of the program that the page asks
//! - `monitor_source`: the monitor of this process, as the page sees it
//! - `trace_source`: the tracer of this process, as the page sees it
//! - `holders`: scans of the heap, as the page asks for them

#![deny(unsafe_code)]

// In the order of the list above.
mod file_size;
mod per_process;
mod fork;
mod kernel_file;
mod seccomp;
mod regular_file;
#[allow(unsafe_code, reason = "the processor's counter is read with an instruction")]
mod ticks;
#[allow(unsafe_code, reason = "jemalloc reads the static that `install!` defines, by a pointer")]
mod install;
#[allow(
    unsafe_code,
    reason = "jemalloc is C; every value that it returns gets its type here and nowhere else"
)]
mod mallctl;
#[allow(unsafe_code, reason = "it reads frames from the stack, and jemalloc calls it from C with pointers")]
mod unwinder;
#[allow(
    unsafe_code,
    reason = "the dynamic linker calls back from C, and notes are read where they are in memory"
)]
mod objects;
mod maps;
mod process;
#[allow(unsafe_code, reason = "a mapped file can change under the mapping")]
mod mapped;
mod own_files;
mod instance;
mod samples;
mod jemalloc;
mod headroom;
#[allow(unsafe_code, reason = "no crate has sched_setattr(2)")]
mod priority;
mod thread;
mod scan;
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
mod http_method;
mod shared_source;
mod monitor_source;
mod trace_source;
mod holders;

pub use collect::{Collector, Scope, allocator_stats, record_live_samples, summary, write_raw_dump};
pub use collected::Collected;
pub use control::{ProfilingChange, ProfilingFields};
pub use headroom::{Headroom, Resource, Work, room_for_threads};
pub use holders::{HoldersOptions, ScanProgress};
#[doc(hidden)]
pub use http_method::known_method;
pub use instance::instance_id;
#[doc(inline)]
pub use memory_debug_holders::{
    Coverage, HeldType, HolderChain, HolderLink, HolderRoot, HoldersReport, ProgressReport, RootKind,
    RunningScan, UnreachableMemory,
};
#[doc(inline)]
pub use memory_debug_leaks::{LeakRule, LeakRun, LeakVerdict, LeftOut, Suspect};
#[doc(inline)]
pub use memory_debug_metrics as metrics;
#[doc(inline)]
pub use memory_debug_report::*;
pub use monitor_source::{MonitorHandle, MonitorSource};
#[doc(hidden)]
pub use per_process::PerProcess;
pub use periodic::{PeriodicSnapshots, RunningSnapshots};
pub use regular_file::open_regular_file;
#[cfg(feature = "allocative")]
pub use roots::{RegisteredRoot, register_root, register_static_root};
pub use shared_source::SharedSource;
pub use snapshot::{NotKept, SnapshotBounds, SnapshotFolder, Snapshots};
pub use thread::{spawn_collecting, spawn_thread};
pub use trace_source::{AlreadyCounting, TraceHandle, TraceSource};
pub use tracked::Tracked;
pub use tracker::SummaryTracker;

use memory_debug_report::__private::timestamp;

/// The trait for values whose retained size is measured, its derive macro and its visitor.
///
/// The derive macro uses the path `allocative::`, so bring this module into scope under that name. The macro comes from
/// the crate [allocative](https://docs.rs/allocative) (`allocative_derive`); the visitor here is bounded. See
/// [`Allocative`](trait@allocative::Allocative).
#[cfg(feature = "allocative")]
pub mod allocative {
    pub use memory_debug_retained::{Allocative, Key, Visitor};
}

/// Parts of the expansion of [`install!`], and functions that other crates of this project share. Not part of the
/// interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::file_size::without_signal;
    pub use crate::fork::{ForkSafe, Held};
    pub use crate::install::MallocConf;
    pub use crate::jemalloc::{AllocatorTotals, ThreadCounters, global_allocator, read_totals};
    pub use crate::kernel_file::missing_proc;
    pub use crate::process::{ChargedGroup, ChargedGroups, charged_groups, start_ticks};
    #[cfg(feature = "fuzzing")]
    pub use crate::samples::SmallTable;
    pub use crate::samples::{LabelGuard, LiveStream, RecordingStatus, RouteLabel, label_name};
    pub use crate::ticks::TickClock;
    pub use crate::unwinder::start_unwinder;
    #[cfg(feature = "jemalloc")]
    pub use tikv_jemallocator::Jemalloc;

    /// The live samples of this process.
    pub mod live_samples {
        pub use crate::samples::{
            excluded_ranges, install, live_bytes_by_route, read, read_objects, recording, status, still_live,
            stream,
        };
    }
}
