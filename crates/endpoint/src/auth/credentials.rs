//! Who may ask: user names and passwords, kept as digests.

mod ends;
mod error;
mod login;
mod source;
#[cfg(test)]
mod tests;
mod watched;

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use self::error::CredentialsErrorKind as Kind;
pub use self::error::{CredentialsError, CredentialsErrorKind};
use self::login::Login;
pub(crate) use self::login::MAX_PAIR_BYTES;
use self::watched::WatchedFile;
use crate::auth::role::Role;
use crate::auth::secret::Secret;
use crate::auth::swap::Swap;

/// Most logins that are accepted at once: each costs two digests for each request that carries a password.
const MAX_LOGINS: usize = 8;

/// The user names and passwords that open the endpoint.
///
/// A password itself is wiped as soon as its digest (HMAC-SHA256 under a random key) is made. Clones share the logins,
/// also when these are [replaced](Self::replace). There is no `Default`: an endpoint without a password does not
/// exist.
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
pub struct Credentials(Arc<Swap<Vec<Source>>>);

/// Where some of the logins come from, and the most that they may do.
#[derive(Clone)]
struct Source {
    logins: Logins,
    most: Role,
}

#[derive(Clone)]
enum Logins {
    Fixed(Arc<Vec<Login>>),
    File(Arc<WatchedFile>),
}

impl Credentials {
    /// Credentials with a password that is not easily guessed, and [`Role::Profile`].
    ///
    /// User and password are compared byte by byte as UTF-8, without Unicode normalisation.
    ///
    /// # Errors
    ///
    /// If the user is empty, blank or has a `:` or a control character; if the password is empty, blank, has a
    /// control character, has fewer than 16 characters or is obviously weak; if one of them begins or ends with a
    /// blank or another character that people do not see.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Result<Self, CredentialsError> {
        Login::strong(&user.into(), &Secret::new(password)).map(Self::of)
    }

    /// Credentials with any password that basic authentication can carry, however weak.
    ///
    /// # Security
    ///
    /// For development machines. Whoever guesses the password learns the inner structure of the service. Guesses are
    /// slowed: each address has five, and one more every ten seconds, and with it all logins of the endpoint.
    ///
    /// # Errors
    ///
    /// If user or password is empty, blank, has a control character, or begins or ends with a character that people do
    /// not see; or if the user has a `:`.
    pub fn allow_weak(
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        Login::any(&user.into(), &Secret::new(password)).map(Self::of)
    }

    /// The same logins, none of which may do more than `role`.
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        let sources = self.0.load();
        let limited = sources.iter().cloned().map(|source| Source { most: source.most.min(role), ..source });
        Self::from_sources(limited.collect())
    }

    /// The logins of both, for example the old password and the new one while clients change over. Each request is
    /// checked against all of them, so that the time it takes does not tell which is right. What
    /// [`replace`](Self::replace) later does to one of the two does not show in the result.
    ///
    /// # Errors
    ///
    /// If there are more than 8 logins.
    pub fn and(self, other: Self) -> Result<Self, CredentialsError> {
        let sources: Vec<_> = [self, other].iter().flat_map(|part| part.0.load().to_vec()).collect();
        check_number(sources.iter().map(|source| source.logins().len()).sum())?;
        Ok(Self::from_sources(sources))
    }

    /// Puts the logins of `new` in the place of these, here and in all clones, the ones in endpoints included. Requests
    /// that come from now on are checked against the new ones only.
    ///
    /// # Examples
    ///
    /// ```
    /// use memory_debug_endpoint::{Credentials, Endpoint, generate_password};
    ///
    /// let credentials = Credentials::new("ops", generate_password()?)?;
    /// let endpoint = Endpoint::new(credentials.clone());
    /// // Later, when the password has to change:
    /// credentials.replace(Credentials::new("ops", generate_password()?)?);
    /// # let _ = endpoint;
    /// # Ok::<(), memory_debug_endpoint::CredentialsError>(())
    /// ```
    pub fn replace(&self, new: Self) {
        self.0.store(new.0.load());
    }

    fn of(login: Login) -> Self {
        Self::from_logins(Logins::Fixed(Arc::new(vec![login])))
    }

    fn from_logins(logins: Logins) -> Self {
        Self::from_sources(vec![Source { logins, most: Role::Profile }])
    }

    fn from_sources(sources: Vec<Source>) -> Self {
        Self(Arc::new(Swap::new(Arc::new(sources))))
    }

    /// Reads files again that have changed, which it looks for once a second at most.
    pub(crate) fn refresh(&self, now: Instant) {
        for source in self.0.load().iter() {
            if let Logins::File(file) = &source.logins {
                file.refresh(now);
            }
        }
    }

    /// Whether a login has a weak password, so that guesses have to be slowed: which login somebody guesses at is only
    /// known when it is too late for that.
    pub(crate) fn can_be_guessed(&self) -> bool {
        self.0.load().iter().any(|source| source.logins().iter().any(|login| login.is_weak))
    }

    /// The user and what they may do, if user and password are those of a login. Checks all logins whatever it finds,
    /// and takes the same time whichever of the two is wrong.
    pub(crate) fn verify(&self, user: &[u8], password: &[u8]) -> Option<(Arc<str>, Role)> {
        let mut found = None;
        for source in self.0.load().iter() {
            for login in source.logins().iter() {
                if bool::from(login.is(user, password)) {
                    found = Some((Arc::clone(&login.user), login.role.min(source.most)));
                }
            }
        }
        found
    }

    /// Whether a login has this password, whoever's it is.
    #[cfg(feature = "peers")]
    pub(crate) fn have_password(&self, password: &[u8]) -> bool {
        let sources = self.0.load();
        let mut logins = sources.iter().flat_map(|source| source.logins().to_vec());
        logins.any(|login| login.has_password(password).into())
    }
}

impl Source {
    fn logins(&self) -> Arc<Vec<Login>> {
        match &self.logins {
            Logins::Fixed(logins) => Arc::clone(logins),
            Logins::File(file) => file.logins(),
        }
    }
}

/// Shows the users and nothing of the passwords.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logins = self.0.load().iter().flat_map(|source| source.logins().to_vec()).collect::<Vec<_>>();
        let users: Vec<_> = logins.iter().map(|login| &*login.user).collect();
        f.debug_struct("Credentials").field("users", &users).finish_non_exhaustive()
    }
}

fn check_number(logins: usize) -> Result<(), CredentialsError> {
    if logins <= MAX_LOGINS {
        return Ok(());
    }
    let message =
        format!("{logins} logins refused: there may be {MAX_LOGINS}; remove those that nobody uses");
    Err(CredentialsError::new(Kind::TooMany, message))
}

/// A fresh password of 192 random bits in 32 characters that need no quoting in URLs, shells and configuration
/// files (`A-Z a-z 0-9 - _`).
///
/// # Errors
///
/// When the operating system has no randomness to give.
pub fn generate_password() -> Result<String, CredentialsError> {
    memory_debug_fleet::generate_password().map_err(CredentialsError::no_randomness)
}
