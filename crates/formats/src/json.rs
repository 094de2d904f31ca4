//! Text in JSON.

use std::io::{self, Write};

/// Writes a text with its quotation marks.
pub(crate) fn write_text(text: &str, out: &mut dyn Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, text)?)
}

/// Writes the comma before every element but the first.
pub(crate) fn write_comma(is_first: &mut bool, out: &mut dyn Write) -> io::Result<()> {
    if std::mem::take(is_first) { Ok(()) } else { out.write_all(b",") }
}
