//! Credentials from environment variables and files.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use memory_debug_core::open_regular_file;
use memory_debug_fleet::{Unseen, unseen};
use zeroize::{Zeroize as _, Zeroizing};

use super::login::Login;
use super::watched::{Parse, WatchedFile};
use super::{Credentials, CredentialsError, CredentialsErrorKind as Kind, Logins, check_number};
use crate::auth::role::Role;
use crate::auth::secret::Secret;

const USER: &str = "MEMORY_DEBUG_USER";
const PASSWORD: &str = "MEMORY_DEBUG_PASSWORD";
const PASSWORD_FILE: &str = "MEMORY_DEBUG_PASSWORD_FILE";
const DEFAULT_USER: &str = "ops";

/// Maximum size of a file, far more than valid credentials need. It keeps a wrong path (`/dev/zero`) from
/// filling the memory.
const MAX_FILE_BYTES: usize = 8 * 1024;

impl Credentials {
    /// Reads the user from `MEMORY_DEBUG_USER` (default `ops`) and the password from `MEMORY_DEBUG_PASSWORD`
    /// or from the file named by `MEMORY_DEBUG_PASSWORD_FILE`.
    ///
    /// One line break at the end of the file is ignored. The file is read again when it changes, as with
    /// [`Credentials::from_file`].
    ///
    /// # Security
    ///
    /// Prefer the file. A password in `MEMORY_DEBUG_PASSWORD` stays in the environment block for the lifetime
    /// of the process: `/proc/PID/environ` shows it to this user and to root, every child process inherits
    /// it, and core dumps contain it. It cannot be changed without a restart either.
    ///
    /// # Errors
    ///
    /// - Neither or both variables are set.
    /// - A value cannot be read or is not UTF-8, or the file is not a regular file (or a link to one).
    /// - [`Credentials::new`] refuses the user or the password.
    pub fn from_env() -> Result<Self, CredentialsError> {
        Self::from_lookup(|name| env::var_os(name))
    }

    /// Reads a file with one login per line, `user:password`.
    ///
    /// A line `[read]` or `[profile]` sets the [`Role`] of the logins below it. The role of logins above any
    /// such line is `profile`. Blank lines are ignored.
    ///
    /// ```text
    /// ops:wD6Rz3oWnTnbCqk2
    /// [read]
    /// grafana:7BhG-rPq0_yXc41vLs9e
    /// ```
    ///
    /// The file is read again when its time, size, inode or device changes, through all links. Requests with
    /// a user and a password check for a change, at most once a second. If the changed file cannot be read or
    /// parsed, the old logins stay in force and an audit event reports the error.
    ///
    /// # Errors
    ///
    /// - The file cannot be read, is not a regular file (or a link to one) or is not UTF-8.
    /// - A line is neither a login nor a role.
    /// - There are no logins, or more than 8.
    /// - [`Credentials::new`] refuses a login.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, CredentialsError> {
        Self::watch(path.as_ref(), Box::new(|path| parse_logins(&read(path)?, path)))
    }

    /// Reads a password from a file, without the line break at its end.
    #[cfg(feature = "peers")]
    pub(crate) fn read_password(path: &Path) -> Result<Secret, CredentialsError> {
        read(path).map(|content| without_line_break(&content))
    }

    fn watch(path: &Path, parse: Parse) -> Result<Self, CredentialsError> {
        let file = WatchedFile::open(path, parse)?;
        Ok(Self::from_logins(Logins::File(Arc::new(file))))
    }

    pub(super) fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Self, CredentialsError> {
        let user = lookup(USER).map_or(Ok(DEFAULT_USER.to_owned()), |value| utf8(USER, value))?;
        match (lookup(PASSWORD), lookup(PASSWORD_FILE)) {
            (Some(password), None) => {
                let password = Secret::new(utf8(PASSWORD, password)?);
                Login::strong(&user, &password).map(Self::single).map_err(|error| with_place(error, PASSWORD))
            }
            (None, Some(path)) => {
                let parse = move |path: &Path| {
                    let login = Login::strong(&user, &without_line_break(&read(path)?));
                    Ok(vec![login.map_err(|error| with_place(error, format_args!("`{}`", path.display())))?])
                };
                Self::watch(Path::new(&path), Box::new(parse))
            }
            (Some(_), Some(_)) => {
                let message = format!("{PASSWORD} and {PASSWORD_FILE} are both set; unset one of them");
                Err(CredentialsError::new(Kind::Ambiguous, message))
            }
            (None, None) => {
                let message = format!(
                    "no password configured: neither {PASSWORD} nor {PASSWORD_FILE} is set; set one \
                     of them (`memory-debug password` or `openssl rand -base64 24` generates a password)"
                );
                Err(CredentialsError::new(Kind::Missing, message))
            }
        }
    }
}

