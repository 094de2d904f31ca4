//! Text from outside, made safe for terminals, browsers and logs.

use std::borrow::Cow;
use std::ops::RangeInclusive;

/// Escapes every unprintable character of `text`, as in `\u{202e}`. Such a character can move the cursor, colour the
/// terminal, turn the writing direction, or make two different names look alike.
pub fn printable(text: &str) -> Cow<'_, str> {
    let Some(at) = text.find(is_unprintable) else { return Cow::Borrowed(text) };
    let mut visible = String::with_capacity(text.len() + 16);
    visible.push_str(&text[..at]);
    for c in text[at..].chars() {
        if is_unprintable(c) { visible.extend(c.escape_unicode()) } else { visible.push(c) }
    }
    Cow::Owned(visible)
}

/// Whether a character is invisible, or changes how other characters look.
///
/// The standard library's notion of printable excludes controls, formats (including all bidirectional ones),
/// separators, and private and unassigned characters. Letters and marks of every script stay, because Rust allows
/// them in identifiers.
pub fn is_unprintable(c: char) -> bool {
    !(' '..='~').contains(&c) && (INVISIBLE.iter().any(|range| range.contains(&c)) || !is_printable(c))
}

/// Invisible marks and letters: Unicode's `Default_Ignorable_Code_Point` within the printable categories, and the empty
/// Braille pattern.
#[rustfmt::skip]
const INVISIBLE: [RangeInclusive<char>; 9] = [
    '\u{34f}'..='\u{34f}', '\u{115f}'..='\u{1160}', '\u{17b4}'..='\u{17b5}', '\u{180b}'..='\u{180f}',
    '\u{2800}'..='\u{2800}', '\u{3164}'..='\u{3164}', '\u{fe00}'..='\u{fe0f}', '\u{ffa0}'..='\u{ffa0}',
    '\u{e0100}'..='\u{e01ef}',
];

/// Whether `str::escape_debug` leaves the character unchanged. It escapes a mark only at the beginning of a text.
fn is_printable(c: char) -> bool {
    let mut buffer = [b'a'; 5];
    let length = 1 + c.encode_utf8(&mut buffer[1..]).len();
    let Ok(text) = std::str::from_utf8(&buffer[..length]) else { return false };
    // The only escapes beyond ASCII have the form `\u{…}`.
    text.escape_debug().nth(1) == Some(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_escapes_characters_that_move_turn_or_hide_text() {
        for hidden in [
            0..=0x1f,
            0x7f..=0x9f,
            0xa0..=0xa0,
            0xad..=0xad,
            0x34f..=0x34f,
            0x61c..=0x61c,
            0x115f..=0x1160,
            0x17b4..=0x17b5,
            0x180b..=0x180f,
            0x2000..=0x200f,
            0x2028..=0x202f,
            0x205f..=0x206f,
            0x2800..=0x2800,
            0x3000..=0x3000,
            0x3164..=0x3164,
            0xfe00..=0xfe0f,
            0xfeff..=0xfeff,
            0xffa0..=0xffa0,
            0xfff9..=0xfffb,
            0xe0001..=0xe0001,
            0xe0020..=0xe007f,
            0xe0100..=0xe01ef,
            0xf0000..=0xf0010,
        ] {
            for c in hidden.filter_map(char::from_u32) {
                assert_eq!(printable(&format!("a{c}b")), format!("a\\u{{{:x}}}b", c as u32));
            }
        }
    }

    #[test]
    fn keeps_names_in_any_script() {
        for name in [
            "HashMap<String, Vec<u8>>",
            "größe",
            "e\u{301}",
            "हिन्दी",
            "变量",
            "العربية",
            "→ ± … ·",
            "😀",
            "\"\\'",
        ] {
            assert!(matches!(printable(name), Cow::Borrowed(same) if same == name), "{name}");
        }
    }

    proptest::proptest! {
        #[test]
        fn s64_leaves_no_unprintable_character(text: String) {
            let shown = printable(&text);
            proptest::prop_assert!(!shown.contains(is_unprintable));
            proptest::prop_assert_eq!(printable(&shown), shown.as_ref());
        }
    }
}
