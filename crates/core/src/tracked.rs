//! Exact counts of chosen types.

mod counters;
mod wrapper;

pub(crate) use counters::rows;
pub use wrapper::Tracked;
