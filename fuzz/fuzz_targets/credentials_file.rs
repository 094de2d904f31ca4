//! The text of a file of logins, or after a leading `=` the text of a file with a password. Accepted logins open the
//! page with the role in the file. A file is refused for the reason of its first bad line, and the message shows
//! nothing of the file.
//!
//! [`Credentials::new`], which does not read files, tells whether a single login is acceptable.

#![no_main]

use std::fs::File;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs, process};

use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::{
    Credentials, CredentialsError, CredentialsErrorKind as Kind, Role, authenticate,
};

#[path = "../base64.rs"]
mod base64;

use base64::base64;

const MOST_BYTES: usize = 8 * 1024;
const MOST_LOGINS: usize = 8;

/// The file stays open, because closing a file that was truncated and rewritten waits for the disk. Its only name is
/// this path.
static FILE: LazyLock<(PathBuf, File)> = LazyLock::new(|| {
    let name = env::temp_dir().join(format!("memory-debug-fuzz-{}", process::id()));
    let file = File::create_new(&name).expect("a file");
    fs::remove_file(&name).expect("a file of ours");
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    // SAFETY: libFuzzer calls the target from one thread, and this is its first call.
    unsafe { env::set_var("MEMORY_DEBUG_PASSWORD_FILE", &path) };
    (path, file)
});

type Logins<'a> = Vec<(&'a str, &'a str, Role)>;

fuzz_target!(|data: &[u8]| {
    let (path, file) = &*FILE;
    let password_only = data.strip_prefix(b"=");
    let content = password_only.unwrap_or(data);
    file.write_all_at(content, 0).and_then(|()| file.set_len(content.len() as u64)).expect("a file");
    let (read, expected) = match password_only {
        Some(content) => (Credentials::from_env(), password(content)),
        None => (Credentials::from_file(path), logins(content)),
    };
    match (read, expected) {
        (Ok(credentials), Ok(logins)) => check_logins(&credentials, &logins),
        (Err(error), Err(kind)) => {
            assert_eq!(error.kind(), kind, "{error}");
            check_message(&error, content);
        }
        (read, expected) => panic!("{read:?} is not {expected:?}"),
    }
});

fn text(content: &[u8]) -> Result<&str, Kind> {
    let text = std::str::from_utf8(content).map_err(|_| Kind::Unreadable)?;
    if content.len() <= MOST_BYTES { Ok(text) } else { Err(Kind::Unreadable) }
}

fn password(content: &[u8]) -> Result<Logins<'_>, Kind> {
    let text = text(content)?;
    let end = if text.ends_with("\r\n") { 2 } else { usize::from(text.ends_with('\n')) };
    login("ops", &text[..text.len() - end], Role::Profile).map(|login| vec![login])
}

fn logins(content: &[u8]) -> Result<Logins<'_>, Kind> {
    let mut logins = Vec::new();
    let mut role = Role::Profile;
    if text(content)?.starts_with('\u{feff}') {
        return Err(Kind::Unreadable);
    }
    for line in text(content)?.split_inclusive('\n') {
        let line = line.strip_suffix("\r\n").or_else(|| line.strip_suffix('\n')).unwrap_or(line);
        if let Some(colon) = line.find(':') {
            logins.push(login(&line[..colon], &line[colon + 1..], role)?);
        } else {
            role = match line.trim() {
                "" => role,
                "[read]" => Role::Read,
                "[profile]" => Role::Profile,
                _ => return Err(Kind::Unreadable),
            };
        }
    }
    match logins.len() {
        0 => Err(Kind::Unreadable),
        1..=MOST_LOGINS => Ok(logins),
        _ => Err(Kind::TooMany),
    }
}

fn login<'a>(user: &'a str, password: &'a str, role: Role) -> Result<(&'a str, &'a str, Role), Kind> {
    Credentials::new(user, password).map_err(|error| error.kind())?;
    Ok((user, password, role))
}

fn check_logins(credentials: &Credentials, logins: &Logins<'_>) {
    let found = |user: &str, password: &str| {
        let header = format!("Basic {}", base64(format!("{user}:{password}").as_bytes()));
        let proof = authenticate(credentials, [header.as_bytes()]).ok()?;
        Some((proof.user().to_owned(), proof.role()))
    };
    // Of logins with the same user, the last counts.
    let written = |user: &str, password: &str| {
        let equal = logins.iter().rev().find(|login| (login.0, login.1) == (user, password));
        equal.map(|(user, _, role)| ((*user).to_owned(), *role))
    };
    for (user, password, _) in logins {
        let mut shorter = password.chars();
        shorter.next_back();
        for password in [*password, shorter.as_str(), &*format!("{password}x"), ""] {
            assert_eq!(found(user, password), written(user, password), "{user:?} {password:?}");
        }
    }
    let shown = format!("{credentials:?}");
    let users: Vec<_> = logins.iter().map(|(user, ..)| *user).collect();
    assert_eq!(shown, format!("Credentials {{ users: {users:?}, .. }}"));
}

/// Checks that the message shows nothing of the file. Our messages have no capital Q, so a Q can only come from the
/// file.
fn check_message(error: &CredentialsError, content: &[u8]) {
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains('Q'), "{shown} of {content:?}");
}
