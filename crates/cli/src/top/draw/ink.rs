//! Styles, and how a line is written on the screen.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::Line;

/// Colours that are readable on a light and on a dark background. Everything that a colour says is also in the text.
#[derive(Clone, Copy, Debug)]
pub(in crate::top) struct Palette {
    pub(super) growing: Style,
    pub(super) shrinking: Style,
    pub(super) missing: Style,
    pub(super) slow: Style,
}

impl Palette {
    pub(in crate::top) const COLOURFUL: Self = Self {
        growing: BOLD.fg(Color::Red),
        shrinking: BOLD.fg(Color::Green),
        missing: BOLD.fg(Color::Red),
        slow: BOLD.fg(Color::Magenta),
    };
    pub(in crate::top) const PLAIN: Self = Self { growing: BOLD, shrinking: BOLD, missing: BOLD, slow: BOLD };
}

pub(super) const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
pub(super) const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Writes a line into the first row of `area`, cut to its width.
pub(super) fn put(screen: &mut Buffer, area: Rect, line: &Line<'_>) {
    if !area.is_empty() {
        screen.set_line(area.x, area.y, line, area.width);
    }
}

/// Writes a line at the right end of the first row of `area`, if it leaves `taken` columns and a space free.
pub(super) fn put_right(screen: &mut Buffer, area: Rect, taken: usize, line: &Line<'_>) {
    let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
    if taken + 1 + usize::from(width) <= usize::from(area.width) {
        put(screen, Rect { x: area.right() - width, width, ..area }, line);
    }
}
