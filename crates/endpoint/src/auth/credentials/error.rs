//! What can be wrong with configured credentials.

use std::error::Error;
use std::path::Path;
use std::{fmt, io};

use crate::auth::strength::Weakness;

/// Credentials could not be made. The message says what to change and never contains the password.
#[derive(Debug)]
pub struct CredentialsError {
    kind: CredentialsErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// The reasons to refuse credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsErrorKind {
    /// The user name is empty, blank, has a `:` or a control character, or a blank at an end.
    InvalidUser,
    /// The password is empty, blank, has a control character, or a blank at an end.
    InvalidPassword,
    /// User name and password together are longer than a request could ever send.
    TooLong,
    /// The password is easily guessed.
    WeakPassword,
    /// No password is configured.
    Missing,
    /// The password is configured twice.
    Ambiguous,
    /// There are more logins than are accepted at once.
    TooMany,
    /// A file or environment variable could not be read.
    Unreadable,
    /// The operating system has no randomness to give.
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
                "password refused as easily guessed: {weakness}; `memory-debug password` or \
                 `openssl rand -base64 24` makes a good one, `Credentials::allow_weak` accepts this one"
            ),
        )
    }

    pub(super) fn no_randomness(source: io::Error) -> Self {
        let message = "making a random key failed: the operating system gave no randomness; try again once it has \
                       started up";
        Self::new(CredentialsErrorKind::NoRandomness, message).with_source(source)
    }

    /// Says where in a file the mistake is.
    pub(super) fn in_line(self, number: usize, path: &Path) -> Self {
        self.of(format_args!("line {number} of `{}`", path.display()))
    }

    /// Says which file or variable the mistake is in.
    pub(crate) fn of(self, place: impl fmt::Display) -> Self {
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
