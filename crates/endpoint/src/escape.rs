//! Escaping of text from clients for logs and terminals.

use std::fmt::{self, Write as _};

/// The start of a text in printable ASCII. It cannot end a line, colour a terminal or fill a disk.
pub(crate) struct Escaped<'a> {
    text: &'a str,
    max_chars: usize,
}

impl<'a> Escaped<'a> {
    /// Shows at most `max_chars` characters of `text`, then `...` if there are more.
    pub(crate) fn new(text: &'a str, max_chars: usize) -> Self {
        Self { text, max_chars }
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut chars = self.text.chars();
        for escaped in chars.by_ref().take(self.max_chars).flat_map(char::escape_default) {
            f.write_char(escaped)?;
        }
        if chars.next().is_some() { f.write_str("...") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s64_line_breaks_and_escape_sequences_are_escaped() {
        let shown = Escaped::new("/a\r\nb\u{1b}[31m\u{202e}é\u{85}", 64).to_string();
        assert_eq!(shown, "/a\\r\\nb\\u{1b}[31m\\u{202e}\\u{e9}\\u{85}");
    }

    #[test]
    fn a_truncated_text_ends_with_dots() {
        assert_eq!(Escaped::new("abcd", 4).to_string(), "abcd");
        assert_eq!(Escaped::new("abcde", 4).to_string(), "abcd...");
    }

    proptest! {
        #[test]
        fn s64_every_text_becomes_short_and_printable(text: String, max_chars in 0_usize..64) {
            let shown = Escaped::new(&text, max_chars).to_string();
            prop_assert!(shown.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{}", shown);
            // The longest escape of a character is `\u{10ffff}`.
            prop_assert!(shown.len() <= max_chars * 10 + 3);
        }
    }
}
