//! The result of a purge.

use std::fmt::{self, Display, Formatter};

use super::layout::{Layout, Terminal};
use super::reasons;
use crate::purge_report::{PurgeMoment, PurgeReport};
use crate::units::Bytes;

/// Writes the result, then each number before and after, and what is unknown.
///
/// # Errors
///
/// Errors of `out`.
pub fn write(out: &mut dyn Layout, report: &PurgeReport) -> fmt::Result {
    out.remark(&result(report))?;
    let cell =
        |moment, value: fn(&PurgeMoment) -> Option<u64>| value(moment).map(|bytes| Bytes(bytes).to_string());
    let numbers =
        NUMBERS.map(|(name, value)| (name, vec![cell(&report.before, value), cell(&report.after, value)]));
    out.moments(&["before", "after"], &numbers)?;
    if report.background_threads == Some(true) {
        out.paragraph("background threads also return unused pages on their own, after the decay time")?;
    }
    let shown = report.unavailable.iter().filter(|(path, _)| !path.starts_with("instance."));
    reasons::lines(shown).try_for_each(|line| out.paragraph(&format!("not available: {line}")))
}

fn result(report: &PurgeReport) -> String {
    let result = match report.returned_bytes {
        Some(bytes @ 0..) => format!("{} returned to the system", Bytes(bytes.unsigned_abs())),
        Some(bytes) => format!("the process grew by {} meanwhile", Bytes(bytes.unsigned_abs())),
        None => "purged".to_owned(),
    };
    format!("{result}, in {:.1} ms", report.purge_us as f64 / 1000.0)
}

impl Display for PurgeReport {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write(&mut Terminal(f), self)
    }
}

/// A number with its name.
type Number = (&'static str, fn(&PurgeMoment) -> Option<u64>);

const NUMBERS: [Number; 10] = [
    ("resident", |moment| moment.resident_bytes),
    ("anonymous", |moment| moment.anonymous_bytes),
    ("allocator resident", |moment| moment.allocator_resident_bytes),
    ("dirty pages", |moment| moment.dirty_bytes),
    ("muzzy pages", |moment| moment.muzzy_bytes),
    ("lazily freed", |moment| moment.lazy_free_bytes),
    ("retained addresses", |moment| moment.retained_bytes),
    ("active pages", |moment| moment.active_bytes),
    ("allocated", |moment| moment.allocated_bytes),
    ("in thread caches", |moment| moment.thread_cache_bytes),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_each_number_before_and_after() {
        let report: PurgeReport = serde_json::from_value(serde_json::json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
            "purged_at": "2026-11-21T09:00:00.000Z",
            "purge_us": 12_345,
            "returned_bytes": 104_857_600,
            "background_threads": true,
            "before": {"resident_bytes": 209_715_200, "dirty_bytes": 104_857_600},
            "after": {"resident_bytes": 104_857_600, "dirty_bytes": 0},
            "unavailable": {"after.muzzy_bytes": "no", "before.muzzy_bytes": "no", "instance.host": "no"},
        }))
        .unwrap();
        let text = report.to_string();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "100.00 MiB returned to the system, in 12.3 ms");
        assert_eq!(lines[3], "  resident                   200.00 MiB     100.00 MiB");
        assert_eq!(lines[6], "  dirty pages                100.00 MiB            0 B");
        assert_eq!(lines[7], "  muzzy pages                         –              –");
        assert!(text.contains("\nbackground threads also return"), "{text}");
        assert!(text.ends_with("\nnot available: after.muzzy_bytes, before.muzzy_bytes: no\n"), "{text}");
        let grown = PurgeReport { returned_bytes: Some(-2048), ..report };
        assert!(grown.to_string().starts_with("the process grew by 2.00 KiB meanwhile, in 12.3 ms\n"));
    }
}
