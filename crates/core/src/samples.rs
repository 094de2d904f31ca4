//! Live samples: records each sampled allocation until it is freed.
//!
//! jemalloc calls two `hooks`, which keep a `table`. A reader takes a copy at any time, without stopping anything. The
//! table does not belong to the heap: it is a static (`storage`).

#[cfg(any(test, all(feature = "jemalloc", target_os = "linux")))]
mod birth;
#[cfg(any(test, feature = "fuzzing"))]
mod fixture;
#[cfg(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom)))]
#[allow(unsafe_code, reason = "jemalloc calls these functions, and passes a stack as a pointer")]
mod hooks;
mod label;
#[cfg_attr(
    not(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom))),
    path = "samples/no_recorder.rs"
)]
mod recorder;
mod status;
#[cfg(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom)))]
mod storage;
#[cfg(any(test, feature = "fuzzing", all(feature = "jemalloc", target_os = "linux")))]
mod sync;
#[cfg(any(test, feature = "fuzzing", all(feature = "jemalloc", target_os = "linux")))]
mod table;
#[cfg(any(test, feature = "fuzzing", all(feature = "jemalloc", target_os = "linux")))]
mod tier;

pub use label::{LabelGuard, RouteLabel};
pub(crate) use recorder::discard;
pub use recorder::{excluded_ranges, install, read, read_objects, recording, status, still_live};
pub use status::RecordingStatus;
