//! The check that a login can be sent with basic authentication.

use std::error::Error;
use std::fmt;

use crate::unseen::unseen;

/// Maximum length of `user:password` in a request, in bytes.
pub const MAX_PAIR_BYTES: usize = 1024;

/// A login that cannot be sent. The message says what to change, and does not contain the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginError {
    kind: LoginErrorKind,
    message: String,
}

/// The reason why a login cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LoginErrorKind {
    /// The user name is empty, blank, contains a `:` or a control character, or has an invisible character at an end.
    User,
    /// The password is empty, blank, contains a control character, or has an invisible character at an end.
    Password,
    /// User name and password together are too long.
    TooLong,
}

/// Checks that a login can be sent with basic authentication (RFC 7617).
///
/// # Errors
///
/// If the login cannot be sent.
pub fn check_login(user: &str, password: &str) -> Result<(), LoginError> {
    let refused = |kind, message: &str| Err(LoginError { kind, message: message.to_owned() });
    if user.trim().is_empty() {
        refused(LoginErrorKind::User, "user name refused: it is empty or blank; set one, for example `ops`")
    } else if user.contains(':') {
        refused(
            LoginErrorKind::User,
            "user name refused: it contains a `:`, which basic authentication cannot carry; remove it",
        )
    } else if let Some(unseen) = unseen(user) {
        refused(LoginErrorKind::User, &format!("user name refused: {unseen}"))
    } else if user.contains(char::is_control) {
        refused(LoginErrorKind::User, "user name refused: it contains a control character; remove it")
    } else if password.trim().is_empty() {
        refused(
            LoginErrorKind::Password,
            "password refused: it is empty or blank; generate one with `memory-debug password` or \
             `openssl rand -base64 24`",
        )
    } else if let Some(unseen) = unseen(password) {
        refused(LoginErrorKind::Password, &format!("password refused: {unseen}"))
    } else if password.contains(char::is_control) {
        refused(
            LoginErrorKind::Password,
            "password refused: it contains a control character, perhaps a line break; remove it",
        )
    } else if user.len() + 1 + password.len() > MAX_PAIR_BYTES {
        let most = MAX_PAIR_BYTES - 1;
        let message =
            format!("user name and password refused: together they exceed {most} bytes; shorten them");
        Err(LoginError { kind: LoginErrorKind::TooLong, message })
    } else {
        Ok(())
    }
}

impl LoginError {
    /// The reason, to match on.
    pub fn kind(&self) -> LoginErrorKind {
        self.kind
    }
}

impl fmt::Display for LoginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for LoginError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_a_login_that_cannot_be_sent_is_refused_with_the_reason() {
        let longest = "p".repeat(MAX_PAIR_BYTES - 2);
        for (user, password, kind) in [
            ("ops", "x", None),
            ("u", &*longest, None),
            ("", "x", Some(LoginErrorKind::User)),
            ("a:b", "x", Some(LoginErrorKind::User)),
            ("ops ", "x", Some(LoginErrorKind::User)),
            ("o\u{7}s", "x", Some(LoginErrorKind::User)),
            ("ops", "", Some(LoginErrorKind::Password)),
            ("ops", "x\n", Some(LoginErrorKind::Password)),
            ("ops", "x\ny", Some(LoginErrorKind::Password)),
            ("us", &*longest, Some(LoginErrorKind::TooLong)),
        ] {
            let refused = check_login(user, password).err().map(|error| error.kind());
            assert_eq!(refused, kind, "{user} {password}");
        }
    }
}
