//! Files that cannot be used as credentials. The error describes the file, and reading it never blocks.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::process::Command;
use std::time::Duration;

use super::*;

/// Puts something that is not a regular file at a path.
type Irregular = (&'static str, fn(&Path));

const IRREGULAR: [Irregular; 5] = [
    ("it is a pipe", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
    ("it is a folder", |path| fs::create_dir(path).unwrap()),
    // The socket outlives its listener.
    ("it is a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ("it is a device", |path| symlink("/dev/zero", path).unwrap()),
    ("it is a device", |path| symlink("/dev/tty", path).unwrap()),
];

fn remove(path: &Path) {
    let _ = fs::remove_file(path).or_else(|_| fs::remove_dir(path));
}

fn from_password_file(file: &TestFile) -> Result<Credentials, CredentialsError> {
    from_vars(&[("MEMORY_DEBUG_PASSWORD_FILE", file.0.to_str().unwrap())])
}

#[test]
fn s14_an_irregular_file_is_refused_by_kind_without_waiting() {
    for (number, (what, make)) in IRREGULAR.into_iter().enumerate() {
        let file = TestFile::new(&format!("irregular-{number}"), "");
        remove(&file.0);
        make(&file.0);
        for error in [Credentials::from_file(&file.0), from_password_file(&file)].map(Result::unwrap_err) {
            assert_eq!(error.kind(), Kind::Unreadable);
            let expected = format!("failed: {what}, not a regular file; check the path and the file");
            assert!(error.to_string().ends_with(&expected), "{error}");
        }
        remove(&file.0);
    }
}

#[test]
fn s14_the_old_logins_stay_in_force_while_the_file_is_irregular() {
    for (number, (what, make)) in IRREGULAR.into_iter().enumerate() {
        let file = TestFile::new(&format!("becomes-{number}"), format!("ops:{GOOD}\n"));
        let credentials = Credentials::from_file(&file.0).unwrap();
        let now = Instant::now();
        remove(&file.0);
        make(&file.0);
        credentials.refresh(now + Duration::from_secs(2));
        assert!(accepts(&credentials, "ops", GOOD), "{what}");
        remove(&file.0);
        fs::write(&file.0, format!("ops:{GOOD}-2\n")).unwrap();
        credentials.refresh(now + Duration::from_secs(4));
        assert!(accepts(&credentials, "ops", &format!("{GOOD}-2")), "{what}");
    }
}

#[test]
fn s01_leading_and_trailing_whitespace_of_a_password_is_refused_from_every_source() {
    for (number, (before, after, what)) in [
        ("", " ", "it ends with a space (U+0020), which is easy to miss; remove it"),
        (" ", "", "it begins with a space (U+0020)"),
        ("", "\t", "it ends with a tab (U+0009)"),
        ("", "\r", "it ends with a carriage return (U+000D)"),
        ("\n", "", "it begins with a line break (U+000A)"),
        ("", "\u{a0}", "it ends with a no-break space (U+00A0)"),
        ("\u{200b}", "", "it begins with an invisible character (U+200B)"),
        (
            "\u{feff}",
            "",
            "it begins with a byte order mark (U+FEFF), which is easy to miss; save it as UTF-8 without the mark",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let password = format!("{before}{GOOD}{after}");
        // One line break at the end is ignored.
        let file = TestFile::new(&format!("ends-{number}"), format!("{password}\r\n"));
        let in_file = from_password_file(&file).unwrap_err();
        assert!(in_file.to_string().starts_with(&format!("`{}`: ", file.0.display())), "{in_file}");
        let in_variable = from_vars(&[("MEMORY_DEBUG_PASSWORD", &password)]).unwrap_err();
        assert!(in_variable.to_string().starts_with("MEMORY_DEBUG_PASSWORD: "), "{in_variable}");
        let [in_code, weak] = CONSTRUCTORS.map(|make| {
            let password: &'static str = password.clone().leak();
            make("ops", password).unwrap_err()
        });
        for error in [in_file, in_variable, in_code, weak] {
            assert_eq!(error.kind(), Kind::InvalidPassword, "{error}");
            assert!(error.to_string().contains(&format!("password refused: {what}")), "{error}");
            assert!(!format!("{error} {error:?}").contains("PzL7"), "{error}");
        }
    }
}

#[test]
fn s01_a_line_with_whitespace_or_a_mark_at_an_end_is_refused_with_its_number() {
    for (number, (content, kind, what)) in [
        (format!("\u{feff}ops:{GOOD}\n"), Kind::Unreadable, "line 1 of `"),
        (
            format!("\u{feff}[read]\nops:{GOOD}\n"),
            Kind::Unreadable,
            "it begins with a byte order mark (U+FEFF)",
        ),
        (
            format!("a:{GOOD}\nops:{GOOD} \n"),
            Kind::InvalidPassword,
            "`: password refused: it ends with a space",
        ),
        (format!("a:{GOOD}\r\nops: {GOOD}\r\n"), Kind::InvalidPassword, "line 2 of `"),
        (format!("ops :{GOOD}\n"), Kind::InvalidUser, "`: user name refused: it ends with a space"),
        (format!("  ops:{GOOD}\n"), Kind::InvalidUser, "`: user name refused: it begins with a space"),
    ]
    .into_iter()
    .enumerate()
    {
        let file = TestFile::new(&format!("line-ends-{number}"), content);
        let error = Credentials::from_file(&file.0).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(what) && !error.to_string().contains("PzL7"), "{error}");
    }
}

#[test]
fn s01_one_line_break_at_the_end_of_a_password_file_is_ignored() {
    for (number, end) in ["", "\n", "\r\n"].into_iter().enumerate() {
        let file = TestFile::new(&format!("line-break-{number}"), format!("{GOOD}{end}"));
        assert!(accepts(&from_password_file(&file).unwrap(), "ops", GOOD), "{end:?}");
    }
    let file = TestFile::new("two-line-breaks", format!("{GOOD}\n\n"));
    let error = from_password_file(&file).unwrap_err();
    assert!(error.to_string().contains("it ends with a line break (U+000A)"), "{error}");
}

#[test]
fn errors_name_the_variable_of_a_user_with_whitespace_and_a_file_in_utf_16() {
    let user = from_vars(&[("MEMORY_DEBUG_USER", "ops "), ("MEMORY_DEBUG_PASSWORD", GOOD)]).unwrap_err();
    assert_eq!(user.kind(), Kind::InvalidUser);
    assert!(
        user.to_string().starts_with("MEMORY_DEBUG_USER: user name refused: it ends with a space"),
        "{user}"
    );
    let utf16: Vec<u8> = format!("\u{feff}{GOOD}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = TestFile::new("utf-16", utf16);
    let error = from_password_file(&file).unwrap_err();
    assert!(error.to_string().contains("it is UTF-16; save it as UTF-8"), "{error}");
}
