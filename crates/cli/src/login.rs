//! Finds the user and the password. The password never comes from the command line, which other users can read.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal as _, Read, stdin};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use memory_debug_fleet::{Caller, check_login};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::input;
use crate::netrc::{self, Found, Unreadable};

const DEFAULT_USER: &str = "ops";
const PASSWORD: &str = "MEMORY_DEBUG_PASSWORD";
const PASSWORD_FILE: &str = "MEMORY_DEBUG_PASSWORD_FILE";

/// The longest password file. It keeps a mistaken path from filling the memory.
const MAX_FILE_BYTES: usize = 8 * 1024;

/// The longest `.netrc`, the same limit as in curl.
const MAX_NETRC_BYTES: usize = 128 * 1024;

/// The places that a login can come from.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoginSource {
    /// The user, if the operator named one.
    pub(crate) user: Option<String>,
    /// A file with the password.
    pub(crate) password_file: Option<PathBuf>,
    /// A file in the format of `.netrc`, instead of the usual file.
    pub(crate) netrc_file: Option<PathBuf>,
    /// The login from the prompt, which then serves for all instances.
    pub(crate) prompted: Arc<OnceLock<Login>>,
}

/// A user and a password.
#[derive(Clone)]
pub(crate) struct Login {
    user: String,
    password: Zeroizing<String>,
}

impl LoginSource {
    /// Finds the login for `host`. The first of these counts: the password file, `MEMORY_DEBUG_PASSWORD`, the file
    /// named in `MEMORY_DEBUG_PASSWORD_FILE`, `.netrc`, the prompt.
    ///
    /// # Errors
    ///
    /// If there is no login, or it cannot be read.
    pub(crate) fn login(&self, host: &str) -> Result<Login, Failure> {
        if let Some(user) = &self.user
            && user.contains(':')
        {
            return Err(Failure::usage(
                "--user contains a `:`; do not put a password on the command line, where all users of this machine \
                 can read it: use MEMORY_DEBUG_PASSWORD, --password-file, ~/.netrc or the prompt",
            ));
        }
        let user = || self.user_or_default();
        if let Some(path) = &self.password_file {
            return Login::from_file(user(), path);
        }
        if let Some(password) = env::var_os(PASSWORD) {
            let password =
                password.into_string().map_err(|_| Failure::usage(format!("{PASSWORD} is not UTF-8")))?;
            return Login::new(user(), password);
        }
        if let Some(path) = env::var_os(PASSWORD_FILE) {
            return Login::from_file(user(), Path::new(&path));
        }
        if let Some(login) = self.netrc(host)? {
            return Ok(login);
        }
        if let Some(login) = self.prompted.get() {
            return Ok(login.clone());
        }
        let login = prompt(user())?;
        Ok(self.prompted.get_or_init(|| login).clone())
    }

    /// Reads the login from `.netrc`.
    ///
    /// The usual file is skipped if it is missing or cannot be read. For a file that the operator named, that is an
    /// error. As in curl, other users may be able to read the file: other programs share it, so the owner decides on
    /// its mode.
    fn netrc(&self, host: &str) -> Result<Option<Login>, Failure> {
        let Some(path) = self.netrc_file.clone().or_else(usual_netrc) else { return Ok(None) };
        let failed = |what: String| Failure::local(format!("--netrc-file {}: {what}", path.display()));
        let content = match input::open(&path).and_then(|file| read_wiped(file, MAX_NETRC_BYTES)) {
            Ok(content) => content,
            Err(error) if self.netrc_file.is_some() => return Err(failed(error.to_string())),
            Err(_) => return Ok(None),
        };
        // The message does not show the line, which may contain a password.
        let found = netrc::find(&content, host, self.user.as_deref()).map_err(|Unreadable { line }| {
            failed(format!(
                "line {line}, in the entry for {host}, has a `\"` without an end; close the quotation"
            ))
        })?;
        let Some(Found { login, password }) = found else { return Ok(None) };
        let text = |word: &[u8]| {
            let text = std::str::from_utf8(word).map(str::to_owned);
            text.map_err(|_| failed(format!("the login for {host} is not UTF-8")))
        };
        let login = login.map(|login| text(&login)).transpose()?;
        let user = login.unwrap_or_else(|| self.user_or_default());
        Login::new(user, text(&password)?).map(Some)
    }

    fn user_or_default(&self) -> String {
        self.user.clone().unwrap_or_else(|| DEFAULT_USER.to_owned())
    }
}

/// `$NETRC`, or `~/.netrc`.
fn usual_netrc() -> Option<PathBuf> {
    let name = if cfg!(windows) { "_netrc" } else { ".netrc" };
    env::var_os("NETRC").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(name)))
}

impl Login {
    pub(crate) fn new(user: String, password: String) -> Result<Self, Failure> {
        let password = Zeroizing::new(password);
        // No service accepts a login that cannot be sent.
        check_login(&user, &password).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { user, password })
    }

    fn from_file(user: String, path: &Path) -> Result<Self, Failure> {
        let text = read(path, "--password-file")?;
        Self::new(user, text.strip_suffix('\n').unwrap_or(&text).trim_end_matches('\r').to_owned())
    }

    /// The value of the header `Authorization`.
    pub(crate) fn caller(&self) -> Caller {
        Caller::basic(&self.user, &self.password)
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }
}

/// Shows no password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

