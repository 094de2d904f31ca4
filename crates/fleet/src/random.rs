//! Randomness from the operating system.

use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// Fills `bytes` from the operating system's source of randomness.
///
/// # Errors
///
/// If the operating system has no randomness.
pub fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(|error| io::Error::other(error.to_string()))
}

/// Makes a password of 192 random bits in 32 characters that need no quoting in URLs, shells and configuration files
/// (`A-Z a-z 0-9 - _`).
///
/// # Errors
///
/// If the operating system has no randomness.
pub fn generate_password() -> io::Result<String> {
    let mut bytes = Zeroizing::new([0; 24]);
    fill_random(bytes.as_mut_slice())?;
    Ok(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}
