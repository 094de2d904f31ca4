//! The twin of `recorder` for programs without jemalloc and for systems other than Linux: nothing is recorded.

use memory_debug_holders::{Hidden, Span};
use memory_debug_profile::{LiveSample, LiveSamples};

use super::live_stream::LiveStream;
use super::status::RecordingStatus;

const CAUSE: &str =
    "live samples are recorded on Linux, by programs that are built with the cargo feature `jemalloc`";

/// Whether live samples are recorded: no.
#[inline]
pub fn recording() -> bool {
    false
}

/// Returns the reason.
pub fn install() -> Result<(), String> {
    Err(CAUSE.to_owned())
}

/// Does nothing.
pub(crate) fn discard() {}

/// Returns the reason.
pub fn read() -> Result<LiveSamples, String> {
    Err(CAUSE.to_owned())
}

/// Returns the reason.
pub fn stream() -> Result<LiveStream<std::iter::Empty<LiveSample>>, String> {
    Err(CAUSE.to_owned())
}

/// Returns the reason.
pub fn read_objects() -> Result<Vec<(Hidden, LiveSample)>, String> {
    Err(CAUSE.to_owned())
}

/// Whether an allocation was not freed since it was read: not known.
pub fn still_live(_address: Hidden, _sequence: u64) -> bool {
    false
}

/// There is no table.
pub fn excluded_ranges() -> Vec<Span> {
    Vec::new()
}

/// Returns the reason.
pub fn status() -> Result<RecordingStatus, String> {
    Err(CAUSE.to_owned())
}
