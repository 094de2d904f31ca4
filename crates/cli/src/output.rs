//! Where results go.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _, stdout};
use std::path::Path;

use memory_debug_core::units::visible;

use crate::failure::Failure;
use crate::interrupt;

/// Writes to standard output. A reader that has seen enough (`head`) is no failure.
pub(crate) fn print(text: impl AsRef<[u8]>) -> Result<(), Failure> {
    let mut out = stdout().lock();
    match out.write_all(text.as_ref()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::local(format!("standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes text that others had a hand in: nothing in it moves the cursor but its line feeds.
pub(crate) fn print_text(text: &str) -> Result<(), Failure> {
    print(lines(text, visible))
}

/// `value` as JSON, indented, with a newline at the end.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let json = serde_json::to_string_pretty(value).map_err(|error| Failure::local(error.to_string()))?;
    print(lines(&json, visible_json) + "\n")
}

/// Writes a page as it was answered, in JSON or in text.
pub(crate) fn print_page(page: &[u8], is_json: bool) -> Result<(), Failure> {
    print(lines(&String::from_utf8_lossy(page), if is_json { visible_json } else { visible }))
}

fn lines(text: &str, show: fn(&str) -> String) -> String {
    text.split('\n').map(show).collect::<Vec<_>>().join("\n")
}

/// JSON has characters beyond ASCII as they are, also those that move the cursor. Within its strings, and they are
/// nowhere else, it may have them escaped.
fn visible_json(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    for c in line.chars() {
        // Most are of those that need no look.
        if matches!(c, ' '..='~') || visible(c.encode_utf8(&mut [0; 4])).len() == c.len_utf8() {
            shown.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| shown += &format!("\\u{unit:04x}"));
        }
    }
    shown
}

/// Writes a file that is whole or not there: into another beside it first, which then takes its place.
pub(crate) fn save(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let failed = |error| Failure::local(format!("{}: {error}", path.display()));
    let mut name = path.file_name().ok_or_else(|| failed(ErrorKind::IsADirectory.into()))?.to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(name);
    let written = create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    *interrupt::undo() = None;
    written.map_err(|error| {
        // There may be nothing to remove.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

/// A file that does not stay if the program is interrupted.
fn create(path: &Path) -> io::Result<File> {
    let mut undo = interrupt::undo();
    let file = File::create(path)?;
    let path = path.to_owned();
    *undo = Some(Box::new(move || _ = fs::remove_file(path)));
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_what_a_page_says_cannot_move_the_cursor() {
        assert_eq!(lines("a\u{1b}[2J\nb\u{202e}\r\n", visible), "a\\u{1b}[2J\nb\\u{202e}\\u{d}\n");
    }

    #[test]
    fn json_stays_the_json_it_was() {
        let value = serde_json::json!({"name\u{9b}": ["\u{1b}[2J\n", "é\u{202e}😀\u{7f}"]});
        let json = lines(&serde_json::to_string_pretty(&value).unwrap(), visible_json);
        assert_eq!(visible(&json.replace('\n', "")), json.replace('\n', ""));
        assert!(json.contains("é\\u202e😀\\u007f"), "{json}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
    }
}
