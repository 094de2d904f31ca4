//! The one user of all tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memory_debug_tower::Credentials;

/// The user's name.
pub const USER: &str = "ops";

/// The user's password, which may appear nowhere.
pub const PASSWORD: &str = "jumbled-otters-sip-cold-tea";

/// What the service under test accepts.
pub fn credentials() -> Credentials {
    Credentials::new(USER, PASSWORD).unwrap()
}

/// The value of the header that proves to be [`USER`].
pub fn authorization() -> String {
    basic(format!("{USER}:{PASSWORD}"))
}

/// The value of an `Authorization` header with any `user:password`.
pub fn basic(pair: impl AsRef<[u8]>) -> String {
    format!("Basic {}", STANDARD.encode(pair))
}
