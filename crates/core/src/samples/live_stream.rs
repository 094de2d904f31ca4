//! Live samples one by one.

use std::time::Duration;

/// Live samples one by one, and since when they are recorded.
#[derive(Clone, Debug)]
pub struct LiveStream<I> {
    /// Time since recording began. Older memory has no sample here.
    pub recorded: Duration,
    /// Samples since then that found no place in the table.
    pub dropped: u64,
    /// The samples, in no order. What is allocated or freed meanwhile may be missing.
    pub samples: I,
}
