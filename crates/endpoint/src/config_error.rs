//! Settings that cannot be used.

use std::error::Error;
use std::fmt;

/// A setting cannot be used. Found when the endpoint is built, before the first request.
#[derive(Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: String,
}

/// The reasons to refuse a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The base path could never be matched, or not unambiguously.
    InvalidPath,
    /// A peer's address is not one, or a secret would be sent to it in the clear.
    InvalidPeer,
    /// What should be certificates is not.
    InvalidAuthority,
}

impl ConfigError {
    pub(crate) fn new(kind: ConfigErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    /// The reason, to match on.
    pub fn kind(&self) -> ConfigErrorKind {
        self.kind
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for ConfigError {}
