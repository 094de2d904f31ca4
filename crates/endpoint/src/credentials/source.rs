//! Credentials from where deployments keep them: environment variables and files.

use std::env;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::{Credentials, CredentialsError, CredentialsErrorKind as Kind};
use crate::secret::Secret;

const USER: &str = "MEMORY_DEBUG_USER";
const PASSWORD: &str = "MEMORY_DEBUG_PASSWORD";
const PASSWORD_FILE: &str = "MEMORY_DEBUG_PASSWORD_FILE";
const DEFAULT_USER: &str = "ops";

/// Far more than valid credentials need; keeps a mistaken path (`/dev/zero`) from filling the memory.
const MAX_FILE_BYTES: u16 = 8 * 1024;

impl Credentials {
    /// Reads `MEMORY_DEBUG_USER` (`ops` if unset) and either `MEMORY_DEBUG_PASSWORD` or the file that
    /// `MEMORY_DEBUG_PASSWORD_FILE` names, without the line break at its end.
    ///
    /// # Errors
    ///
    /// If neither or both are set, if one cannot be read or is not UTF-8, and as [`Credentials::new`].
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from_lookup(|name| env::var_os(name))
    }

    /// Reads the first line of a file, `user:password`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, is not UTF-8 or its first line has no `:`, and as [`Credentials::new`].
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        let path = path.as_ref();
        let content = read(path)?;
        let line = content.expose().lines().next().unwrap_or_default();
        let Some((user, password)) = line.split_once(':') else {
            let message = format!(
                "reading `{}` found no `:` in its first line; write `user:password` there",
                path.display()
            );
            return Err(CredentialsError::new(Kind::Unreadable, message));
        };
        Self::strong(user.to_owned(), Secret::new(password))
    }

    pub(super) fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, CredentialsError> {
        let user = lookup(USER).map_or(Ok(DEFAULT_USER.to_owned()), |value| utf8(USER, value))?;
        let password = match (lookup(PASSWORD), lookup(PASSWORD_FILE)) {
            (Some(password), None) => Secret::new(utf8(PASSWORD, password)?),
            (None, Some(path)) => without_line_break(&read(Path::new(&path))?),
            (Some(_), Some(_)) => {
                let message = format!("{PASSWORD} and {PASSWORD_FILE} are both set; unset one of them");
                return Err(CredentialsError::new(Kind::Ambiguous, message));
            }
            (None, None) => {
                let message = format!(
                    "no password found: neither {PASSWORD} nor {PASSWORD_FILE} is set; set one, \
                     `memory-debug password` or `openssl rand -base64 24` makes a good password"
                );
                return Err(CredentialsError::new(Kind::Missing, message));
            }
        };
        Self::strong(user, password)
    }
}

fn utf8(name: &str, value: OsString) -> Result<String, CredentialsError> {
    value.into_string().map_err(|_| {
        CredentialsError::new(
            Kind::Unreadable,
            format!("reading {name} found bytes that are not UTF-8; set it anew"),
        )
    })
}

fn read(path: &Path) -> Result<Secret, CredentialsError> {
    let unreadable = |found: &str| {
        CredentialsError::new(
            Kind::Unreadable,
            format!(
                "reading credentials from `{}` failed: {found}; check the path and the file",
                path.display()
            ),
        )
    };
    // Room for a whole file at once: a growing buffer would leave unwiped copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(usize::from(MAX_FILE_BYTES) + 1));
    File::open(path)
        .and_then(|file| file.take(u64::from(MAX_FILE_BYTES) + 1).read_to_end(&mut content))
        .map_err(|source: io::Error| unreadable(&source.kind().to_string()).with_source(source))?;
    if content.len() > usize::from(MAX_FILE_BYTES) {
        return Err(unreadable("it is too large"));
    }
    std::str::from_utf8(&content).map(Secret::new).map_err(|_| unreadable("it is not UTF-8"))
}

fn without_line_break(content: &Secret) -> Secret {
    let text = content.expose();
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Secret::new(text)
}
