//! A size over several moments, as a picture. The numbers are in a table beside it.

use std::fmt::Write;

use maud::{Markup, html};

/// Bytes at one moment, with one standard error.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    pub(crate) bytes: u64,
    pub(crate) stderr: f64,
}

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// A line through the points, from zero upwards, in equal steps, with a band of one standard error. Nothing if there are
/// fewer than two points.
pub(crate) fn chart(points: &[Point]) -> Markup {
    if points.len() < 2 {
        return Markup::default();
    }
    let most = points.iter().map(|point| point.bytes as f64 + point.stderr).fold(1.0, f64::max);
    let step = WIDTH / (points.len() - 1) as f64;
    let at = |index: usize, bytes: f64| (index as f64 * step, HEIGHT * (1.0 - bytes.max(0.0) / most));
    let numbered = || points.iter().enumerate();
    let middle = numbered().map(|(index, point)| at(index, point.bytes as f64));
    let upper = numbered().map(|(index, point)| at(index, point.bytes as f64 + point.stderr));
    let lower = numbered().rev().map(|(index, point)| at(index, point.bytes as f64 - point.stderr));
    html! {
        svg.chart viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-hidden="true" {
            polygon.band points=(listed(upper.chain(lower))) {}
            polyline points=(listed(middle)) {}
        }
    }
}

fn listed(points: impl Iterator<Item = (f64, f64)>) -> String {
    points.fold(String::new(), |mut list, (x, y)| {
        // Writing to a string does not fail.
        let _ = write!(list, "{}{x:.1},{y:.1}", if list.is_empty() { "" } else { " " });
        list
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_in_equal_steps_above_zero_with_their_errors() {
        let point = |bytes, stderr| Point { bytes, stderr };
        let text = chart(&[point(0, 10.0), point(50, 0.0), point(90, 10.0)]).into_string();
        assert!(text.contains(r#"<polyline points="0.0,120.0 300.0,60.0 600.0,12.0">"#), "{text}");
        let band = "0.0,108.0 300.0,60.0 600.0,0.0 600.0,24.0 300.0,60.0 0.0,120.0";
        assert!(text.contains(band), "{text}");
    }

    #[test]
    fn one_point_has_no_line_and_zeros_have_one() {
        let zero = Point { bytes: 0, stderr: 0.0 };
        assert_eq!(chart(&[zero]).into_string(), "");
        assert!(chart(&[zero; 2]).into_string().contains("0.0,120.0 600.0,120.0"));
    }
}