/// Reads a password file, unless other users of this machine can read it.
fn read(path: &Path, option: &str) -> Result<Zeroizing<String>, Failure> {
    let failed = |what: String| Failure::local(format!("{option} {}: {what}", path.display()));
    let file = input::open(path).map_err(|error| failed(error.to_string()))?;
    require_private(&file).map_err(failed)?;
    let content = read_wiped(file, MAX_FILE_BYTES).map_err(|error| failed(error.to_string()))?;
    let text = std::str::from_utf8(&content).map_err(|_| failed("is not UTF-8".to_owned()))?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// Reads a file of at most `max_bytes` into a buffer that is wiped. The buffer has its full size from the start,
/// because a growing buffer leaves copies behind that are not wiped.
fn read_wiped(file: impl Read, max_bytes: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut content = Zeroizing::new(Vec::with_capacity(max_bytes + 1));
    file.take(max_bytes as u64 + 1).read_to_end(&mut content)?;
    if content.len() > max_bytes {
        let what = format!("is longer than {max_bytes} bytes, so it is probably the wrong file");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
    }
    Ok(content)
}

#[cfg(unix)]
fn require_private(file: &File) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata().map_err(|error| error.to_string())?.permissions().mode();
    if mode & 0o007 == 0 {
        return Ok(());
    }
    Err(format!(
        "other users of this machine can access it (mode {:03o}); run `chmod 600` on it",
        mode & 0o777
    ))
}

#[cfg(not(unix))]
fn require_private(_file: &File) -> Result<(), String> {
    Ok(())
}

fn prompt(user: String) -> Result<Login, Failure> {
    if !stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "no password for {user}, and no terminal to ask for it; set {PASSWORD} or {PASSWORD_FILE}, give \
             --password-file, or add the host to ~/.netrc"
        )));
    }
    let password = rpassword::prompt_password(format!("password of {user}: "));
    Login::new(
        user,
        password.map_err(|error| {
            Failure::local(format!("cannot read the password from the terminal: {error}"))
        })?,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_debug_of_a_login_shows_no_password() {
        let login = Login::new("ops".into(), "s3cret-s3cret".into()).unwrap();
        assert_eq!(format!("{login:?}"), "Login { user: \"ops\", .. }");
        assert_eq!(login.caller().expose(), b"Basic b3BzOnMzY3JldC1zM2NyZXQ=");
    }

    #[test]
    fn rejects_password_on_the_command_line_without_repeating_it() {
        let source = LoginSource { user: Some("ops:s3cret".into()), ..LoginSource::default() };
        let failure = source.login("host").unwrap_err();
        assert!(failure.to_string().contains("all users of this machine"), "{failure}");
        assert!(!failure.to_string().contains("s3cret"), "{failure}");
    }

    #[test]
    fn rejects_login_that_would_end_the_header_early() {
        for password in ["", "a\r\nX: y", "a\0"] {
            assert!(Login::new("ops".into(), password.into()).is_err(), "{password:?}");
        }
        assert!(Login::new("o:ps".into(), "x".into()).is_err());
    }

    #[test]
    fn s16_password_is_read_into_a_buffer_that_does_not_grow() {
        /// Reads one byte at a time.
        struct Slow(io::Repeat, usize);

        impl Read for Slow {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                let length = buffer.len().min(self.1).min(1);
                self.1 -= length;
                self.0.read(&mut buffer[..length])
            }
        }

        for length in [0, 1, MAX_FILE_BYTES - 1, MAX_FILE_BYTES] {
            let content = read_wiped(Slow(io::repeat(b'x'), length), MAX_FILE_BYTES).unwrap();
            assert_eq!((content.len(), content.capacity()), (length, MAX_FILE_BYTES + 1));
        }
        for length in [MAX_FILE_BYTES + 1, 3 * MAX_FILE_BYTES] {
            let error = read_wiped(Slow(io::repeat(b'x'), length), MAX_FILE_BYTES).unwrap_err();
            assert!(error.to_string().contains("is longer than 8192 bytes"), "{error}");
        }
    }

    #[test]
    #[cfg(unix)]
    fn password_file_must_be_private_short_text() {
        use std::os::unix::fs::PermissionsExt as _;

        let path = env::temp_dir().join(format!("memory-debug-login-{}", std::process::id()));
        let login = |content: &[u8], mode| {
            std::fs::write(&path, content).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            Login::from_file("ops".into(), &path)
        };
        let longest = "x".repeat(MAX_FILE_BYTES);
        for (content, password) in [("s3cret", "s3cret"), ("s3cret\r\n", "s3cret")] {
            assert_eq!(*login(content.as_bytes(), 0o600).unwrap().password, password);
        }
        for (content, mode, why) in [
            (longest.as_bytes(), 0o604, "other users of this machine can access it (mode 604)"),
            (&[longest.as_bytes(), b"x"].concat(), 0o600, "is longer than 8192 bytes"),
            (b"s3cret\xff", 0o600, "is not UTF-8"),
            (longest.as_bytes(), 0o600, "together they exceed 1023 bytes"),
            (b"\n", 0o600, "password refused: it is empty or blank"),
            (b"s3cret \n", 0o600, "password refused: it ends with a space (U+0020)"),
            (b"\xef\xbb\xbfs3cret\n", 0o600, "password refused: it begins with a byte order mark (U+FEFF)"),
            (b"s3cret\n\n", 0o600, "password refused: it ends with a line break (U+000A)"),
        ] {
            let failure = login(content, mode).unwrap_err().to_string();
            assert!(failure.contains(why) && !failure.contains("s3cret"), "{failure}");
        }
        std::fs::remove_file(&path).unwrap();
    }
}
