//! The course of a number since the start.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Sparkline, Widget as _};

use super::ink::{put, put_right};
use super::quantity::bytes;
use crate::top::history::Point;
use crate::top::state::State;

/// Columns of the text on both sides.
const LEFT: u16 = 10;
const RIGHT: u16 = 25;

/// From the lowest to the highest that it was; what is nearly the same all the time looks so.
pub(super) fn draw(
    state: &State,
    label: &str,
    number: fn(&Point) -> Option<u64>,
    area: Rect,
    screen: &mut Buffer,
) {
    if area.is_empty() {
        return;
    }
    put(screen, area, &Line::raw(label.to_owned()));
    let width = area.width.saturating_sub(LEFT + RIGHT);
    let series = state.history().series(width.into(), number);
    let known = || series.iter().flatten().copied();
    let (Some(low), Some(high)) = (known().min(), known().max()) else { return };
    let levels = u64::from(area.height) * 8;
    let bars = series.iter().map(|value| value.map(|value| level(value, low, high, levels)));
    let bars = Sparkline::default().data(bars.collect::<Vec<_>>()).max(levels).absent_value_symbol(" ");
    let bars_area = Rect { x: area.x + LEFT.min(area.width), width, ..area };
    bars.render(bars_area, screen);
    let range = format!("{} – {}", bytes(low), bytes(high));
    let taken = LEFT + width;
    put_right(screen, area, taken.into(), &Line::raw(range));
}

/// From 1 to `levels`. A range of less than a twentieth of the whole is drawn as if it were that.
fn level(value: u64, low: u64, high: u64, levels: u64) -> u64 {
    let range = (high - low).max(high / 20).max(1);
    let above = u128::from(value.saturating_sub(high.saturating_sub(range)));
    let level = 1 + above * u128::from(levels.saturating_sub(1)) / u128::from(range);
    u64::try_from(level).unwrap_or(levels).min(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_uses_all_levels_unless_little_happened() {
        assert_eq!([100, 150, 200].map(|value| level(value, 100, 200, 8)), [1, 4, 8]);
        assert_eq!([1000, 1001].map(|value| level(value, 1000, 1001, 8)), [7, 8]);
        assert_eq!([0, u64::MAX].map(|value| level(value, 0, u64::MAX, 16)), [1, 16]);
        assert_eq!(level(0, 0, 0, 8), 1);
        assert_eq!(level(7, 7, 7, 8), 8);
    }
}
