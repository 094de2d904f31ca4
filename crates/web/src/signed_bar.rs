//! A change as a picture. The numbers are in the cells beside it, which are the accessible form.

use maud::{Markup, html};

/// A bar that goes from the middle to the right for growth and to the left for shrinking, with one standard error on
/// both sides of its end. `most` is the largest change that the picture shows.
///
/// A change within noise has the class `noise`.
pub(crate) fn signed_bar(change: f64, stderr: f64, most: f64, is_significant: bool) -> Markup {
    let scale = if most > 0.0 { 100.0 / most } else { 0.0 };
    let at = |value: f64| 100.0 + (value * scale).clamp(-100.0, 100.0);
    let (left, right) = (at(change.min(0.0)), at(change.max(0.0)));
    let class = match (is_significant, change < 0.0) {
        (false, _) => "noise",
        (true, false) => "grown",
        (true, true) => "shrunk",
    };
    let tenth = |number: f64| format!("{number:.1}");
    html! {
        svg.change viewBox="0 0 200 10" preserveAspectRatio="none" aria-hidden="true" {
            rect class=(class) x=(tenth(left)) width=(tenth(right - left)) height="10" {}
            line.middle x1="100" x2="100" y1="0" y2="10" {}
            @if stderr > 0.0 {
                line x1=(tenth(at(change - stderr))) x2=(tenth(at(change + stderr))) y1="5" y2="5" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_right_of_the_middle_and_shrinking_left() {
        let bar = |change, is_significant| signed_bar(change, 10.0, 50.0, is_significant).into_string();
        let (grown, shrunk) = (bar(25.0, true), bar(-50.0, true));
        assert!(grown.contains(r#"class="grown" x="100.0" width="50.0""#), "{grown}");
        assert!(grown.contains(r#"x1="130.0" x2="170.0""#), "{grown}");
        assert!(shrunk.contains(r#"class="shrunk" x="0.0" width="100.0""#), "{shrunk}");
        assert!(shrunk.contains(r#"x1="0.0" x2="20.0""#), "the error stays in the picture: {shrunk}");
        assert!(bar(25.0, false).contains(r#"class="noise""#));
    }

    #[test]
    fn a_picture_without_changes_is_empty() {
        let text = signed_bar(0.0, 0.0, 0.0, false).into_string();
        assert!(text.contains(r#"x="100.0" width="0.0""#) && !text.contains("NaN"), "{text}");
    }
}
