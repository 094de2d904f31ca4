//! jemalloc's own numbers and its heap profile.

mod detail;
mod arena_bins;
mod dump;
mod dump_size;
mod generation;
mod large;
mod probe;
mod profiling;
mod purge;
mod sampled_pages;
mod sampling;
mod setting;
mod stats;
mod thread_counters;
mod totals;

pub(crate) use arena_bins::read_arena_bins;
pub(crate) use detail::{Own, largest_small_object, read_arenas, read_own, read_size_classes};
pub(crate) use dump::{read_dump, write_dump};
pub(crate) use dump_size::LastDump;
pub(crate) use large::read_large_objects;
pub use probe::global_allocator;
pub(crate) use profiling::{enabled, read_profiling, readiness};
pub(crate) use purge::purge;
pub(crate) use sampling::{RealSwitches, SAMPLING, Sampling, Switches, generation};
pub(crate) use stats::read_stats;
pub use thread_counters::ThreadCounters;
pub use totals::{AllocatorTotals, read_totals};
