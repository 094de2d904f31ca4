//! What a tracer counted: the tree of calls, then the routes.

use std::fmt::{self, Display, Formatter};

use super::header::identity_of;
use super::layout::{Layout, Terminal};
use super::reasons;
use super::table::more;
use super::tasks::{aligned, indented};
use crate::trace::{BytesPerRequest, RouteTrace, Trace, TraceEvent, TraceNode, TraceReport};
use crate::units::{Bytes, count, printable, short_name};

/// A column: its heading, and its cell in a row. `None` if the row has no number.
type Column<T> = (&'static str, fn(&T) -> Option<String>);

const CALLS: &[Column<TraceNode>] = &[
    ("calls", |node| Some(count(node.calls))),
    ("pending", |node| not_zero(node.pending)),
    ("cancelled", |node| not_zero(node.cancelled)),
    ("total", |node| Some(milliseconds(node.total_ns))),
    ("busy", |node| Some(milliseconds(node.busy_ns))),
    ("own busy", |node| Some(milliseconds(node.own_busy_ns))),
    ("longest poll", |node| Some(milliseconds(node.longest_poll_ns))),
    ("bytes per call", |node| node.allocated?.checked_div(node.calls).map(bytes)),
    ("allocated", |node| node.allocated.map(bytes)),
    ("at", |node| place(node)),
];

const ROUTES: &[Column<RouteTrace>] = &[
    ("requests", |route| Some(count(route.requests))),
    ("in flight", |route| Some(count(route.in_flight))),
    ("cancelled", |route| not_zero(route.cancelled)),
    ("bytes per request", |route| per_request(route, |bytes| bytes.mean)),
    ("p50", |route| per_request(route, |bytes| bytes.p50)),
    ("p99", |route| per_request(route, |bytes| bytes.p99)),
    ("max", |route| per_request(route, |bytes| bytes.max)),
    ("allocated", |route| per_request(route, |bytes| bytes.total)),
    ("live", |route| route.live.map(bytes)),
    ("±", |route| route.live_stderr.map(|stderr| bytes(stderr.round() as u64))),
    ("total", |route| Some(milliseconds(route.total_ns))),
    ("busy", |route| Some(milliseconds(route.busy_ns))),
    ("longest poll", |route| Some(milliseconds(route.longest_poll_ns))),
];

/// What the numbers mean.
const MEANING: &str = "a call stands below the call that began it; calls below it can overlap or outlive it, and then add \
                       up to more than its total; pending calls count so far";

/// What live bytes of a route are.
const LIVE: &str = "live: memory that requests of the route allocated and that is not freed yet, an estimate from samples \
                    with its standard error; also from before the counting began";

/// What to do if nothing was counted.
const NOTHING: &str =
    "nothing counted yet; start it for a time with `POST /trace` or `memory-debug trace URL --seconds 30`";

impl Display for TraceReport {
    /// The identity of the process, then the content of the page.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", identity_of(&self.instance).join(" · "))?;
        write(&mut Terminal(f), self)
    }
}

/// Writes whether the tracer counts, the tree of calls, and the routes.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &TraceReport) -> fmt::Result {
    match &report.trace {
        Some(trace) => {
            out.remark(&state(report, trace))?;
            write_tree(out, trace)?;
            write_routes(out, trace)?;
        }
        None => {
            let reason = report.unavailable.get(NO_TRACER).unwrap_or("the reason is unknown");
            out.paragraph(&format!("no tracer in this process: {}", printable(reason)))?;
        }
    }
    reasons::write(out, report.unavailable.iter().filter(|(path, _)| *path != NO_TRACER))
}

/// The path of a reason that has a place of its own on the page.
const NO_TRACER: &str = "trace";

