//! Who may ask: one user name and one password, kept as digests.

mod error;
mod source;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use self::error::CredentialsErrorKind as Kind;
pub use self::error::{CredentialsError, CredentialsErrorKind};
use crate::digest::{Field, Key, Tag, fill_random};
use crate::secret::Secret;
use crate::strength::weakness;

/// Longest `user:password` in bytes that a request may send.
pub(crate) const MAX_PAIR_BYTES: usize = 1024;

/// The user name and password that open the endpoint.
///
/// The password itself is wiped as soon as its digest (HMAC-SHA256 under a random key) is made. Clones share the
/// digests. There is no `Default`: an endpoint without a password does not exist.
///
/// # Security
///
/// Basic authentication sends the password with every request, so put TLS in front, and use a password of its own.
///
/// # Examples
///
/// ```
/// use memory_debug_endpoint::{Credentials, CredentialsErrorKind, generate_password};
///
/// let credentials = Credentials::new("ops", generate_password()?)?;
/// assert!(format!("{credentials:?}").contains("ops"));
///
/// let refused = Credentials::new("admin", "admin").unwrap_err();
/// assert_eq!(refused.kind(), CredentialsErrorKind::WeakPassword);
/// # Ok::<(), memory_debug_endpoint::CredentialsError>(())
/// ```
#[derive(Clone)]
pub struct Credentials(Arc<Pair>);

struct Pair {
    user: Arc<str>,
    key: Key,
    user_tag: Tag,
    password_tag: Tag,
}

impl Credentials {
    /// Credentials with a password that is not easily guessed.
    ///
    /// User and password are compared byte by byte as UTF-8, without Unicode normalisation.
    ///
    /// # Errors
    ///
    /// If the user is empty, blank or has a `:` or a control character; if the password is empty, blank, has a
    /// control character, has fewer than 16 characters or is obviously weak.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Result<Self, CredentialsError> {
        Self::strong(user.into(), Secret::new(password))
    }

    /// Credentials with any password that basic authentication can carry, however weak.
    ///
    /// # Security
    ///
    /// For development machines. Whoever guesses the password learns the inner structure of the service.
    ///
    /// # Errors
    ///
    /// If user or password is empty, blank or has a control character, or the user has a `:`.
    pub fn allow_weak(
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        Self::any(user.into(), Secret::new(password))
    }

    fn strong(user: String, password: Secret) -> Result<Self, CredentialsError> {
        // What cannot be sent at all is the better reason, so it is looked for first.
        check_sendable(&user, &password)?;
        match weakness(&user, password.expose()) {
            Some(weakness) => Err(CredentialsError::weak(weakness)),
            None => Self::any(user, password),
        }
    }

    fn any(user: String, password: Secret) -> Result<Self, CredentialsError> {
        check_sendable(&user, &password)?;
        let key = Key::random().map_err(no_randomness)?;
        let user_tag = key.tag(Field::User, user.as_bytes());
        let password_tag = key.tag(Field::Password, password.expose().as_bytes());
        Ok(Self(Arc::new(Pair { user: user.into(), key, user_tag, password_tag })))
    }

    /// The user, if both are right. Takes the same time whichever is wrong.
    pub(crate) fn verify(&self, user: &[u8], password: &[u8]) -> Option<Arc<str>> {
        let Pair { key, user_tag, password_tag, user: name } = &*self.0;
        let user_is_right = key.tag(Field::User, user).ct_eq(user_tag);
        let password_is_right = key.tag(Field::Password, password).ct_eq(password_tag);
        bool::from(user_is_right & password_is_right).then(|| Arc::clone(name))
    }
}

/// Shows the user and nothing of the password.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("user", &self.0.user).finish_non_exhaustive()
    }
}

/// A fresh password of 192 random bits in 32 characters that need no quoting in URLs, shells and configuration
/// files (`A-Z a-z 0-9 - _`).
///
/// # Errors
///
/// When the operating system has no randomness to give.
pub fn generate_password() -> Result<String, CredentialsError> {
    let mut bytes = Zeroizing::new([0; 24]);
    fill_random(bytes.as_mut_slice()).map_err(no_randomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

fn check_sendable(user: &str, password: &Secret) -> Result<(), CredentialsError> {
    let password = password.expose();
    let refused = |kind, message: &str| Err(CredentialsError::new(kind, message));
    if user.trim().is_empty() {
        refused(Kind::InvalidUser, "user refused: it is empty or blank; name one, for example `ops`")
    } else if user.contains(':') {
        refused(
            Kind::InvalidUser,
            "user refused: it has a `:`, which basic authentication cannot carry; remove it",
        )
    } else if user.contains(char::is_control) {
        refused(Kind::InvalidUser, "user refused: it has a control character; remove it")
    } else if password.trim().is_empty() {
        refused(
            Kind::InvalidPassword,
            "password refused: it is empty or blank; `memory-debug password` or `openssl rand -base64 24` makes a \
             good one",
        )
    } else if password.contains(char::is_control) {
        refused(
            Kind::InvalidPassword,
            "password refused: it has a control character, perhaps a line break; remove it",
        )
    } else if user.len() + 1 + password.len() > MAX_PAIR_BYTES {
        Err(CredentialsError::new(
            Kind::TooLong,
            format!(
                "user and password refused: together they exceed {} bytes; shorten them",
                MAX_PAIR_BYTES - 1
            ),
        ))
    } else {
        Ok(())
    }
}

fn no_randomness(source: std::io::Error) -> CredentialsError {
    CredentialsError::new(
        Kind::NoRandomness,
        "making a random key failed: the operating system gave no randomness; try again once it has started up",
    )
    .with_source(source)
}
