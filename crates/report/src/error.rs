//! Errors of collecting, keeping, reading and comparing.

use std::fmt;

/// An error of collecting, keeping, reading or comparing.
///
/// The text names what is missing and, if the caller can help, what to do. It is safe to show to a client that may
/// see a report.
pub struct Error {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// Class of an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The global allocator is not jemalloc, or jemalloc refused a request.
    Allocator,
    /// There is no heap profile: sampling is off, the allocator cannot sample, or the report has no profile.
    NoProfile,
    /// A value was not measured. The text says why, as [`MemoryReport::unavailable`](crate::MemoryReport::unavailable)
    /// does.
    NotMeasured,
    /// A heap profile could not be read or written.
    Profile,
    /// A report from elsewhere is damaged, has another version, or is not the requested report.
    Report,
    /// A saved snapshot is damaged, has another version, or is not a snapshot.
    Snapshot,
    /// Reports or snapshots cannot be compared: they have different tables or samples, or are too few.
    NotComparable,
    /// A value from the caller is out of range or cannot be parsed.
    InvalidValue,
    /// The result exceeds its size limit.
    TooLarge,
    /// The operating system refused a resource, such as a thread or random numbers.
    System,
    /// A bug, for example a panic while collecting.
    Internal,
}

impl Error {
    /// An error without a source. Not part of the interface.
    #[doc(hidden)]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// An error caused by another; `message` already contains the text of `source`. Not part of the interface.
    #[doc(hidden)]
    pub fn with_source(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, message: message.into(), source: Some(source.into()) }
    }

    /// An error with the text of its source. Not part of the interface.
    #[doc(hidden)]
    pub fn of(kind: ErrorKind, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { kind, message: source.to_string(), source: Some(Box::new(source)) }
    }

    /// The class of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.kind)
            .field("message", &self.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[test]
    fn keeps_its_kind_its_text_and_its_source() {
        let source = std::io::Error::other("disk is gone");
        let error = Error::of(ErrorKind::Profile, source);
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Profile, "disk is gone"));
        assert_eq!(error.source().unwrap().to_string(), "disk is gone");
        assert!(Error::new(ErrorKind::Internal, "a bug").source().is_none());
        let longer =
            Error::with_source(ErrorKind::System, "no thread: denied", std::io::Error::other("denied"));
        assert_eq!(longer.source().unwrap().to_string(), "denied");
    }
}
