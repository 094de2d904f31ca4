//! User names and passwords that open the endpoint, kept as digests.

mod error;
mod login;
#[cfg(all(test, memory_debug_loom))]
mod models;
mod source;
#[cfg(test)]
mod tests;
mod watched;

use std::sync::{Arc, PoisonError};
use std::time::Instant;
use std::{fmt, mem};

pub(crate) use memory_debug_fleet::MAX_PAIR_BYTES;

use self::error::CredentialsErrorKind as Kind;
pub use self::error::{CredentialsError, CredentialsErrorKind};
use self::login::Login;
use self::watched::WatchedFile;
use crate::auth::role::Role;
use crate::auth::secret::Secret;
use crate::sync::RwLock;

/// The maximum number of logins. Each one costs two digests for every request that carries a password.
const MAX_LOGINS: usize = 8;

/// The user names and passwords that open the endpoint.
///
/// Each password is wiped as soon as its digest (HMAC-SHA256 under a random key) is made. Clones share the
/// logins, even after they are [replaced](Self::replace). There is no `Default`: an endpoint must have a
/// password.
///
/// # Security
///
/// Basic authentication sends the password with every request. Put TLS in front, and use this password
/// nowhere else.
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
pub struct Credentials(Arc<RwLock<Arc<Vec<Source>>>>);

/// A source of logins, and the highest role that they can have.
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
    /// Creates credentials with one login of [`Role::Profile`], whose password must not be weak.
    ///
    /// User and password are compared byte by byte as UTF-8, without Unicode normalisation. Generate the
    /// password, for example with [`generate_password`]: a long password made of common words is not
    /// recognised as weak.
    ///
    /// # Errors
    ///
    /// - The user is empty or blank, or contains a `:` or a control character.
    /// - The password is empty or blank, or contains a control character.
    /// - User or password begins or ends with whitespace or an invisible character.
    /// - The password is weak: it has fewer than 16 characters or fewer than 6 different characters, repeats a shorter
    ///   text, or is mostly a sequence such as `1234`.
    pub fn new(user: impl Into<String>, password: impl Into<String>) -> Result<Self, CredentialsError> {
        Login::strong(&user.into(), &Secret::new(password)).map(Self::single)
    }

    /// Creates credentials with one login, whose password can be weak.
    ///
    /// # Security
    ///
    /// Use it only on development machines: anyone who guesses the password can inspect the service. Guesses are
    /// limited to five per address, plus one more every ten seconds. The limit then applies to all logins of
    /// the endpoint.
    ///
    /// # Errors
    ///
    /// - The user or the password is empty or blank, or contains a control character.
    /// - The user or the password begins or ends with whitespace or an invisible character.
    /// - The user contains a `:`.
    pub fn allow_weak(
        user: impl Into<String>,
        password: impl Into<String>,
    ) -> Result<Self, CredentialsError> {
        Login::any(&user.into(), &Secret::new(password)).map(Self::single)
    }

    /// Lowers the role of all these logins to at most `role`.
    #[must_use]
    pub fn role(self, role: Role) -> Self {
        let sources = self.sources();
        let limited = sources.iter().cloned().map(|source| Source { most: source.most.min(role), ..source });
        Self::from_sources(limited.collect())
    }

    /// Combines two sets of logins, for example the old and the new password while clients change over.
    ///
    /// Each request is checked against all logins, so the time it takes does not reveal which one is right.
    /// Later calls of [`replace`](Self::replace) on either part do not affect the result.
    ///
    /// # Errors
    ///
    /// If there are more than 8 logins.
    pub fn and(self, other: Self) -> Result<Self, CredentialsError> {
        let sources: Vec<_> = [self, other].iter().flat_map(|part| part.sources().to_vec()).collect();
        check_number(sources.iter().map(|source| source.logins().len()).sum())?;
        Ok(Self::from_sources(sources))
    }

    /// Replaces these logins with the logins of `new`, in all clones, including clones inside endpoints.
    /// Every later request is checked against the new logins only.
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
        let sources = new.sources();
        // The old logins are dropped after the lock is released, because wiping them takes time.
        let _old = mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), sources);
    }

    fn single(login: Login) -> Self {
        Self::from_logins(Logins::Fixed(Arc::new(vec![login])))
    }

    fn from_logins(logins: Logins) -> Self {
        Self::from_sources(vec![Source { logins, most: Role::Profile }])
    }

    fn from_sources(sources: Vec<Source>) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(sources))))
    }

    /// The current sources. The caller can keep using them after they are replaced.
    fn sources(&self) -> Arc<Vec<Source>> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reloads the files that have changed. Looks for changes at most once a second.
    pub(crate) fn refresh(&self, now: Instant) {
        for source in self.sources().iter() {
            if let Logins::File(file) = &source.logins {
                file.refresh(now);
            }
        }
    }

    /// Whether any login has a weak password, so that guesses must be limited. The limit cannot depend on the
    /// login that is guessed at: that is known only after the password has been checked.
    pub(crate) fn can_be_guessed(&self) -> bool {
        self.sources().iter().any(|source| source.logins().iter().any(|login| login.is_weak))
    }

    /// Returns the user and role of the login with this user and password. Checks all logins in any case, and
    /// takes the same time whether the user or the password is wrong.
    pub(crate) fn verify(&self, user: &[u8], password: &[u8]) -> Option<(Arc<str>, Role)> {
        let mut found = None;
        for source in self.sources().iter() {
            for login in source.logins().iter() {
                if bool::from(login.is(user, password)) {
                    found = Some((Arc::clone(&login.user), login.role.min(source.most)));
                }
            }
        }
        found
    }

    /// Whether any login has this password, regardless of the user.
    #[cfg(feature = "peers")]
    pub(crate) fn have_password(&self, password: &[u8]) -> bool {
        let sources = self.sources();
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

/// Shows the users, but not the passwords.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let logins = self.sources().iter().flat_map(|source| source.logins().to_vec()).collect::<Vec<_>>();
        let users: Vec<_> = logins.iter().map(|login| &*login.user).collect();
        f.debug_struct("Credentials").field("users", &users).finish_non_exhaustive()
    }
}

fn check_number(logins: usize) -> Result<(), CredentialsError> {
    if logins <= MAX_LOGINS {
        return Ok(());
    }
    let message =
        format!("{logins} logins refused: the limit is {MAX_LOGINS}; remove logins that are no longer used");
    Err(CredentialsError::new(Kind::TooMany, message))
}

/// Generates a password of 192 random bits: 32 characters (`A-Z a-z 0-9 - _`) that need no quoting in URLs,
/// shells and configuration files.
///
/// # Errors
///
/// If the operating system provides no random numbers.
pub fn generate_password() -> Result<String, CredentialsError> {
    memory_debug_fleet::generate_password().map_err(CredentialsError::no_randomness)
}
