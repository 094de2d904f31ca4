//! Minimum requirements for passwords.
//!
//! The endpoint is as public as the service, and strong passwords have no lock-out, so a password must be impractical
//! to guess. These rules refuse short, uniform and sequential passwords. They know no dictionary: a long password made
//! of common words is accepted, for example `Changeme-2026-07-31`. Only a generated password is safe.

use std::fmt;

use zeroize::Zeroizing;

const MIN_CHARACTERS: usize = 16;
const MIN_DISTINCT: usize = 6;

/// The reason why a password is refused as weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    Short,
    FewCharacters,
    Repetition,
    Sequence,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(f, "it has fewer than {MIN_CHARACTERS} characters"),
            Self::FewCharacters => write!(f, "it has fewer than {MIN_DISTINCT} different characters"),
            Self::Repetition => f.write_str("it repeats a shorter text"),
            Self::Sequence => f.write_str("most of it is a sequence such as `1234`, `abcd` or `aaaa`"),
        }
    }
}

/// Returns the first rule that `password` breaks.
pub(crate) fn weakness(password: &str) -> Option<Weakness> {
    // Allocated at full length: a vector that grows leaves copies behind.
    let mut characters = Zeroizing::new(Vec::with_capacity(password.len()));
    characters.extend(password.chars());
    if characters.len() < MIN_CHARACTERS {
        Some(Weakness::Short)
    } else if distinct(&characters) < MIN_DISTINCT {
        Some(Weakness::FewCharacters)
    } else if is_repetition(&characters) {
        Some(Weakness::Repetition)
    } else if is_sequence(&characters) {
        Some(Weakness::Sequence)
    } else {
        None
    }
}

fn distinct(characters: &[char]) -> usize {
    let mut sorted = Zeroizing::new(characters.to_vec());
    sorted.sort_unstable();
    sorted.dedup();
    sorted.len()
}

/// Whether the text consists of one shorter text, repeated at least twice. The last repetition may be incomplete.
fn is_repetition(characters: &[char]) -> bool {
    (1..=characters.len() / 2).any(|period| characters[period..] == characters[..characters.len() - period])
}

/// Whether at least three of four characters equal the previous character or are its neighbour, as in
/// `1234567890123456`.
fn is_sequence(characters: &[char]) -> bool {
    let steps = characters.len().saturating_sub(1);
    let short_steps =
        characters.windows(2).filter(|pair| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1);
    short_steps.count() * 4 >= steps * 3
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s01_short_uniform_and_sequential_passwords_are_refused() {
        for (password, expected) in [
            ("", Weakness::Short),
            ("admin", Weakness::Short),
            ("k3J-f9qLz!t7Wb2", Weakness::Short),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", Weakness::FewCharacters),
            ("abcdeabcdeabcdeedcba", Weakness::FewCharacters),
            ("f7Kq2xf7Kq2xf7Kq2x", Weakness::Repetition),
            ("f7Kq2x9-f7Kq2x9-f7", Weakness::Repetition),
            ("1234567890123456", Weakness::Sequence),
            ("abcdefghijklmnopqrstuvwxyz", Weakness::Sequence),
        ] {
            assert_eq!(weakness(password), Some(expected), "{password}");
        }
    }

    #[test]
    fn s01_a_sequence_needs_three_of_four_steps() {
        assert_eq!(weakness("0123456789:;<kQzT"), Some(Weakness::Sequence), "12 of 16");
        assert_eq!(weakness("0123456789:;kQzTb"), None, "11 of 16");
    }

    #[test]
    fn s01_each_weakness_has_its_own_message() {
        for (weakness, words) in [
            (Weakness::Short, "16 characters"),
            (Weakness::FewCharacters, "6 different"),
            (Weakness::Repetition, "repeats"),
            (Weakness::Sequence, "sequence"),
        ] {
            assert!(weakness.to_string().contains(words), "{weakness}");
        }
    }

    #[test]
    fn s01_random_and_long_passwords_are_accepted() {
        for password in [
            "9vKq3x-PzL7_mT2wRb4y",
            "correct horse battery staple",
            "ключ-от-склада-номер-семь",
            "6f1c9a2e77b04d1b",
            "passwords are what ogres fear",
        ] {
            assert_eq!(weakness(password), None, "{password}");
        }
    }

    /// A known limit: the rules look at characters, not at words.
    #[test]
    fn s01_long_passwords_of_common_words_are_not_recognised() {
        for password in
            ["Changeme-2026-07-31", "admin-password-1!", "grafana2026grafana!", "pass-word-password-8472"]
        {
            assert_eq!(weakness(password), None, "{password}");
        }
    }

    proptest! {
        /// Output of `generate_password`, `openssl rand -base64 24` and `openssl rand -hex 16`. Fewer than one in 10^9
        /// is refused by chance.
        #[test]
        fn s01_generated_passwords_are_accepted(bytes: [u8; 24]) {
            let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02x}")).collect();
            for password in [URL_SAFE_NO_PAD.encode(bytes), STANDARD.encode(bytes), hex] {
                prop_assert_eq!(weakness(&password), None, "{}", password);
            }
        }
    }
}
