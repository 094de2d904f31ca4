//! The lines above the table: the instances, which of them answer, the sums, and the sums over time.

use std::time::{Duration, Instant};

use memory_debug_report::units::span;
use memory_debug_report::{Ceiling, FleetReport, LimitSource, Spread};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::course;
use super::ink::{BOLD, Palette, REVERSED, put, put_right};
use super::problems::{Problem, problems};
use super::quantity::{bytes, fitted};
use crate::top::state::State;
use crate::top::table::fullness;

/// The lines of text, above the bars of two sums.
const LINES: u16 = 4;

/// On a tall screen, at most this many instances that do not answer have their own line.
const PROBLEMS_SHOWN: usize = 4;

pub(super) fn height(is_tall: bool, problems: usize) -> u16 {
    if !is_tall {
        return LINES + 2;
    }
    // The first problem is in the line that counts the answers.
    let more = problems.min(PROBLEMS_SHOWN + 1).saturating_sub(1);
    LINES + u16::try_from(more).unwrap_or_default() + 4
}

pub(super) fn draw(
    state: &State,
    now: Instant,
    palette: Palette,
    is_tall: bool,
    area: Rect,
    screen: &mut Buffer,
) {
    let width = usize::from(area.width);
    let mut rows = area.rows();
    let mut next = || rows.next().unwrap_or(Rect { height: 0, ..area });
    let first = next();
    let title = title(state, now, width);
    let title_width = title.width();
    put(screen, first, &title);
    if state.is_paused() {
        put_right(screen, first, title_width, &Line::styled(" paused ", REVERSED));
    }
    let problems = problems(state, now);
    put(screen, next(), &answered(state, now, &problems, is_tall, palette, width));
    if is_tall {
        for index in 1..problems.len().min(PROBLEMS_SHOWN + 1) {
            let line = match problems.len() - index {
                more if index == PROBLEMS_SHOWN && more > 1 => Line::raw(format!("  … and {more} more")),
                _ => problems[index].line(palette, "  ", width),
            };
            put(screen, next(), &line);
        }
    }
    put(screen, next(), &memory(state, width));
    put(screen, next(), &collected(state, width));
    let mut draw_course = |label, number| {
        let mut lines = next();
        if is_tall {
            lines.height += next().height;
        }
        course::draw(state, label, number, lines, screen);
    };
    draw_course("allocated", |point| point.allocated);
    draw_course("resident", |point| point.resident);
}

fn title(state: &State, now: Instant, width: usize) -> Line<'static> {
    let fleet = &state.table().fleet;
    let mut parts = Vec::new();
    if let Some(program) = fleet.programs.first() {
        let service = program.service.as_deref().unwrap_or("unnamed service");
        let version = program.version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        let others = match fleet.programs.len() - 1 {
            0 => String::new(),
            others => format!(" and {others} more"),
        };
        parts.push(fitted(&format!("{service}{version}"), 40) + &others);
    }
    let targets: Vec<_> = state.standings(now).map(|(target, _)| target).collect();
    parts.push(match targets[..] {
        [target] => fitted(target, 60),
        _ => format!("{} instances", targets.len() + state.unaddressed().len()),
    });
    parts.push(format!("for {}", span(state.age(now).as_secs())));
    let rest = joined(parts, width.saturating_sub(16));
    Line::from(vec![Span::styled("memory-debug top", BOLD), Span::raw(format!(" · {rest}"))])
}

/// The number of instances that answered, and the first instance that did not.
fn answered(
    state: &State,
    now: Instant,
    problems: &[Problem],
    is_tall: bool,
    palette: Palette,
    width: usize,
) -> Line<'static> {
    let here = state.answering();
    let all = state.watched() + state.unaddressed().len();
    let mut text = match all {
        1 if here == 1 => "answered".to_owned(),
        1 => "no answer".to_owned(),
        _ => format!("{here} of {all} answered"),
    };
    if let Some(lost) = state.lost(now) {
        text.push_str(&format!(" for {}, showing the last table", span(lost.as_secs())));
    }
    if state.restarts() > 0 {
        text.push_str(&format!(" · process changed {}×", state.restarts()));
    }
    if state.resampled() > 0 {
        text.push_str(&format!(" · growth restarted {}×: samples changed", state.resampled()));
    }
    let Some(first) = problems.first() else {
        text.push_str(&format!(" · asked every {:?}", state.interval()));
        return Line::raw(fitted(&text, width));
    };
    let more = if is_tall { 0 } else { problems.len() - 1 };
    let more = if more > 0 { format!(" · and {more} more") } else { String::new() };
    text.push_str(" · ");
    let left = width.saturating_sub(Span::raw(text.as_str()).width() + Span::raw(more.as_str()).width());
    let mut line = first.line(palette, "", left);
    line.spans.insert(0, Span::raw(text));
    line.push_span(more);
    line
}

