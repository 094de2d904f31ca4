//! The credential and the header of requests to instances.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// The header of a request from another instance. Such a request must not be forwarded again.
pub const HOP_HEADER: &str = "memory-hop";

/// The value of an `Authorization` header. Wiped on drop.
///
/// # Security
///
/// Values are compared in constant time, and `Debug` does not show them.
#[derive(Clone)]
pub struct Caller(Arc<Zeroizing<Vec<u8>>>);

impl Caller {
    /// Wraps a value as a client sent it.
    #[must_use]
    pub fn new(authorization: Vec<u8>) -> Self {
        Self(Arc::new(Zeroizing::new(authorization)))
    }

    /// Creates the value for basic authentication (RFC 7617).
    #[must_use]
    pub fn basic(user: &str, password: &str) -> Self {
        // Joined at once: text that grows leaves copies behind that are not wiped.
        let pair = Zeroizing::new([user, password].join(":"));
        let token = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        Self::new([b"Basic ", token.as_bytes()].concat())
    }

    /// Returns the secret value. The name makes each use stand out in review.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Caller {
    fn eq(&self, other: &Self) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }
}

impl Eq for Caller {}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Caller(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_debug_does_not_show_the_login() {
        let caller = Caller::basic("ops", "hunter2hunter2");
        assert_eq!(caller.expose(), b"Basic b3BzOmh1bnRlcjJodW50ZXIy");
        assert_eq!(format!("{caller:?}"), "Caller(..)");
    }

    #[test]
    fn s40_callers_with_equal_values_are_equal() {
        let caller = Caller::basic("ops", "x");
        assert_eq!(caller, Caller::new(b"Basic b3BzOng=".to_vec()));
        assert_ne!(caller, Caller::basic("ops", "y"));
    }
}
