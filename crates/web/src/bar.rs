//! A quantity and its parts as a picture. The numbers are in a table beside it, which is the accessible form.

use maud::{Markup, html};

/// One part of a bar.
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) bytes: u64,
}

/// A bar of parts, side by side. Their widths add up to at most `whole`.
///
/// Widths are attributes of the picture, because the page's policy forbids inline styles. Each part has a class of its
/// own, for its colour and pattern.
pub(crate) fn bar(parts: &[Part], whole: u64) -> Markup {
    let scale = 1000.0 / whole.max(1) as f64;
    let mut left = 0.0;
    let boxes: Vec<(f64, f64)> = parts
        .iter()
        .map(|part| {
            let width = (part.bytes as f64 * scale).min(1000.0 - left);
            let begin = left;
            left += width;
            (begin, width)
        })
        .collect();
    html! {
        svg.bar viewBox="0 0 1000 24" preserveAspectRatio="none" aria-hidden="true" {
            rect.rest width="1000" height="24" {}
            @for (index, (x, width)) in boxes.iter().enumerate() {
                rect class={ "part-" (index) } x=(format!("{x:.1}")) width=(format!("{width:.1}")) height="24" {}
            }
        }
    }
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
    fn parts_are_side_by_side_and_do_not_exceed_the_whole() {
        let part = |bytes| Part { name: "part", bytes };
        let text = bar(&[part(50), part(25), part(75)], 100).into_string();
        for wanted in [
            r#"class="part-0" x="0.0" width="500.0""#,
            r#"class="part-1" x="500.0" width="250.0""#,
            r#"class="part-2" x="750.0" width="250.0""#,
        ] {
            assert!(text.contains(wanted), "{text}");
        }
        assert!(bar(&[part(1)], 0).into_string().contains(r#"width="1000.0""#));
    }

    #[test]
    fn an_error_stays_in_the_picture_and_an_exact_number_has_none() {
        let text = whisker(0.9, 0.2).into_string();
        assert!(text.contains(r#"width="90.0""#) && text.contains(r#"x1="70.0" x2="100.0""#), "{text}");
        assert!(!whisker(0.5, 0.0).into_string().contains("line"));
    }
}
