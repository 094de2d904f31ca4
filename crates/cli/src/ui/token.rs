//! The random text that opens the page.

use std::fmt::{self, Write as _};

use subtle::ConstantTimeEq as _;

use crate::failure::Failure;

/// 128 random bits, as 32 hexadecimal digits.
#[derive(Clone)]
pub(crate) struct Token(String);

impl Token {
    /// The number of digits.
    const DIGITS: usize = 32;

    /// Makes a token.
    ///
    /// # Errors
    ///
    /// If the system has no random numbers.
    pub(crate) fn random() -> Result<Self, Failure> {
        let mut bytes = [0; Self::DIGITS / 2];
        getrandom::fill(&mut bytes)
            .map_err(|error| Failure::local(format!("the system has no random numbers: {error}")))?;
        Ok(Self::from_bytes(bytes))
    }

    fn from_bytes(bytes: [u8; Self::DIGITS / 2]) -> Self {
        let mut digits = String::with_capacity(Self::DIGITS);
        for byte in bytes {
            // Writing to a string does not fail.
            let _ = write!(digits, "{byte:02x}");
        }
        Self(digits)
    }

    /// The digits, for the address that the operator opens.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns what follows `/TOKEN` in `path`. Compares in constant time.
    pub(crate) fn after<'a>(&self, path: &'a str) -> Option<&'a str> {
        let (given, rest) = path.strip_prefix('/')?.split_at_checked(Self::DIGITS)?;
        bool::from(given.as_bytes().ct_eq(self.0.as_bytes())).then_some(rest)
    }
}

/// Does not show the digits.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s36_token_has_128_random_bits_and_no_debug() {
        let [one, other] = [Token::random().unwrap(), Token::random().unwrap()];
        assert_ne!(one.expose(), other.expose());
        assert_eq!(one.expose().len(), 32);
        assert!(one.expose().bytes().all(|digit| digit.is_ascii_hexdigit()));
        assert_eq!(format!("{one:?}"), "Token { .. }");
    }

    #[test]
    fn s36_only_the_whole_token_at_the_beginning_opens_a_path() {
        let token = Token::from_bytes([0xab; 16]);
        let digits = token.expose().to_owned();
        assert_eq!(token.after(&format!("/{digits}/debug/memory")), Some("/debug/memory"));
        assert_eq!(token.after(&format!("/{digits}")), Some(""));
        let upper = format!("/{}/x", digits.to_uppercase());
        let wrong = format!("/{}0/x", &digits[..31]);
        for path in ["", "/", "/debug/memory", &digits, &format!("//{digits}/x"), &upper, &wrong, "/\u{e9}"] {
            assert_eq!(token.after(path), None, "{path}");
        }
        assert_eq!(
            token.after(&format!("/{}é/x", &digits[..31])),
            None,
            "a character at the end of the digits"
        );
    }
}
