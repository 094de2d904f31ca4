//! The roles of logins.

/// The permissions of a login. Each role includes the permissions of the roles before it.
///
/// # Examples
///
/// ```
/// use memory_debug_endpoint::{Credentials, Role, generate_password};
///
/// let engineers = Credentials::new("ops", generate_password()?)?;
/// let dashboard = Credentials::new("grafana", generate_password()?)?.role(Role::Read);
/// let credentials = engineers.and(dashboard)?;
/// # let _ = credentials;
/// # Ok::<(), memory_debug_endpoint::CredentialsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Role {
    /// Reads pages.
    Read,
    /// Does everything, including operations that change something or cost more than a page.
    Profile,
}

impl Role {
    /// The name in credentials files and replies: `read` or `profile`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Profile => "profile",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s15_roles_have_names_and_an_order() {
        assert_eq!([Role::Read, Role::Profile].map(Role::as_str), ["read", "profile"]);
        assert!(Role::Read < Role::Profile);
    }
}
