#[cfg(unix)]
mod files;
#[cfg(target_os = "linux")]
mod memory;
#[cfg(unix)]
mod rotation;

use base64::Engine as _;
use std::error::Error as _;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::auth::authenticate::authenticate;

const GOOD: &str = "9vKq3x-PzL7_mT2wRb4y";

type Constructor = fn(&'static str, &'static str) -> Result<Credentials, CredentialsError>;
const CONSTRUCTORS: [Constructor; 2] = [Credentials::new, Credentials::allow_weak];

fn kind(result: Result<Credentials, CredentialsError>) -> Kind {
    result.unwrap_err().kind()
}

fn accepts(credentials: &Credentials, user: &str, password: &str) -> bool {
    credentials.verify(user.as_bytes(), password.as_bytes()).is_some()
}

/// A temporary file for one test, removed on drop.
struct TestFile(PathBuf);

impl TestFile {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("memory-debug-endpoint-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for TestFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn from_vars(vars: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
    Credentials::from_lookup(|name| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
}

#[test]
fn s01_empty_and_blank_parts_are_refused_even_by_allow_weak() {
    for make in CONSTRUCTORS {
        assert_eq!(kind(make("", GOOD)), Kind::InvalidUser);
        assert_eq!(kind(make(" \u{a0} ", GOOD)), Kind::InvalidUser);
        assert_eq!(kind(make("ops", "")), Kind::InvalidPassword);
        assert_eq!(kind(make("ops", "                    ")), Kind::InvalidPassword);
    }
}

#[test]
fn s01_weak_passwords_are_refused_with_advice() {
    for (user, password) in
        [("admin", "admin"), ("ops", "changeme"), ("ops", "fifteen-charact"), ("ops", "opsopsopsopsopsops")]
    {
        let error = Credentials::new(user, password).unwrap_err();
        assert_eq!(error.kind(), Kind::WeakPassword, "{password}");
        let message = error.to_string();
        for hint in ["memory-debug password", "openssl rand -base64 24", "allow_weak"] {
            assert!(message.contains(hint), "{message}");
        }
    }
}

#[test]
fn s01_allow_weak_accepts_weak_passwords() {
    let credentials = Credentials::allow_weak("admin", "admin").unwrap();
    assert!(accepts(&credentials, "admin", "admin"));
    assert!(!accepts(&credentials, "admin", "admi"));
}

#[test]
fn s06_users_and_passwords_that_basic_authentication_cannot_carry_are_refused() {
    for make in CONSTRUCTORS {
        for user in ["o:ps", ":", "ops\n", "o\0ps", "ops\u{85}"] {
            assert_eq!(kind(make(user, GOOD)), Kind::InvalidUser, "{user:?}");
        }
        for password in ["9vKq3x-PzL7_mT2wRb4y\n", "9vKq3x\0PzL7_mT2wRb4y"] {
            assert_eq!(kind(make("ops", password)), Kind::InvalidPassword, "{password:?}");
        }
    }
    assert_eq!(kind(Credentials::allow_weak("u", "p".repeat(MAX_PAIR_BYTES - 1))), Kind::TooLong);
    assert!(Credentials::allow_weak("u", "p".repeat(MAX_PAIR_BYTES - 2)).is_ok());
}

#[test]
fn s16_debug_and_errors_do_not_contain_the_password() {
    let secret = "tr0ub4dor&3tr0ub4dor&3";
    let credentials = Credentials::allow_weak("ops", secret).unwrap();
    let error = Credentials::new("ops", secret).unwrap_err();
    let shown = format!("{credentials:?} {credentials:#?} {error} {error:?}");
    assert!(shown.contains("ops"));
    assert!(!shown.contains("tr0ub"), "{shown}");
}

#[test]
fn s16_clones_share_one_pair_of_digests() {
    let credentials = Credentials::new("ops", GOOD).unwrap();
    assert!(Arc::ptr_eq(&credentials.0, &credentials.clone().0));
}

#[test]
fn the_default_user_of_the_environment_is_ops() {
    assert!(accepts(&from_vars(&[("MEMORY_DEBUG_PASSWORD", GOOD)]).unwrap(), "ops", GOOD));
    let named = from_vars(&[("MEMORY_DEBUG_PASSWORD", GOOD), ("MEMORY_DEBUG_USER", "grafana")]).unwrap();
    assert!(accepts(&named, "grafana", GOOD));
}

#[test]
fn the_environment_can_name_a_password_file() {
    for (name, ending) in [("none", ""), ("lf", "\n"), ("crlf", "\r\n")] {
        let file = TestFile::new(name, format!("{GOOD}{ending}"));
        let credentials = from_vars(&[("MEMORY_DEBUG_PASSWORD_FILE", file.0.to_str().unwrap())]).unwrap();
        assert!(accepts(&credentials, "ops", GOOD), "{name}");
    }
    let two_lines = TestFile::new("two-lines", format!("{GOOD}\n\n"));
    let vars = [("MEMORY_DEBUG_PASSWORD_FILE", two_lines.0.to_str().unwrap())];
    assert_eq!(kind(from_vars(&vars)), Kind::InvalidPassword);
}

#[test]
fn s01_an_environment_without_a_password_is_refused_with_the_variables_to_set() {
    let error = from_vars(&[("MEMORY_DEBUG_USER", "ops")]).unwrap_err();
    assert_eq!(error.kind(), Kind::Missing);
    assert!(error.to_string().contains("MEMORY_DEBUG_PASSWORD"), "{error}");
    assert!(error.to_string().contains("MEMORY_DEBUG_PASSWORD_FILE"), "{error}");
}

#[test]
fn s01_an_environment_with_a_weak_empty_or_second_password_is_refused() {
    assert_eq!(kind(from_vars(&[("MEMORY_DEBUG_PASSWORD", "")])), Kind::InvalidPassword);
    assert_eq!(kind(from_vars(&[("MEMORY_DEBUG_PASSWORD", "changeme")])), Kind::WeakPassword);
    let both = [("MEMORY_DEBUG_PASSWORD", GOOD), ("MEMORY_DEBUG_PASSWORD_FILE", "/nonexistent")];
    assert_eq!(kind(from_vars(&both)), Kind::Ambiguous);
}

#[test]
fn a_missing_file_is_reported_with_its_cause() {
    let error = Credentials::from_file("/nonexistent/credentials").unwrap_err();
    assert_eq!(error.kind(), Kind::Unreadable);
    assert!(error.source().is_some());
    assert!(error.to_string().contains("/nonexistent/credentials"), "{error}");
}

#[test]
fn a_file_has_user_and_password_on_one_line() {
    let file = TestFile::new("pair", format!("grafana:{GOOD}:x\r\n\n"));
    let credentials = Credentials::from_file(&file.0).unwrap();
    assert!(accepts(&credentials, "grafana", &format!("{GOOD}:x")));
}

#[test]
fn malformed_files_are_refused() {
    for (name, content) in [
        ("empty", &b""[..]),
        ("no-colon", b"9vKq3x-PzL7_mT2wRb4y\n"),
        ("latin-1", b"ops:9vKq3x-PzL7_mT2w\xa3b4y"),
        ("huge", format!("ops:{GOOD}\n{}", "x".repeat(1 << 16)).as_bytes()),
    ] {
        let file = TestFile::new(name, content);
        let error = Credentials::from_file(&file.0).unwrap_err();
        assert_eq!(error.kind(), Kind::Unreadable, "{name}");
        assert!(!error.to_string().contains("PzL7"), "{error}");
    }
}

#[test]
fn s45_a_file_is_read_up_to_its_bound_and_refused_beyond_it() {
    let login = format!("ops:{GOOD}");
    let padded = |bytes: usize| format!("{}{login}", "\n".repeat(bytes - login.len()));
    let longest = TestFile::new("longest", padded(8 * 1024));
    assert!(accepts(&Credentials::from_file(&longest.0).unwrap(), "ops", GOOD));
    // The part beyond the bound is not silently ignored.
    let longer = TestFile::new("longer", format!("{}\n", padded(8 * 1024)));
    let error = Credentials::from_file(&longer.0).unwrap_err();
    assert_eq!(error.kind(), Kind::Unreadable);
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn s01_generated_passwords_are_strong_different_and_need_no_quoting() {
    let (one, two) = (generate_password().unwrap(), generate_password().unwrap());
    assert_ne!(one, two);
    for password in [one, two] {
        assert_eq!(password.len(), 32);
        assert!(password.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        let credentials = Credentials::new("ops", password.clone()).unwrap();
        let header =
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("ops:{password}")));
        assert!(authenticate(&credentials, [header.as_bytes()]).is_ok());
    }
}
