//! Draws the table: the heading, the rows on the screen, and the total.

use memory_debug_report::units::printable;
use memory_debug_report::{FleetReport, RowSource};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::columns::Column;
use super::ink::{BOLD, Palette, REVERSED, put};
use super::quantity::{bytes, fitted, share};
use crate::top::growth::Growth;
use crate::top::state::State;
use crate::top::table::{Order, Row};

pub(super) fn draw(
    state: &State,
    palette: Palette,
    heading: Rect,
    area: Rect,
    total: Rect,
    screen: &mut Buffer,
) {
    let fleet = &state.table().fleet;
    let (columns, name_width) = Column::fitting(area.width.into(), fleet.instances.len());
    screen.set_style(heading, REVERSED);
    put(screen, heading, &heading_line(state.order(), &columns, name_width));
    let mut lines = area.rows();
    for (row, line) in state.rows().zip(&mut lines) {
        put(screen, line, &row_line(row, &columns, name_width, palette));
    }
    if let (0, Some(line)) = (state.position().0, area.rows().next()) {
        put(screen, line, &Line::raw(nothing(state)));
    }
    put(screen, total, &total_line(fleet, state.table().growth.as_ref(), &columns, name_width, palette));
}

fn heading_line(order: (Order, bool), columns: &[Column], name_width: usize) -> Line<'static> {
    let arrow = if order.1 { "▼" } else { "▲" };
    let name = if order.0 == Order::Name { format!("type {arrow}") } else { "type".into() };
    let cells = columns.iter().map(|column| {
        let arrow = if column.order() == Some(order.0) { arrow } else { "" };
        Span::raw(right(&format!("{}{arrow}", column.heading()), column.width()))
    });
    Line::from_iter([Span::raw(left(&name, name_width))].into_iter().chain(cells))
}

fn row_line(row: &Row, columns: &[Column], name_width: usize, palette: Palette) -> Line<'static> {
    let mark = if row.source == RowSource::Unattributed { "[unattributed] " } else { "" };
    let name = fitted(&format!("{mark}{}", row.name), name_width);
    let style = growth_style(row.growth.as_ref(), palette);
    let cells = columns.iter().map(|column| {
        let cell = right(&column.cell(row), column.width());
        let is_growth = matches!(column, Column::Growth | Column::Noise | Column::PerHour);
        Span::styled(cell, if is_growth { style } else { Style::new() })
    });
    let name = Span::raw(left(&name, name_width));
    Line::from_iter([name].into_iter().chain(cells).chain([star(row.growth.as_ref(), style)]))
}

fn total_line(
    fleet: &FleetReport,
    growth: Option<&Growth>,
    columns: &[Column],
    name_width: usize,
    palette: Palette,
) -> Line<'static> {
    let types = fleet.types.as_ref();
    let total = types.and_then(|types| types.total_bytes);
    let stderr = types.and_then(|types| types.total_bytes_stderr);
    let style = growth_style(growth, palette);
    let cells = columns.iter().map(|column| {
        let cell = match column {
            Column::Bytes => total.map_or("–".into(), bytes),
            Column::Error => stderr.zip(total).map_or("–".into(), |(stderr, total)| share(stderr, total)),
            Column::Growth | Column::Noise | Column::PerHour => column.growth_cell(growth),
            Column::Instances | Column::Most | Column::Objects => String::new(),
        };
        Span::styled(right(&cell, column.width()), BOLD)
    });
    let name = Span::styled(left(&fitted("total of sampled types", name_width), name_width), BOLD);
    Line::from_iter([name].into_iter().chain(cells).chain([star(growth, style)]))
}

fn growth_style(growth: Option<&Growth>, palette: Palette) -> Style {
    match growth {
        Some(growth) if growth.is_significant && growth.change > 0 => palette.growing,
        Some(growth) if growth.is_significant => palette.shrinking,
        _ => Style::new(),
    }
}

fn star(growth: Option<&Growth>, style: Style) -> Span<'static> {
    let is_significant = growth.is_some_and(|growth| growth.is_significant);
    Span::styled(if is_significant { "*" } else { "" }, style)
}

/// The reason why there are no rows.
fn nothing(state: &State) -> String {
    let fleet = &state.table().fleet;
    if !state.filter().is_empty() && !state.table().rows.is_empty() {
        return "no type name contains the filter".into();
    }
    if fleet.instances.is_empty() {
        return if fleet.missing.is_empty() { "waiting for the first answer" } else { "no instance answers" }
            .into();
    }
    let reason = fleet.unavailable.iter().find(|(path, _)| path.ends_with(".types"));
    match reason {
        Some((_, reason)) => format!("no table of types: {}", printable(reason)),
        None => "no sampled memory".into(),
    }
}

/// Aligns `text` to the right, after the space that separates the columns.
fn right(text: &str, width: usize) -> String {
    let gap = (width + 1).saturating_sub(Span::raw(text).width());
    format!("{}{text}", " ".repeat(gap))
}

fn left(text: &str, width: usize) -> String {
    let gap = width.saturating_sub(Span::raw(text).width());
    format!("{text}{}", " ".repeat(gap))
}