/// Parses a file of logins. A login contains a `:` and a role line does not, so neither can be mistaken for
/// the other.
fn parse_logins(content: &Secret, path: &Path) -> Result<Vec<Login>, CredentialsError> {
    let unreadable = |message: &str| CredentialsError::new(Kind::Unreadable, message);
    let content = content.expose();
    if let Some(mark) = unseen(content).filter(|found| matches!(found, Unseen::AtBeginning('\u{feff}'))) {
        return Err(unreadable(&mark.to_string()).in_line(1, path));
    }
    let mut logins = Vec::new();
    let mut role = Role::Profile;
    for (number, line) in (1..).zip(content.lines()) {
        match (line.trim(), line.split_once(':')) {
            ("", _) => {}
            ("[read]", _) => role = Role::Read,
            ("[profile]", _) => role = Role::Profile,
            (_, Some((user, password))) => {
                let login = Login::strong(user, &Secret::new(password));
                logins.push(login.map_err(|error| error.in_line(number, path))?.with_role(role));
            }
            (_, None) => {
                let message =
                    "expected `user:password`, `[read]` or `[profile]`; correct or remove this line";
                return Err(unreadable(message).in_line(number, path));
            }
        }
    }
    if logins.is_empty() {
        let message = format!("reading `{}` found no login; add a line `user:password`", path.display());
        return Err(unreadable(&message));
    }
    check_number(logins.len())?;
    Ok(logins)
}

/// Adds the location of the mistake to the message. `place` is the location of the password.
fn with_place(error: CredentialsError, place: impl fmt::Display) -> CredentialsError {
    if matches!(error.kind(), Kind::InvalidUser) { error.at(USER) } else { error.at(place) }
}

fn utf8(name: &str, value: OsString) -> Result<String, CredentialsError> {
    value.into_string().map_err(|value| {
        value.into_encoded_bytes().zeroize();
        let message = format!("{name} is not valid UTF-8; set it again");
        CredentialsError::new(Kind::Unreadable, message)
    })
}

fn read(path: &Path) -> Result<Secret, CredentialsError> {
    let unreadable = |found: &str| {
        let path = path.display();
        let message =
            format!("reading credentials from `{path}` failed: {found}; check the path and the file");
        CredentialsError::new(Kind::Unreadable, message)
    };
    let content = read_bounded(path).map_err(|source| unreadable(&describe(&source)).with_source(source))?;
    if content.len() > MAX_FILE_BYTES {
        return Err(unreadable(&format!("it is too large (more than {MAX_FILE_BYTES} bytes)")));
    }
    std::str::from_utf8(&content).map(Secret::new).map_err(|_| {
        let is_utf16 = content.starts_with(b"\xff\xfe") || content.starts_with(b"\xfe\xff");
        unreadable(if is_utf16 { "it is UTF-16; save it as UTF-8" } else { "it is not UTF-8" })
    })
}

/// Reads at most one byte more than the limit. The buffer has its full size from the start, because a buffer
/// that grows leaves copies behind.
fn read_bounded(path: &Path) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut file = open_regular_file(path)?;
    let mut content = Zeroizing::new(vec![0; MAX_FILE_BYTES + 1]);
    let mut length = 0;
    while length < content.len() {
        match file.read(&mut content[length..]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    content.truncate(length);
    Ok(content)
}

/// The reason without the system's error number. For a file that is not regular, the reason is its type.
fn describe(error: &io::Error) -> String {
    if matches!(error.kind(), io::ErrorKind::InvalidInput) {
        error.to_string()
    } else {
        error.kind().to_string()
    }
}

fn without_line_break(content: &Secret) -> Secret {
    let text = content.expose();
    let text = text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line));
    Secret::new(text)
}
