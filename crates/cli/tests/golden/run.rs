//! Runs the command and compares its output with a golden file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::server::{self, Kind};

const PASSWORD: &str = "jumbled-otters-sip-cold-tea";

/// The command in a fixed environment.
pub(crate) fn command(words: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_memory-debug"));
    command.args(words).env_clear().stdin(Stdio::null());
    command.current_dir(folder().join("data"));
    // Sets the width of the help, because there is no terminal here.
    command.env("COLUMNS", "100").env("HOME", "/nonexistent").env("MEMORY_DEBUG_PASSWORD", PASSWORD);
    command
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// Runs `line` and compares the output with `expected/NAME.txt`. In the line, `{0}` is the address of the first of
/// `kinds`. Returns the difference, if there is one. Ports have five digits, and appear as `PORT0` and so on.
pub(crate) fn differs(name: &str, line: &str, kinds: &[Kind]) -> Option<String> {
    let ports: Vec<_> = server::start(kinds).iter().map(u16::to_string).collect();
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    for (index, port) in ports.iter().enumerate() {
        for word in &mut words {
            *word = word.replace(&format!("{{{index}}}"), &format!("127.0.0.1:{port}"));
        }
    }
    let output = command(&words).output().unwrap();
    let text = |bytes: &[u8]| {
        let mut text = String::from_utf8(bytes.to_vec()).unwrap();
        for (index, port) in ports.iter().enumerate() {
            assert_eq!(port.len(), 5, "a column would be narrower");
            text = text.replace(&format!(":{port}"), &format!(":PORT{index}"));
        }
        // Systems number their errors differently.
        text = text.replace(" (os error 111)", "").replace(" (os error 61)", "");
        assert!(!text.contains(PASSWORD), "{text}");
        text
    };
    let seen = format!(
        "$ memory-debug {line}\n{}--- standard error\n{}--- exit status {}\n",
        text(&output.stdout),
        text(&output.stderr),
        output.status.code().unwrap()
    );
    let path = folder().join("expected").join(format!("{name}.txt"));
    if std::env::var_os("MEMORY_DEBUG_BLESS").is_some() {
        fs::write(path, seen).unwrap();
        return None;
    }
    let expected = fs::read_to_string(&path).unwrap_or_else(|_| "(there is no such file)\n".into());
    let at = || expected.lines().zip(seen.lines()).position(|(a, b)| a != b).map_or(0, |line| line + 1);
    (expected != seen).then(|| format!("== {name}, line {}, expected\n{expected}== but was\n{seen}", at()))
}

/// Fails with all differences.
pub(crate) fn check(differences: impl IntoIterator<Item = Option<String>>) {
    let differences: Vec<_> = differences.into_iter().flatten().collect();
    let hint = "if that is intended, MEMORY_DEBUG_BLESS=1 rewrites the files";
    assert!(differences.is_empty(), "{}\n{hint}", differences.join("\n"));
}
