//! What jemalloc tells about itself.

mod dump;
mod probe;
mod profiling;
mod stats;

pub(crate) use dump::read_dump;
pub(crate) use probe::{NOT_JEMALLOC, global_allocator};
pub(crate) use profiling::{read_profiling, readiness};
pub(crate) use stats::read_stats;
