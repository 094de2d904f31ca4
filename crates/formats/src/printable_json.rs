//! JSON in which every character is printable.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;

use crate::printable::is_unprintable;

/// Serializes `value` as indented JSON, with a newline at the end. Invisible characters are escaped, as in `\u202e`,
/// so that a terminal can show the text. A parser reads the same value.
///
/// # Errors
///
/// If `value` cannot be expressed in JSON.
pub fn to_json(value: &impl Serialize) -> io::Result<String> {
    let mut json = Vec::new();
    write_line(&mut json, value)?;
    into_text(json)
}

/// Writes the text that [`to_json`] returns, without holding it in memory.
///
/// # Errors
///
/// Errors of `out`, or if `value` cannot be expressed in JSON.
pub fn write_line(mut out: impl Write, value: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer_pretty(PrintableJson(&mut out), value)?;
    out.write_all(b"\n")
}

/// Serializes `value` as JSON in one line, with invisible characters escaped as in [`to_json`].
///
/// # Errors
///
/// If `value` cannot be expressed in JSON.
pub fn to_json_line(value: &impl Serialize) -> io::Result<String> {
    let mut json = Vec::new();
    serde_json::to_writer(PrintableJson(&mut json), value)?;
    into_text(json)
}

/// Escapes the invisible characters in `json` from another source, except line feeds. They occur only in strings, where
/// the escape means the same.
pub fn printable_json(json: &str) -> String {
    let mut escaped = Vec::with_capacity(json.len());
    // Writing to a vector cannot fail.
    let _ = PrintableJson(&mut escaped).write_all(json.as_bytes());
    into_text(escaped).unwrap_or_default()
}

/// A writer that escapes invisible characters and passes the text on to the inner writer. Each write must consist of
/// whole characters, as serde_json writes them.
#[derive(Debug)]
pub struct PrintableJson<W>(pub W);

impl<W: Write> Write for PrintableJson<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.write_all(part).map(|()| part.len())
    }

    fn write_all(&mut self, part: &[u8]) -> io::Result<()> {
        let text =
            std::str::from_utf8(part).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        let mut rest = text;
        while let Some(at) = rest.find(|c| c != '\n' && is_unprintable(c)) {
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
    fn s64_escaped_json_has_the_same_value_and_hides_nothing() {
        let value =
            json!({"name\u{9b}": ["\u{1b}[2J\n", "é\u{61c}\u{202e}\u{e0001}😀\u{7f}", "\u{feff}\"\\"]});
        for json in [to_json(&value).unwrap(), to_json_line(&value).unwrap()] {
            assert!(!json.replace('\n', "").contains(is_unprintable), "{json}");
            assert!(json.contains("é\\u061c\\u202e\\udb40\\udc01😀\\u007f"), "{json}");
            assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
            assert_eq!(printable_json(&json), json);
        }
        assert_eq!(printable_json(&serde_json::to_string(&value).unwrap()), to_json_line(&value).unwrap());
    }

    #[test]
    fn visible_characters_are_not_escaped() {
        let value = json!({"type": "HashMap<String, größe>", "bytes": 1.5, "rows": [null, true]});
        assert_eq!(to_json(&value).unwrap(), serde_json::to_string_pretty(&value).unwrap() + "\n");
    }
}
