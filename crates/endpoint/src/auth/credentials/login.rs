//! One user name with its password, kept as digests.

use std::sync::Arc;

use memory_debug_fleet::{LoginErrorKind, check_login};
use subtle::{Choice, ConstantTimeEq as _};

use super::error::{CredentialsError, CredentialsErrorKind as Kind};
use crate::auth::digest::{Field, Key, Tag};
use crate::auth::role::Role;
use crate::auth::secret::{Secret, wiping_the_stack};
use crate::auth::strength::weakness;

/// A user, a password and a role. Clones share the digests.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: Arc<str>,
    pub(super) role: Role,
    /// Whether the password is weak.
    pub(super) is_weak: bool,
    digests: Arc<Digests>,
}

struct Digests {
    key: Key,
    user: Tag,
    password: Tag,
}

impl Login {
    /// Creates a login whose password must not be weak.
    pub(super) fn strong(user: &str, password: &Secret) -> Result<Self, CredentialsError> {
        // Checked first, because a password that cannot be sent is the better reason.
        check_sendable(user, password)?;
        match weakness(password.expose()) {
            Some(weakness) => Err(CredentialsError::weak(weakness)),
            None => Self::any(user, password),
        }
    }

    /// Creates a login with any password that basic authentication can carry.
    pub(super) fn any(user: &str, password: &Secret) -> Result<Self, CredentialsError> {
        wiping_the_stack(|| Self::digested(user, password))
    }

    fn digested(user: &str, password: &Secret) -> Result<Self, CredentialsError> {
        check_sendable(user, password)?;
        let key = Key::random().map_err(CredentialsError::no_randomness)?;
        let digests = Digests {
            user: key.tag(Field::User, user.as_bytes()),
            password: key.tag(Field::Password, password.expose().as_bytes()),
            key,
        };
        let is_weak = weakness(password.expose()).is_some();
        Ok(Self { user: user.into(), role: Role::Profile, is_weak, digests: Arc::new(digests) })
    }

    pub(super) fn with_role(self, role: Role) -> Self {
        Self { role, ..self }
    }

    /// Whether user and password are both right. Takes the same time whether the user or the password is wrong.
    pub(super) fn is(&self, user: &[u8], password: &[u8]) -> Choice {
        let Digests { key, user: user_tag, .. } = &*self.digests;
        key.tag(Field::User, user).ct_eq(user_tag) & self.has_password(password)
    }

    pub(super) fn has_password(&self, password: &[u8]) -> Choice {
        let Digests { key, password: password_tag, .. } = &*self.digests;
        key.tag(Field::Password, password).ct_eq(password_tag)
    }
}

fn check_sendable(user: &str, password: &Secret) -> Result<(), CredentialsError> {
    check_login(user, password.expose()).map_err(|error| {
        let kind = match error.kind() {
            LoginErrorKind::User => Kind::InvalidUser,
            LoginErrorKind::TooLong => Kind::TooLong,
            _ => Kind::InvalidPassword,
        };
        CredentialsError::new(kind, error.to_string())
    })
}