fn memory(state: &State, width: usize) -> Line<'static> {
    let table = state.table();
    let fleet = &table.fleet;
    let sum = |path| fleet.sum(path).map_or("–".into(), bytes);
    let limit = fleet.numbers.get("ceiling.limit_bytes").map(|number| limit(&number.spread));
    let full = table.fullest.as_ref().map(|ceiling| {
        let subject = if fleet.instances.len() > 1 { "the fullest " } else { "" };
        format!("{subject}{:.0} % used{}", 100.0 * fullness(ceiling), owner(ceiling))
    });
    let limit = match (limit, full) {
        (Some(limit), Some(full)) => format!("{limit}, {full}"),
        (limit, _) => limit.unwrap_or_else(|| "–".into()),
    };
    let parts = vec![
        format!("resident {}", sum("process.resident_bytes")),
        format!("allocated {}", sum("allocator.allocated_bytes")),
        format!("limit {limit}"),
    ];
    Line::styled(joined(parts, width), BOLD)
}

/// The owner of the limit, unless it is the container itself.
fn owner(ceiling: &Ceiling) -> String {
    match (ceiling.set_by, &ceiling.path) {
        (LimitSource::Machine, _) => " of the machine".into(),
        (LimitSource::GroupAbove, Some(path)) => format!(" in {}", fitted(path, 40)),
        _ => String::new(),
    }
}

fn limit(spread: &Spread) -> String {
    if spread.min == spread.max {
        bytes(spread.max)
    } else {
        format!("{}–{}", bytes(spread.min), bytes(spread.max))
    }
}

fn collected(state: &State, width: usize) -> Line<'static> {
    let table = state.table();
    let mut parts = collection(&table.fleet);
    if let Some(share) = table.fleet.fragmentation() {
        parts.push(format!("fragmentation {:.1} %", 100.0 * share));
    }
    if let Some(types) = &table.fleet.types {
        let rates: Vec<_> = types.sample_bytes.iter().map(|rate| bytes(*rate)).collect();
        if !rates.is_empty() {
            parts.push(format!("sampled 1 per {}", rates.join(" or ")));
        }
    }
    if let Some(since) = table.since {
        parts.push(format!("growth of {}", span(since.as_secs())));
    }
    if table.compared > 0 {
        parts.push(format!("* beyond {:.1} standard errors", table.threshold));
    }
    if let Some(types) = table.fleet.types.as_ref().filter(|types| types.omitted_at_instances > 0) {
        parts.push(format!("{} rows left out", types.omitted_at_instances));
    }
    Line::raw(joined(parts, width))
}

fn collection(fleet: &FleetReport) -> Vec<String> {
    let Some(first) = fleet.instances.iter().map(|instance| instance.collected_at.as_str()).min() else {
        return Vec::new();
    };
    let longest = fleet.instances.iter().map(|instance| instance.duration_us).max().unwrap_or_default();
    let took = Duration::from_micros(longest.div_ceil(1000).saturating_mul(1000));
    let first = fitted(time_of_day(first), 20);
    let skew = fleet.skew_seconds.filter(|_| fleet.instances.len() > 1);
    vec![match skew {
        Some(skew) => format!("collected within {skew:.1} s from {first}, took up to {took:?}"),
        None => format!("collected {first} in {took:?}"),
    }]
}

/// The time without the date, of an RFC 3339 date and time.
fn time_of_day(moment: &str) -> &str {
    moment.split_once('T').map_or(moment, |(_, time)| time)
}

/// Joins as many parts as fit, from the first on.
fn joined(parts: Vec<String>, width: usize) -> String {
    let mut joined = String::new();
    for part in parts {
        let separator = if joined.is_empty() { "" } else { " · " };
        let longer = format!("{joined}{separator}{part}");
        if !joined.is_empty() && Span::raw(longer.as_str()).width() > width {
            break;
        }
        joined = longer;
    }
    fitted(&joined, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owner_of_the_limit_is_shown_unless_it_is_the_container() {
        let shown = |set_by: &str, path: Option<&str>| {
            let ceiling = serde_json::json!({
                "limit_bytes": 300, "used_bytes": 294, "room_bytes": 6, "set_by": set_by, "path": path,
            });
            owner(&serde_json::from_value(ceiling).unwrap())
        };
        assert_eq!(shown("group", Some("/p/a")), "");
        assert_eq!(shown("group-above", Some("/p")), " in /p");
        assert_eq!(shown("group-above", Some("/p\u{1b}[2J")), r" in /p\u{1b}[2J");
        assert_eq!(shown("machine", None), " of the machine");
    }

    #[test]
    fn parts_that_do_not_fit_are_omitted_entirely() {
        let parts = || vec!["one".to_owned(), "two".to_owned(), "three".to_owned()];
        assert_eq!(joined(parts(), 80), "one · two · three");
        assert_eq!(joined(parts(), 12), "one · two");
        assert_eq!(joined(parts(), 2), "o…");
    }
}
