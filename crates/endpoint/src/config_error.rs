//! Errors in settings.

use std::error::Error;
use std::fmt;

/// An invalid setting. The error is returned when the endpoint is built, before the first request.
#[derive(Debug)]
pub struct ConfigError {
    kind: ConfigErrorKind,
    message: String,
}

/// The reason why a setting is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigErrorKind {
    /// The base path is invalid: no request could match it, or the match would be ambiguous.
    InvalidPath,
    /// The address of a peer is invalid, or its secret would be sent unencrypted.
    InvalidPeer,
    /// The certificates of an authority could not be read.
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
