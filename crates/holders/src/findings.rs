//! The rules of the doctor about the last scan.

use memory_debug_report::units::{Bytes, count, short_name};
use memory_debug_report::{Diagnosis, NotChecked, Severity, Verdict};

use crate::holder_text::cycle;
use crate::holders_report::{Coverage, HeldType, HoldersReport, UnreachableMemory};
use crate::render::size;

/// Memory that nothing points to.
const UNREACHABLE: &str = "unreachable-memory";

/// Whether each sampled allocation is recorded.
const RECORDED: &str = "live-samples";

/// Less unreachable memory than this is not worth a finding.
const LEAST_BYTES: u64 = 1 << 20;

/// The scans that must agree before memory counts as unreachable.
const SCANS: u32 = 3;

/// What the rules about scans find in the last one. Without a scan, they are not checked.
#[must_use]
pub fn diagnose_holders(last: Option<&HoldersReport>) -> Diagnosis {
    let scanned = match last {
        Some(report) => match &report.coverage {
            Some(coverage) => Ok((report, coverage)),
            None => {
                Err(report.unavailable.get("coverage").unwrap_or("the last scan has no result").to_owned())
            }
        },
        None => Err("no scan ran in this process yet; `GET /holders` starts one".to_owned()),
    };
    let mut diagnosis = Diagnosis::default();
    for (id, rule) in [(RECORDED, recorded as Rule), (UNREACHABLE, unreachable)] {
        match scanned.clone().and_then(|(report, coverage)| rule(report, coverage)) {
            Ok(finding) => {
                diagnosis.checked.push(id.into());
                diagnosis.verdicts.extend(
                    finding.map(|(severity, evidence, advice)| Verdict::new(id, severity, evidence, advice)),
                );
            }
            Err(reason) => diagnosis.not_checked.push(NotChecked::new(id, reason)),
        }
    }
    diagnosis
}

type Rule = fn(&HoldersReport, &Coverage) -> Result<Option<(Severity, String, String)>, String>;

fn unreachable(
    report: &HoldersReport,
    coverage: &Coverage,
) -> Result<Option<(Severity, String, String)>, String> {
    if coverage.scans < SCANS {
        let scans = coverage.scans;
        return Err(format!(
            "unreachable memory needs {SCANS} scans that agree, and the last result has {scans}; \
                            `GET /holders?scans={SCANS}`"
        ));
    }
    let found: Vec<_> = report.unreachable().collect();
    let bytes = found.iter().fold(0_u64, |sum, (_, memory)| sum.saturating_add(memory.bytes));
    let Some((held, memory)) = found.first().filter(|_| bytes >= LEAST_BYTES) else { return Ok(None) };
    let others = match found.len() - 1 {
        0 => String::new(),
        more => format!("; with {more} more {}, {}", if more == 1 { "type" } else { "types" }, Bytes(bytes)),
    };
    let evidence = format!(
        "no pointer to {} of `{}` was found in {} of {} scans at {}{others}",
        size(memory.bytes, memory.bytes_stderr),
        short_name(&held.type_name),
        memory.scans,
        memory.scans,
        report.scanned_at
    );
    Ok(Some((Severity::Warning, evidence, advice(held, memory))))
}

/// What to change so that the memory is freed.
fn advice(held: &HeldType, memory: &UnreachableMemory) -> String {
    let name = short_name(&held.type_name);
    if memory.cycle.is_empty() {
        format!(
            "the program can neither use nor free it: look for `mem::forget`, `Box::leak`, `ManuallyDrop` and `into_raw` \
             of `{name}`, and for a reference count that is never taken back; `/holders` shows what it holds"
        )
    } else {
        format!(
            "these objects keep each other alive: {}; make one of the references a `Weak`, or clear it when the owner is \
             dropped",
            cycle(&memory.cycle)
        )
    }
}

