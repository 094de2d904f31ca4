//! Errors of starting a monitor.

use std::fmt;
use std::io;

/// The reason why a monitor does not start.
#[derive(Debug)]
pub struct MonitorError {
    message: String,
    source: Option<io::Error>,
}

impl MonitorError {
    /// An error with a text for people: what was tried, what was found, what to do next.
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self { message: text.into(), source: None }
    }

    /// An error of the operating system. The text says what was tried.
    pub(crate) fn of(text: impl fmt::Display, source: impl Into<io::Error>) -> Self {
        let source = source.into();
        Self { message: format!("{text}: {}", source.kind()), source: Some(source) }
    }

    /// The kind of the failure, in the terms of the standard library. [`io::ErrorKind::InvalidInput`] means that the
    /// settings are wrong.
    pub fn kind(&self) -> io::ErrorKind {
        self.source.as_ref().map_or(io::ErrorKind::InvalidInput, io::Error::kind)
    }
}

impl fmt::Display for MonitorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MonitorError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

/// `MonitorError` is an error of starting, so services can return it from `main` as one of IO.
impl From<MonitorError> for io::Error {
    fn from(error: MonitorError) -> Self {
        Self::new(error.kind(), error)
    }
}
