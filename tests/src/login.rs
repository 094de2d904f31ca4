//! The login of all tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory_debug_tower::Credentials;

/// The user's name.
pub const USER: &str = "ops";

/// The user's password, which must not appear in any output.
pub const PASSWORD: &str = "jumbled-otters-sip-cold-tea";

/// The credentials of the service under test.
pub fn credentials() -> Credentials {
    Credentials::new(USER, PASSWORD).unwrap()
}

/// The value of the `Authorization` header of [`USER`].
pub fn authorization() -> String {
    basic(format!("{USER}:{PASSWORD}"))
}

/// The value of an `Authorization` header with any `user:password`.
pub fn basic(pair: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}