fn recorded(
    _report: &HoldersReport,
    coverage: &Coverage,
) -> Result<Option<(Severity, String, String)>, String> {
    let notice = |evidence: String, advice: &str| Ok(Some((Severity::Notice, evidence, advice.to_owned())));
    if coverage.recorded_since.is_none() {
        return notice(
            "live samples are not recorded, so ages and holders are not known".to_owned(),
            "`unavailable` of `/holders` says why; another tool may use the hooks of jemalloc",
        );
    }
    if coverage.dropped > 0 {
        return notice(
            format!(
                "{} live samples found no place in the table, so some memory has no holder",
                count(coverage.dropped)
            ),
            "sample less often: raise `lg_prof_sample` by one",
        );
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn verdict(report: &HoldersReport, id: &str) -> Option<Verdict> {
        let diagnosis = diagnose_holders(Some(report));
        assert!(diagnosis.checked.iter().any(|checked| checked == id), "{diagnosis:?}");
        diagnosis.verdicts.into_iter().find(|verdict| verdict.id == id)
    }

    #[test]
    fn unreachable_memory_is_a_warning_that_names_the_cycle() {
        let verdict = verdict(&sample::report(), UNREACHABLE).unwrap();
        assert_eq!(verdict.severity, Severity::Warning);
        assert_eq!(
            verdict.evidence,
            "no pointer to 8.00 MiB ± 25 % of `shop::Node` was found in 3 of 3 scans at 2026-11-20T12:12:00Z; with 1 \
             more type, 10.00 MiB"
        );
        assert!(
            verdict
                .advice
                .contains("shop::Node → Vec<Arc<Node>> → shop::Node; make one of the references a `Weak`")
        );
    }

    #[test]
    fn forgotten_memory_has_another_advice() {
        let mut report = sample::report();
        report.types.remove(1);
        let verdict = verdict(&report, UNREACHABLE).unwrap();
        assert!(verdict.advice.contains("`mem::forget`") && !verdict.advice.contains("Weak"), "{verdict:?}");
        assert!(!verdict.evidence.contains("more type"), "{verdict:?}");
    }

    #[test]
    fn little_or_no_unreachable_memory_is_no_finding() {
        let mut report = sample::report();
        report
            .types
            .iter_mut()
            .filter_map(|held| held.unreachable.as_mut())
            .for_each(|memory| memory.bytes = 1000);
        assert_eq!(verdict(&report, UNREACHABLE), None);
        report.types.clear();
        assert_eq!(verdict(&report, UNREACHABLE), None);
    }

    #[test]
    fn samples_must_be_recorded_and_none_dropped() {
        let mut report = sample::report();
        assert_eq!(verdict(&report, RECORDED), None);
        report.coverage.as_mut().unwrap().dropped = 1200;
        let dropped = verdict(&report, RECORDED).unwrap();
        assert_eq!(dropped.severity, Severity::Notice);
        assert!(
            dropped.evidence.starts_with("1,200 live samples") && dropped.advice.contains("lg_prof_sample")
        );
        report.coverage.as_mut().unwrap().recorded_since = None;
        assert!(verdict(&report, RECORDED).unwrap().evidence.contains("not recorded"));
    }

    #[test]
    fn without_enough_scans_a_rule_is_not_checked() {
        let reasons = |last: Option<&HoldersReport>| {
            let found = diagnose_holders(last);
            assert!(found.verdicts.is_empty());
            found.not_checked.into_iter().map(|rule| (rule.id.to_string(), rule.reason)).collect::<Vec<_>>()
        };
        let none = reasons(None);
        assert_eq!((none.len(), none[0].1.contains("GET /holders")), (2, true));
        let mut report = sample::report();
        report.coverage.as_mut().unwrap().scans = 1;
        let one = reasons(Some(&report));
        assert_eq!((one.len(), &*one[0].0, one[0].1.contains("scans=3")), (1, UNREACHABLE, true));
        report.coverage = None;
        report.unavailable.note("coverage", "no symbols");
        assert_eq!(reasons(Some(&report)).pop().unwrap().1, "no symbols");
    }
}
