//! JSON in which every character is seen.

use std::io::{self, ErrorKind, Write};

use memory_debug_profile::is_hidden;
use serde::Serialize;

/// `value` as indented JSON, with a newline at the end. Characters that are not seen are escaped, as `\u202e`, so a
/// terminal can show the text. A parser reads the same value.
///
/// # Errors
///
/// If `value` cannot be JSON.
pub fn to_json(value: &impl Serialize) -> io::Result<String> {
    let mut json = Vec::new();
    write_line(&mut json, value)?;
    into_text(json)
}

/// Writes what [`to_json`] gives, without holding it.
///
/// # Errors
///
/// Those of `out`, and if `value` cannot be JSON.
pub fn write_line(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(VisibleJson(&mut out), value)?;
    out.write_all(b"\n")
}

/// The same in one line.
///
/// # Errors
///
/// If `value` cannot be JSON.
pub fn to_json_line(value: &impl Serialize) -> io::Result<String> {
    let mut json = Vec::new();
    serde_json::to_writer(VisibleJson(&mut json), value)?;
    into_text(json)
}

/// `json`, which others wrote, with the characters escaped that are not seen, but its line feeds. They belong into
/// strings only, where an escape means the same.
pub fn visible_json(json: &str) -> String {
    let mut visible = Vec::with_capacity(json.len());
    // A vector takes all that is written.
    let _ = VisibleJson(&mut visible).write_all(json.as_bytes());
    into_text(visible).unwrap_or_default()
}

/// Escapes what is not seen on its way to `0`. Takes whole characters, as serde_json writes them.
#[derive(Debug)]
pub struct VisibleJson<W>(pub W);

impl<W: Write> Write for VisibleJson<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.write_all(part).map(|()| part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        let text =
            std::str::from_utf8(part).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let mut rest = text;
        while let Some(at) = rest.find(|c| c != '\n' && is_hidden(c)) {
            let (before, after) = rest.split_at(at);
            self.0.write_all(before.as_bytes())?;
            let mut chars = after.chars();
            for unit in chars.next().unwrap_or_default().encode_utf16(&mut [0; 2]) {
                write!(self.0, "\\u{unit:04x}")?;
            }
            rest = chars.as_str();
        }
        self.0.write_all(rest.as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

fn into_text(json: Vec<u8>) -> io::Result<String> {
    String::from_utf8(json).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn s64_json_stays_the_json_it_was_with_nothing_hidden_in_it() {
        let value =
            json!({"name\u{9b}": ["\u{1b}[2J\n", "é\u{61c}\u{202e}\u{e0001}😀\u{7f}", "\u{feff}\"\\"]});
        for json in [to_json(&value).unwrap(), to_json_line(&value).unwrap()] {
            assert!(!json.replace('\n', "").contains(is_hidden), "{json}");
            assert!(json.contains("é\\u061c\\u202e\\udb40\\udc01😀\\u007f"), "{json}");
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
            assert_eq!(visible_json(&json), json);
        }
        assert_eq!(visible_json(&serde_json::to_string(&value).unwrap()), to_json_line(&value).unwrap());
    }

    #[test]
    fn what_is_seen_is_written_as_before() {
        let value = json!({"type": "HashMap<String, größe>", "bytes": 1.5, "rows": [null, true]});
        assert_eq!(to_json(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap() + "\n");
    }
}
