//! Errors of starting.

use std::fmt;

/// Why the monitor, or a part of it, cannot start.
#[derive(Debug)]
pub struct MonitorError {
    text: String,
}

impl MonitorError {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl fmt::Display for MonitorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for MonitorError {}
