//! Numbers and names in few columns.

use memory_debug_report::units::{Bytes, count, percent, printable};
use ratatui::text::Span;

use crate::top::growth::Growth;

pub(super) fn bytes(bytes: u64) -> String {
    format!("{:.1}", Bytes(bytes))
}

pub(super) fn signed_bytes(change: i64) -> String {
    format!("{}{:.1}", if change < 0 { '-' } else { '+' }, Bytes(change.unsigned_abs()))
}

/// A count with separators, or in millions and larger units: at most nine columns.
pub(super) fn objects(objects: u64) -> String {
    const UNITS: [(f64, &str); 4] = [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G")];
    if objects < 10_000_000 {
        return count(objects);
    }
    let (size, unit) = UNITS.into_iter().find(|(size, _)| objects as f64 >= *size).unwrap_or((1e6, "M"));
    format!("{:.1} {unit}", objects as f64 / size)
}

/// `error` in percent of `of`: at most five columns.
pub(super) fn share(error: f64, of: u64) -> String {
    match percent(error, of as f64) {
        Some(percent) if percent < 999.5 => format!("{percent:.0} %"),
        Some(_) => ">999%".into(),
        None => "–".into(),
    }
}

/// Growth per hour in percent: at most eight columns.
pub(super) fn per_hour(growth: &Growth) -> String {
    match growth.percent_per_hour() {
        Some(percent) if percent.abs() < 999.95 => format!("{percent:+.1}"),
        Some(percent) if percent.abs() < 999_999.5 => format!("{percent:+.0}"),
        Some(percent) => format!("{percent:+.0e}"),
        None => "–".into(),
    }
}

/// Untrusted text in at most `width` columns. Text that is cut ends in `…`.
pub(super) fn fitted(text: &str, width: usize) -> String {
    // Ignore the part of a long text that cannot fit anyway.
    let head: String = text.chars().take(width.saturating_mul(4).saturating_add(8)).collect();
    let head = printable(&head);
    if Span::raw(head.as_str()).width() <= width {
        return head;
    }
    let mut fitted = String::new();
    let mut taken = 1;
    for c in head.chars() {
        taken += Span::raw(c.encode_utf8(&mut [0; 4]) as &str).width();
        if taken > width {
            break;
        }
        fitted.push(c);
    }
    if width > 0 {
        fitted.push('…');
    }
    fitted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_fit_their_columns() {
        for number in [0, 1, 999, 9_999_999, 10_000_000, 999_999_999, 1 << 40, u64::MAX] {
            assert!(objects(number).chars().count() <= 9, "{}", objects(number));
            assert!(bytes(number).chars().count() <= 10, "{}", bytes(number));
        }
        assert_eq!((objects(9_999_999), objects(10_400_000)), ("9,999,999".into(), "10.4 M".into()));
        assert_eq!(signed_bytes(i64::MIN), "-8.0 EiB");
        assert_eq!([share(5.0, 10), share(99.0, 1), share(1.0, 0)], ["50 %", ">999%", "–"]);
        for change in [0.0, -999.96, 123_456.0, 1e30, -1e30] {
            let growth = Growth { base: 1, per_hour: Some(change), ..Growth::default() };
            assert!(per_hour(&growth).chars().count() <= 8, "{}", per_hour(&growth));
        }
    }

    #[test]
    fn cut_name_ends_in_an_ellipsis_and_cannot_move_the_cursor() {
        assert_eq!(fitted("HashMap<String>", 15), "HashMap<String>");
        assert_eq!(fitted("HashMap<String>", 8), "HashMap…");
        assert_eq!(fitted("大きい型", 5), "大き…");
        assert_eq!(fitted("a\u{1b}[2J", 20), "a\\u{1b}[2J");
        assert_eq!([fitted("ab", 0), fitted("ab", 1), fitted("", 0)], ["", "…", ""]);
        let long = "x".repeat(1 << 20);
        assert_eq!(fitted(&long, 3), "xx…");
    }
}
