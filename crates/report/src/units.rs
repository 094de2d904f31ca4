//! Formats quantities for people.

use std::fmt;

use memory_debug_profile::shorten_name;

/// A number of bytes in binary units, with two decimals unless the format says otherwise: `6.99 MiB`, `{:.0}` `7 MiB`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let exponent = self.0.ilog2() / 10;
        let quantity = self.0 as f64 / 1024_f64.powi(exponent as i32);
        let unit = UNITS[exponent as usize - 1];
        write!(f, "{quantity:.precision$} {unit}", precision = f.precision().unwrap_or(2))
    }
}

/// Formats a count with separators: `97,100`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut separated = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            separated.push(',');
        }
        separated.push(digit);
    }
    separated
}

/// Formats a change in bytes with its sign: `+6.99 MiB`.
pub fn signed_bytes(change: i64) -> String {
    format!("{}{}", if change < 0 { '-' } else { '+' }, Bytes(change.unsigned_abs()))
}

/// Formats a change of a count with its sign: `-97,100`.
pub fn signed_count(change: i64) -> String {
    format!("{}{}", if change < 0 { '-' } else { '+' }, count(change.unsigned_abs()))
}

/// Formats a time span in its two largest units: `3h 12m`.
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, _) => format!("{minutes}m {}s", seconds % 60),
        (0, ..) => format!("{hours}h {}m", minutes % 60),
        _ => format!("{days}d {}h", hours % 24),
    }
}

/// The share of `part` in `whole`, in percent. `None` if `whole` is zero.
pub fn percent(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| 100.0 * part / whole)
}

/// Escapes every invisible character of `text`, see [`memory_debug_profile::printable`].
pub fn printable(text: &str) -> String {
    memory_debug_profile::printable(text).into_owned()
}

/// Longest name in text, in characters. JSON has the whole name.
const NAME_LENGTH: usize = 160;

/// The name of a type or function for text output: on one line, and shortened between its arguments if it is long.
pub fn short_name(name: &str) -> String {
    printable(&shorten_name(name, NAME_LENGTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_a_long_name_is_cut_and_cannot_forge_lines() {
        let name = short_name(&format!("Vec<\n({})>", "u8, Long, ".repeat(5_000)));
        assert!(name.starts_with("Vec<\\u{a}(u8, Long, u8, ") && name.ends_with(", …)>"), "{name}");
        assert!(name.chars().count() < 200, "{name}");
    }

    #[test]
    fn bytes_are_in_binary_units() {
        assert_eq!(Bytes(0).to_string(), "0 B");
        assert_eq!(Bytes(1023).to_string(), "1023 B");
        assert_eq!(Bytes(1024).to_string(), "1.00 KiB");
        assert_eq!(format!("{:.0}", Bytes(512 << 10)), "512 KiB");
        assert_eq!(format!("{:.1}", Bytes(537_184_666)), "512.3 MiB");
        assert_eq!(Bytes(u64::MAX).to_string(), "16.00 EiB");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(
            [0, 999, 1000, 97_100, 1_234_567].map(count),
            ["0", "999", "1,000", "97,100", "1,234,567"]
        );
    }

    #[test]
    fn spans_have_two_units() {
        assert_eq!([59, 61, 11_520, 187_200].map(span), ["59s", "1m 1s", "3h 12m", "2d 4h"]);
    }

    #[test]
    fn a_whole_of_zero_has_no_percentage() {
        assert_eq!(percent(0.0, 0.0), None);
        assert_eq!(percent(1.0, 4.0), Some(25.0));
    }

    #[test]
    fn s64_control_characters_are_escaped() {
        assert_eq!(printable("a\r\n\u{1b}[31m\u{202e}é<T>"), "a\\u{d}\\u{a}\\u{1b}[31m\\u{202e}é<T>");
    }
}
