//! The state on a screen of any size.

mod columns;
mod course;
mod header;
mod help;
mod ink;
mod problems;
mod quantity;
mod rows;

use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

pub(super) use self::ink::Palette;
use self::ink::{BOLD, REVERSED, put, put_right};
use super::keys::Mode;
use super::state::State;

/// A screen at least so high has room for a header that says more.
const TALL: u16 = 30;

/// What is where, from top to bottom.
#[derive(Clone, Copy, Debug)]
struct Layout {
    header: Rect,
    heading: Rect,
    rows: Rect,
    total: Rect,
    footer: Rect,
}

impl Layout {
    /// The rows come first: as the screen gets lower, the header gives its lines up, then the footer, then the total.
    fn of(area: Rect, is_tall: bool, problems: usize) -> Self {
        const LEAST_ROWS: u16 = 3;
        let mut left = area.height.saturating_sub(1);
        let mut take = |wanted: u16, keep: u16| {
            let taken = wanted.min(left.saturating_sub(keep));
            left -= taken;
            taken
        };
        let heading = take(1, 0);
        let footer = take(1, LEAST_ROWS);
        let total = take(1, LEAST_ROWS);
        let header = take(header::height(is_tall, problems), LEAST_ROWS);
        let mut y = area.y;
        let mut part = |height: u16| {
            let rect = Rect { y, height, ..area };
            y = y.saturating_add(height);
            rect
        };
        Self {
            header: part(header),
            heading: part(heading),
            rows: part(area.height.saturating_sub(header + heading + total + footer)),
            total: part(total),
            footer: part(footer),
        }
    }
}

/// How many rows a screen of this size has room for.
pub(super) fn page(state: &State, now: Instant, area: Rect) -> usize {
    Layout::of(area, area.height >= TALL, problems::problems(state, now).len()).rows.height.into()
}

pub(super) fn draw(state: &State, now: Instant, palette: Palette, area: Rect, screen: &mut Buffer) {
    let area = area.intersection(screen.area);
    let is_tall = area.height >= TALL;
    let layout = Layout::of(area, is_tall, problems::problems(state, now).len());
    draw_table(state, now, palette, is_tall, layout, screen);
    draw_footer(state, layout, screen);
    if state.mode() == Mode::Help {
        help::draw(state, area, screen);
    }
}

/// A screen with room for just so many rows, and without what is about keys.
pub(super) fn text(state: &State, now: Instant, width: u16, rows: u16) -> Buffer {
    let header = header::height(true, problems::problems(state, now).len());
    let part = |y, height| Rect { x: 0, y, width, height };
    let layout = Layout {
        header: part(0, header),
        heading: part(header, 1),
        rows: part(header + 1, rows),
        total: part(header + 1 + rows, 1),
        footer: Rect::ZERO,
    };
    let mut screen = Buffer::empty(part(0, header + rows + 2));
    draw_table(state, now, Palette::PLAIN, true, layout, &mut screen);
    screen
}

fn draw_table(
    state: &State,
    now: Instant,
    palette: Palette,
    is_tall: bool,
    layout: Layout,
    screen: &mut Buffer,
) {
    header::draw(state, now, palette, is_tall, layout.header, screen);
    rows::draw(state, palette, layout.heading, layout.rows, layout.total, screen);
}

fn draw_footer(state: &State, layout: Layout, screen: &mut Buffer) {
    let footer = layout.footer;
    if footer.is_empty() {
        return;
    }
    let (rows, above) = state.position();
    let shown = rows.saturating_sub(above).min(layout.rows.height.into());
    let position = match shown {
        0 => format!("0 of {rows}"),
        shown => format!("{}–{} of {rows}", above + 1, above + shown),
    };
    let filter = quantity::fitted(state.filter(), usize::from(footer.width / 3).max(8));
    let keys = match state.mode() {
        Mode::Filter => Line::from(vec![
            Span::styled(format!("filter: {filter}"), BOLD),
            Span::styled(" ", REVERSED),
            Span::raw("  Enter keeps, Esc clears"),
        ]),
        _ if !state.filter().is_empty() => Line::from(vec![
            Span::styled(format!("filter: {filter}"), BOLD),
            Span::raw("  Esc clears · ? help · q quit"),
        ]),
        _ => Line::raw("b o g n sort · r reverse · / filter · p pause · ? help · q quit"),
    };
    put(screen, footer, &keys);
    put_right(screen, footer, keys.width(), &Line::raw(position));
}

/// What stands on the screen, without the spaces at the end of lines.
pub(super) fn lines(screen: &Buffer) -> impl Iterator<Item = String> {
    let width = usize::from(screen.area.width).max(1);
    screen.content().chunks(width).map(|cells| {
        let mut line = String::new();
        // What is two columns wide has an empty cell after it, which the first one covers.
        let mut covered = 0_usize;
        for cell in cells {
            if covered == 0 {
                line.push_str(cell.symbol());
            }
            covered = covered.max(Span::raw(cell.symbol()).width()).saturating_sub(1);
        }
        line.truncate(line.trim_end().len());
        line
    })
}

#[cfg(test)]
pub(super) mod tests;
