//! Why jemalloc refused a key.

use std::ffi::CStr;
use std::fmt;

/// A key that jemalloc refused to read or write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Error {
    key: String,
    cause: String,
}

impl Error {
    pub(super) fn new(name: &CStr, cause: impl fmt::Display) -> Self {
        // jemalloc-ctl's texts are whole sentences; these texts are parts of a sentence.
        let cause = cause.to_string().trim_end_matches('.').to_lowercase();
        Self { key: name.to_string_lossy().into_owned(), cause }
    }

    /// Whether the key's action failed. jemalloc gives no more detail than that (EFAULT).
    pub(crate) fn is_of_side_effects(&self) -> bool {
        self.cause.starts_with("an interface with side effects failed")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mallctl {}: {}", self.key, self.cause)
    }
}

impl std::error::Error for Error {}
