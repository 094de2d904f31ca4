//! How far a scan is, as a document.

use std::fmt::{self, Display, Formatter};

use memory_debug_report::render::__private::{Terminal, write_reasons};
use memory_debug_report::render::content::{Layout, identity_of};
use memory_debug_report::units::{Bytes, percent, printable};
use memory_debug_report::{InstanceInfo, SCHEMA, Unavailable};
use serde::{Deserialize, Serialize};

/// Whether a scan runs, and how far it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ProgressReport {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The process.
    pub instance: InstanceInfo,
    /// The scan that runs. `None` if none does.
    pub running: Option<RunningScan>,
    /// When the last scan ended, RFC 3339 in UTC. `None` if none has ended.
    pub last_scanned_at: Option<String>,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

/// How far a scan is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct RunningScan {
    /// When the first scan began, RFC 3339 in UTC.
    pub started_at: String,
    /// Bytes of the heap that the present scan has read.
    pub read_bytes: u64,
    /// Bytes of the heap that it found.
    pub heap_bytes: u64,
    /// Scans that have ended.
    pub scans_done: u32,
}

impl ProgressReport {
    /// The report of a process. `last_scanned_at` is RFC 3339 in UTC.
    #[must_use]
    pub fn new(
        instance: InstanceInfo,
        running: Option<RunningScan>,
        last_scanned_at: Option<String>,
    ) -> Self {
        let mut unavailable = Unavailable::default();
        if running.is_none() {
            unavailable.note("running", "no scan runs; `GET /holders` starts one");
        }
        if last_scanned_at.is_none() {
            unavailable.note("last_scanned_at", "no scan of this process has ended");
        }
        Self { schema: SCHEMA.to_owned(), instance, running, last_scanned_at, unavailable }
    }
}

impl RunningScan {
    /// The state of a scan that began at `started_at`, RFC 3339 in UTC.
    #[must_use]
    pub fn new(started_at: impl Into<String>, read_bytes: u64, heap_bytes: u64, scans_done: u32) -> Self {
        Self { started_at: started_at.into(), read_bytes, heap_bytes, scans_done }
    }
}

impl Display for RunningScan {
    /// `scan 2, read 96.0 MiB of 128.0 MiB (75 %), begun 2026-11-20T12:12:00Z`.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "scan {}, read {:.1} of {:.1}",
            u64::from(self.scans_done) + 1,
            Bytes(self.read_bytes),
            Bytes(self.heap_bytes)
        )?;
        if let Some(percent) = percent(self.read_bytes as f64, self.heap_bytes as f64) {
            write!(f, " ({percent:.0} %)")?;
        }
        write!(f, ", begun {}", printable(&self.started_at))
    }
}

impl Display for ProgressReport {
    /// The identity of the process, then the content of the page.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", identity_of(&self.instance).join(" · "))?;
        write_progress(&mut Terminal(f), self)
    }
}

/// Writes how far the scan is, and when the last one ended.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_progress(out: &mut dyn Layout, report: &ProgressReport) -> fmt::Result {
    if let Some(running) = &report.running {
        out.remark(&running.to_string())?;
    }
    if let Some(at) = &report.last_scanned_at {
        out.remark(&format!("the last scan ended {}; `/holders?last=true` has its result", printable(at)))?;
    }
    write_reasons(out, report.unavailable.iter())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_running_scan_says_how_far_it_is() {
        let running = RunningScan::new("2026-11-20T12:12:00Z", 96 << 20, 128 << 20, 1);
        let text = ProgressReport::new(sample::instance(), Some(running), None).to_string();
        let expected = "\nscan 2, read 96.0 MiB of 128.0 MiB (75 %), begun 2026-11-20T12:12:00Z\n";
        assert!(text.contains(expected), "{text}");
        assert!(text.ends_with("last_scanned_at: no scan of this process has ended\n"), "{text}");
    }

    #[test]
    fn an_unknown_heap_has_no_percentage() {
        assert_eq!(RunningScan::new("now", 0, 0, 0).to_string(), "scan 1, read 0 B of 0 B, begun now");
    }

    #[test]
    fn without_a_scan_the_reasons_say_how_to_start_one() {
        let report = ProgressReport::new(sample::instance(), None, Some("2026-11-20T12:12:00Z".into()));
        let text = report.to_string();
        assert!(
            text.contains("the last scan ended 2026-11-20T12:12:00Z") && text.contains("GET /holders"),
            "{text}"
        );
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<ProgressReport>(&json).unwrap(), report);
    }
}
