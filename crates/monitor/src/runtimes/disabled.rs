//! Without the feature `tokio` there is no runtime to watch.

use crate::tasks::Totals;

/// No runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {}

/// No runtimes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runtimes;

impl Runtimes {
    pub(crate) fn new(_runtimes: Vec<(String, Handle)>) -> Self {
        Self
    }

    pub(crate) fn totals(&self) -> Option<Totals> {
        None
    }
}
