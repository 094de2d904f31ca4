//! Live samples: records each sampled allocation until it is freed.
//!
//! jemalloc calls two hooks, which keep a `table`. A reader (`recorder`) takes a copy at any time, without stopping
//! anything.

mod label;
mod live_stream;
mod status;
#[cfg(any(test, feature = "fuzzing", all(feature = "jemalloc", target_os = "linux")))]
mod table;
#[cfg_attr(
    not(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom))),
    path = "samples/no_recorder.rs"
)]
mod recorder;
mod by_route;

pub use by_route::live_bytes_by_route;
pub use label::{LabelGuard, RouteLabel, label_name};
pub use live_stream::LiveStream;
pub(crate) use recorder::discard;
pub use recorder::{excluded_ranges, install, read, read_objects, recording, status, still_live, stream};
pub use status::RecordingStatus;
#[cfg(feature = "fuzzing")]
pub use table::SmallTable;