/// Whether the tracer counts, since when, until when, and who started it.
fn state(report: &TraceReport, trace: &Trace) -> String {
    let mut parts = vec![format!("reported {}", printable(&report.reported_at))];
    let Some(since) = trace.started_at.as_deref().map(printable) else {
        parts.push(NOTHING.to_owned());
        return parts.join(" · ");
    };
    let until = trace.ends_at.as_deref().map(|until| format!(" until {}", printable(until)));
    let state = if trace.counting { "counts" } else { "does not count now; counted" };
    parts.push(format!("{state} since {since}{}", until.unwrap_or_default()));
    parts.push(format!("counted {:.1} s", trace.counted_ns as f64 / 1e9));
    parts.extend(trace.started_by.as_deref().map(|user| format!("started by {}", printable(user))));
    parts.join(" · ")
}

fn write_tree(out: &mut dyn Layout, trace: &Trace) -> fmt::Result {
    if trace.nodes.is_empty() {
        return Ok(());
    }
    out.heading("calls")?;
    let names = aligned(trace.nodes.iter().map(|node| indented(node.depth, &node.name)).collect());
    write_columns(out, "call", names, &trace.nodes, CALLS)?;
    more(trace.omitted).map_or(Ok(()), |line| out.remark(&line))?;
    out.remark(MEANING)?;
    match trace.calls_in_other {
        0 => Ok(()),
        calls => out.remark(&format!(
            "{} calls count under `(other)`, because the tracer keeps at most {} nodes",
            count(calls),
            count(trace.max_nodes)
        )),
    }
}

fn write_routes(out: &mut dyn Layout, trace: &Trace) -> fmt::Result {
    if trace.routes.is_empty() {
        return Ok(());
    }
    out.heading("routes")?;
    let names = trace.routes.iter().map(|route| short_name(&route.route));
    write_columns(out, "route", names, &trace.routes, ROUTES)?;
    more(trace.omitted_routes).map_or(Ok(()), |line| out.remark(&line))?;
    out.remark("bytes of finished requests; p50 and p99 are exact to one eighth")?;
    if trace.routes.iter().any(|route| route.live.is_some()) {
        out.remark(LIVE)?;
    }
    Ok(())
}

/// Writes rows with the columns that have a number in any row.
fn write_columns<T>(
    out: &mut dyn Layout,
    of: &str,
    names: impl Iterator<Item = String>,
    rows: &[T],
    columns: &[Column<T>],
) -> fmt::Result {
    let columns: Vec<_> =
        columns.iter().filter(|(_, cell)| rows.iter().any(|row| cell(row).is_some())).collect();
    let headings: Vec<_> = [of].into_iter().chain(columns.iter().map(|(heading, _)| *heading)).collect();
    let cells = |row: &T| -> Vec<String> {
        columns.iter().map(|(_, cell)| cell(row).unwrap_or_else(|| "–".to_owned())).collect()
    };
    let rows: Vec<_> = names.zip(rows).map(|(name, row)| [vec![name], cells(row)].concat()).collect();
    out.table(&headings, &rows)
}

fn not_zero(number: u64) -> Option<String> {
    (number > 0).then(|| count(number))
}

fn bytes(number: u64) -> String {
    Bytes(number).to_string()
}

/// A duration in milliseconds, from nanoseconds. All durations have one unit, so that browsers can sort them.
fn milliseconds(nanoseconds: u64) -> String {
    format!("{:.3} ms", nanoseconds as f64 / 1e6)
}

fn per_request(route: &RouteTrace, number: fn(&BytesPerRequest) -> u64) -> Option<String> {
    route.allocated.as_ref().map(number).map(bytes)
}

fn place(node: &TraceNode) -> Option<String> {
    let line = node.line.map_or_else(String::new, |line| format!(":{line}"));
    node.file.as_deref().map(|file| printable(file) + &line)
}

/// A number of an event, in the unit of the event.
pub fn quantity(event: TraceEvent, number: u64) -> String {
    match event {
        TraceEvent::Allocated => bytes(number),
        _ => milliseconds(number),
    }
}

#[cfg(test)]
mod tests;
