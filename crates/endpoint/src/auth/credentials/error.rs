//! The errors of credentials.

use std::error::Error;
use std::path::Path;
use std::{fmt, io};

use crate::auth::strength::Weakness;

/// The error of refused credentials. The message says what to change and never contains the password.
#[derive(Debug)]
pub struct CredentialsError {
    kind: CredentialsErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// The reason why credentials were refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsErrorKind {
    /// The user name is empty or blank, contains a `:` or a control character, or begins or ends with
    /// whitespace or an invisible character.
    InvalidUser,
    /// The password is empty or blank, contains a control character, or begins or ends with whitespace or an
    /// invisible character.
    InvalidPassword,
    /// User name and password together are longer than a request can carry.
    TooLong,
    /// The password is weak.
    WeakPassword,
    /// No password is configured.
    Missing,
    /// The password is configured twice.
    Ambiguous,
    /// There are more logins than the limit.
    TooMany,
    /// A file or environment variable could not be read.
    Unreadable,
    /// The operating system provides no random numbers.
    NoRandomness,
}

impl CredentialsError {
    /// The reason, to match on.
    pub fn kind(&self) -> CredentialsErrorKind {
        self.kind
    }

    pub(super) fn new(kind: CredentialsErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(super) fn weak(weakness: Weakness) -> Self {
        Self::new(
            CredentialsErrorKind::WeakPassword,
            format!(
                "password refused as weak: {weakness}; generate one with `memory-debug password` or \
                 `openssl rand -base64 24`, or accept this one with `Credentials::allow_weak`"
            ),
        )
    }

    pub(super) fn no_randomness(source: io::Error) -> Self {
        let message = "cannot make a random key: the operating system provides no random numbers yet; try again once \
                       it has started up";
        Self::new(CredentialsErrorKind::NoRandomness, message).with_source(source)
    }

    /// Adds the line of a file to the message.
    pub(super) fn in_line(self, number: usize, path: &Path) -> Self {
        self.at(format_args!("line {number} of `{}`", path.display()))
    }

    /// Adds the file or variable to the message.
    pub(crate) fn at(self, place: impl fmt::Display) -> Self {
        Self { message: format!("{place}: {}", self.message), ..self }
    }

    pub(super) fn with_source(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for CredentialsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| source as _)
    }
}
