//! Refuses passwords that a guesser tries first.
//!
//! The endpoint is as public as the service, and basic authentication has no lock-out, so the password has to be
//! beyond guessing. No estimate can prove that; these rules catch what people type when they mean to change it later.

use std::fmt;

use zeroize::Zeroizing;

const MIN_CHARACTERS: usize = 16;
const MIN_DISTINCT: usize = 6;

/// Letters of passwords that every word list begins with, and of the ones in our own documentation.
const WORDS: &[&str] = &[
    "abc",
    "admin",
    "administrator",
    "change",
    "changeit",
    "changeme",
    "debug",
    "default",
    "demo",
    "dev",
    "example",
    "guest",
    "letmein",
    "login",
    "me",
    "memory",
    "now",
    "ops",
    "pass",
    "passwd",
    "passwort",
    "password",
    "please",
    "prod",
    "qwerty",
    "root",
    "secret",
    "service",
    "staging",
    "test",
    "user",
    "welcome",
    "word",
];

/// Why a password is easily guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weakness {
    Short,
    FewCharacters,
    Repetition,
    Sequence,
    Words,
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Short => write!(f, "it has fewer than {MIN_CHARACTERS} characters"),
            Self::FewCharacters => write!(f, "it has fewer than {MIN_DISTINCT} different characters"),
            Self::Repetition => f.write_str("it is a shorter text repeated"),
            Self::Sequence => f.write_str("it is a run of neighbouring characters"),
            Self::Words => {
                f.write_str("its letters are only the user name or words of known default passwords")
            }
        }
    }
}

/// The first rule that `password` breaks.
pub(crate) fn weakness(user: &str, password: &str) -> Option<Weakness> {
    // Of its full length at once: one that grows leaves copies behind.
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
    } else if is_made_of_words(user, password) {
        Some(Weakness::Words)
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

/// Whether the text is its own beginning over and over, at least twice.
fn is_repetition(characters: &[char]) -> bool {
    (1..=characters.len() / 2).any(|period| characters[period..] == characters[..characters.len() - period])
}

/// Whether three of four steps go to the same or the next character, as in `1234567890123456`.
fn is_sequence(characters: &[char]) -> bool {
    let steps = characters.len().saturating_sub(1);
    let short_steps =
        characters.windows(2).filter(|pair| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1);
    short_steps.count() * 4 >= steps * 3
}

/// Whether what is left without digits and punctuation is a row of known words, as in `Changeme-2026-ops!`.
fn is_made_of_words(user: &str, password: &str) -> bool {
    let (user, letters) = (letters(user), letters(password));
    let words = || WORDS.iter().copied().chain([user.as_str()]).filter(|word| !word.is_empty());
    // `reachable[i]`: the first `i` bytes are a row of words.
    let mut reachable = vec![false; letters.len() + 1];
    reachable[0] = true;
    for start in 0..letters.len() {
        if reachable[start] {
            for word in words().filter(|word| letters[start..].starts_with(word)) {
                reachable[start + word.len()] = true;
            }
        }
    }
    !letters.is_empty() && reachable[letters.len()]
}

fn letters(text: &str) -> Zeroizing<String> {
    let lower = || text.chars().filter(|c| c.is_alphabetic()).flat_map(char::to_lowercase);
    // Of its full length at once: one that grows leaves copies behind.
    let mut letters = Zeroizing::new(String::with_capacity(lower().map(char::len_utf8).sum()));
    letters.extend(lower());
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s01_guessable_passwords_are_recognised() {
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
            ("Changeme-2026-07-31", Weakness::Words),
            ("admin-password-1!", Weakness::Words),
            ("grafana2026grafana!", Weakness::Words),
            ("pass-word-password-8472", Weakness::Words),
        ] {
            assert_eq!(weakness("grafana", password), Some(expected), "{password}");
        }
    }

    #[test]
    fn s01_three_of_four_steps_make_a_sequence_and_fewer_do_not() {
        assert_eq!(weakness("ops", "0123456789:;<kQzT"), Some(Weakness::Sequence), "12 of 16");
        assert_eq!(weakness("ops", "0123456789:;kQzTb"), None, "11 of 16");
    }

    #[test]
    fn s01_each_weakness_is_told_in_words_of_its_own() {
        let all = [
            Weakness::Short,
            Weakness::FewCharacters,
            Weakness::Repetition,
            Weakness::Sequence,
            Weakness::Words,
        ];
        let told = ["16 characters", "6 different", "repeated", "neighbouring", "known default passwords"];
        for (weakness, words) in all.into_iter().zip(told) {
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
            assert_eq!(weakness("ops", password), None, "{password}");
        }
    }

    #[test]
    fn s01_long_ambiguous_rows_of_words_take_linear_time() {
        let password = format!("{}x-1", "password".repeat(100));
        assert_eq!(weakness("ops", &password), None);
    }
}
