//! A quantity and its parts as a picture. The numbers are in a table beside it, which is the accessible form.

use maud::{Markup, html};
use memory_debug_report::RowSource;

/// One part of a bar.
pub(crate) struct Part {
    /// The class of its colour and pattern.
    pub(crate) class: &'static str,
    pub(crate) bytes: u64,
}

/// The patterns of parts, so that colour is not the only sign: the class, and the lines of a square of 8 by 8.
const PATTERNS: &[(&str, &str)] = &[
    ("fragmentation", "M0 8 8 0"),
    ("free", "M0 4H8"),
    ("own", "M4 0V8"),
    ("outside", "M0 8 8 0M0 0 8 8"),
    ("others", "M0 8 8 0"),
];

/// A bar of parts, side by side. The bar stands for `whole`, or for the sum of the parts if that is more.
///
/// Widths are attributes of the picture, because the page's policy forbids inline styles.
pub(crate) fn bar(parts: &[Part], whole: u64) -> Markup {
    let sum = parts.iter().fold(0, |sum: u64, part| sum.saturating_add(part.bytes));
    let scale = 100.0 / whole.max(sum).max(1) as f64;
    let mut left = 0.0;
    let mut boxes = Vec::new();
    for part in parts {
        let width = part.bytes as f64 * scale;
        boxes.push((part.class, left, width));
        left += width;
    }
    html! {
        svg.bar aria-hidden="true" {
            rect.rest width="100%" height="100%" {}
            @for (class, x, width) in boxes {
                (rectangle(class, x, width, None))
                @if has_pattern(class) { (rectangle("lines", x, width, Some(class))) }
            }
        }
    }
}

fn rectangle(class: &str, x: f64, width: f64, pattern: Option<&str>) -> Markup {
    let fill = pattern.map(|pattern| format!("url(#{pattern})"));
    html! {
        rect class=(class) x=(format!("{x:.2}%")) width=(format!("{width:.2}%")) height="100%" fill=[fill] {}
    }
}

fn has_pattern(class: &str) -> bool {
    PATTERNS.iter().any(|(known, _)| *known == class)
}

/// The colour and pattern of a part, beside its name.
pub(crate) fn swatch(class: &str) -> Markup {
    html! {
        svg.swatch aria-hidden="true" {
            (rectangle(class, 0.0, 100.0, None))
            @if has_pattern(class) { (rectangle("lines", 0.0, 100.0, Some(class))) }
        }
    }
}

/// The definitions of the patterns. A page with bars needs them once.
pub(crate) fn patterns() -> Markup {
    html! {
        svg.hidden aria-hidden="true" {
            defs {
                @for (id, lines) in PATTERNS {
                    pattern id=(id) width="8" height="8" patternUnits="userSpaceOnUse" { path d=(lines) {} }
                }
            }
        }
    }
}

/// The share of a row in the `total` of its table, with its error if it is sampled.
pub(crate) fn share_of(total: Option<u64>, bytes: u64, stderr: f64, source: RowSource) -> Markup {
    let total = total.unwrap_or_default() as f64;
    let share = |bytes: f64| if total > 0.0 { bytes / total } else { 0.0 };
    whisker(share(bytes as f64), if source == RowSource::Exact { 0.0 } else { share(stderr) })
}

/// A share of a whole, and one standard error on both sides. Both are fractions from 0 to 1.
pub(crate) fn whisker(share: f64, stderr: f64) -> Markup {
    let at = |fraction: f64| format!("{:.1}", 100.0 * fraction.clamp(0.0, 1.0));
    html! {
        svg.whisker viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
            rect.share width=(at(share)) height="10" {}
            @if stderr > 0.0 {
                line x1=(at(share - stderr)) x2=(at(share + stderr)) y1="5" y2="5" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_side_by_side_and_never_leave_the_bar() {
        let part = |class, bytes| Part { class, bytes };
        let text = bar(&[part("in-use", 50), part("free", 25)], 100).into_string();
        for wanted in [
            r#"class="in-use" x="0.00%" width="50.00%""#,
            r#"class="free" x="50.00%" width="25.00%" height="100%">"#,
            r#"class="lines" x="50.00%" width="25.00%" height="100%" fill="url(#free)""#,
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        let more = bar(&[part("in-use", 50), part("free", 150)], 100).into_string();
        assert!(more.contains(r#"x="25.00%" width="75.00%""#), "{more}");
        assert!(bar(&[part("in-use", 0)], 0).into_string().contains(r#"width="0.00%""#));
    }

    #[test]
    fn an_error_stays_in_the_picture_and_an_exact_number_has_none() {
        let text = whisker(0.9, 0.2).into_string();
        assert!(text.contains(r#"width="90.0""#) && text.contains(r#"x1="70.0" x2="100.0""#), "{text}");
        assert!(!whisker(0.5, 0.0).into_string().contains("line"));
    }
}
