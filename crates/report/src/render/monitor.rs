//! What the monitor of a process watches and saw.

mod blocks;
mod captures;
mod events;
mod rules;

use std::fmt::{self, Display, Formatter};

pub use self::captures::earlier;
use super::header::identity_of;
use super::layout::{Layout, Terminal, fact};
use super::reasons;
use crate::monitor::{MonitorCost, MonitorReport, MonitorStatus};
use crate::units::{Bytes, count, printable};

impl Display for MonitorReport {
    /// The identity of the process, then the content of the page.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", identity_of(&self.instance).join(" · "))?;
        write(&mut Terminal(f), self)
    }
}

/// Writes how earlier processes ended, the rules, what is blocked, the events, the captures, and the cost of the
/// monitor.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &MonitorReport) -> fmt::Result {
    match &report.monitor {
        Some(monitor) => {
            out.remark(&running(report, monitor))?;
            captures::write_earlier(out, monitor.captures.as_ref())?;
            rules::write(out, &monitor.rules)?;
            blocks::write(out, monitor.blocked.as_deref())?;
            events::write(out, monitor)?;
            captures::write(out, monitor.captures.as_ref(), report.unavailable.get(NO_CAPTURES))?;
            write_cost(out, &monitor.cost)?;
        }
        None => {
            let reason = report.unavailable.get(NO_MONITOR).unwrap_or("the reason is unknown");
            out.paragraph(&format!("no monitor runs in this process: {}", printable(reason)))?;
        }
    }
    write_unavailable(out, report)
}

/// The paths of reasons that have a place of their own on the page.
const NO_MONITOR: &str = "monitor";
const NO_CAPTURES: &str = "monitor.captures";

/// Since when the monitor runs, and what wakes it.
fn running(report: &MonitorReport, monitor: &MonitorStatus) -> String {
    let woken = if monitor.wakes.is_empty() {
        "woken by its interval alone".to_owned()
    } else {
        format!("woken by its interval and by {}", printable(&monitor.wakes.join(", ")))
    };
    let (at, since) = (printable(&report.reported_at), printable(&monitor.started_at));
    format!("reported {at} · monitor since {since} · {woken}")
}

fn write_cost(out: &mut dyn Layout, cost: &MonitorCost) -> fmt::Result {
    out.heading("cost of the monitor")?;
    fact(out, "looks", Some(count(cost.looks)))?;
    fact(out, "of these, by wake-ups", Some(count(cost.wakes)))?;
    fact(out, "processor time", cost.cpu_us.map(milliseconds))?;
    fact(out, "memory", Some(Bytes(cost.bytes)))?;
    fact(out, "file descriptors", Some(count(cost.descriptors)))?;
    fact(out, "panics of callbacks", Some(count(cost.panics)))
}

/// The values that are missing, with their reasons. The reasons for a missing monitor and for missing captures are above.
fn write_unavailable(out: &mut dyn Layout, report: &MonitorReport) -> fmt::Result {
    reasons::write(
        out,
        report.unavailable.iter().filter(|(path, _)| ![NO_MONITOR, NO_CAPTURES].contains(path)),
    )
}

/// A duration in milliseconds, from microseconds.
pub(super) fn milliseconds(microseconds: u64) -> String {
    format!("{:.1} ms", microseconds as f64 / 1000.0)
}

#[cfg(test)]
mod tests;
