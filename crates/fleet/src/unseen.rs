//! Invisible characters at the ends of a text, which clients usually do not send.

use std::fmt;

/// An invisible character at one end of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unseen {
    /// The first character.
    AtBeginning(char),
    /// The last character.
    AtEnd(char),
}

/// Returns the first invisible character at either end of `text`.
#[must_use]
pub fn unseen(text: &str) -> Option<Unseen> {
    let first = text.chars().next().filter(|&c| is_unseen(c)).map(Unseen::AtBeginning);
    first.or_else(|| text.chars().next_back().filter(|&c| is_unseen(c)).map(Unseen::AtEnd))
}

/// Whether `c` is whitespace, a control character, or an invisible format character of Unicode. Editors and messengers
/// add such characters: a byte order mark, a zero-width character or a direction mark.
fn is_unseen(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Writes a message such as `it ends with a space (U+0020), which is easy to miss; remove it`.
impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, c) = match *self {
            Self::AtBeginning(c) => ("begins", c),
            Self::AtEnd(c) => ("ends", c),
        };
        let what = match c {
            ' ' => "a space",
            '\t' => "a tab",
            '\n' => "a line break",
            '\r' => "a carriage return",
            '\u{a0}' => "a no-break space",
            '\u{feff}' => "a byte order mark",
            _ if c.is_whitespace() => "a whitespace character",
            _ if c.is_control() => "a control character",
            _ => "an invisible character",
        };
        let advice = if c == '\u{feff}' { "save it as UTF-8 without the mark" } else { "remove it" };
        write!(f, "it {verb} with {what} (U+{:04X}), which is easy to miss; {advice}", u32::from(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_invisible_characters_are_found_at_both_ends_and_named() {
        for (c, what) in [
            (' ', "a space (U+0020)"),
            ('\t', "a tab (U+0009)"),
            ('\n', "a line break (U+000A)"),
            ('\r', "a carriage return (U+000D)"),
            ('\u{a0}', "a no-break space (U+00A0)"),
            ('\u{3000}', "a whitespace character (U+3000)"),
            ('\u{2028}', "a whitespace character (U+2028)"),
            ('\0', "a control character (U+0000)"),
            ('\u{200b}', "an invisible character (U+200B)"),
            ('\u{202e}', "an invisible character (U+202E)"),
            ('\u{feff}', "a byte order mark (U+FEFF)"),
        ] {
            let begins = unseen(&format!("{c}text")).unwrap().to_string();
            assert!(begins.starts_with(&format!("it begins with {what}, ")), "{begins}");
            let ends = unseen(&format!("text{c}")).unwrap().to_string();
            assert!(ends.starts_with(&format!("it ends with {what}, ")), "{ends}");
            assert_eq!(unseen(&format!("te{c}xt")), None);
        }
        for text in ["", "text", "ключ", "a b", "\u{1f511}"] {
            assert_eq!(unseen(text), None, "{text}");
        }
    }
}
