//! Rules about the table of types: whether it can be trusted, and whether one row stands out.

use super::rule::{Check, Finding, MIB, Rule, Threshold, limit, process, share, types};
use crate::report::{GrownRow, MemoryReport, RowSource, TypeRow};
use crate::units::{percent, printable, short_name, signed_bytes};

pub(super) const RULES: &[Rule] = &[
    Rule { id: "symbols-missing", check: symbols_missing },
    Rule { id: "unattributed-bytes", check: unattributed },
    Rule { id: "estimates-uncertain", check: uncertain },
    Rule { id: "dominating-row", check: dominating },
];

const UNATTRIBUTED: Threshold = Threshold { percent: 10.0, bytes: 16 * MIB };

/// How much of the heap may be in uncertain rows.
const UNCERTAIN: Threshold = Threshold { percent: 50.0, bytes: 16 * MIB };

/// A row is uncertain if one standard error is more than this share of it: four samples or fewer.
const UNCERTAIN_ROW_PERCENT: f64 = 50.0;

/// The point where one row holds too much of a heap that is not small.
const DOMINATING: Threshold = Threshold { percent: 50.0, bytes: 256 * MIB };

/// A row must hold this share of the process, too: the heap may be a small part of it.
const DOMINATING_PERCENT_OF_RESIDENT: f64 = 25.0;

/// A row with this share of the limit fills the container if it doubles.
const DOMINATING_PERCENT_OF_LIMIT: f64 = 50.0;

fn symbols_missing(report: &MemoryReport) -> Check {
    let symbols = types(report, "symbols", |types| types.symbols.clone())?;
    // Symbols are looked up only for sampled code, so without samples their absence means nothing.
    if types(report, "stacks", |types| types.stacks)? == 0 {
        return Err("nothing has been sampled yet".into());
    }
    let effect = match symbols.as_str() {
        "none" => Some("no type can be determined"),
        "functions" | "lines" => Some("few types can be determined"),
        _ => None,
    };
    let gaps = report.types.as_ref().map_or(&[][..], |types| &types.symbol_gaps);
    let of_program = gaps.iter().find(|gap| gap.is_program);
    Ok(match (effect, of_program) {
        (Some(effect), Some(gap)) => Some(Finding::warning(
            format!("{} (tier {symbols}), so {effect}", printable(&gap.reason)),
            printable(&gap.advice),
        )),
        // Reports from earlier versions do not say why.
        (Some(effect), None) => Some(Finding::warning(
            format!("too few of the program's symbols are known (tier {symbols}), so {effect}"),
            "write in Cargo.toml, under `[profile.release]`: `debug = \"line-tables-only\"`, `strip = false` and \
             `split-debuginfo = \"off\"`",
        )),
        (None, _) => gaps.first().map(|gap| {
            let others = match gaps.len() - 1 {
                0 => String::new(),
                others => format!("; see the notes below the table for {others} more"),
            };
            Finding::notice(
                format!("some code has no symbols: {}{others}", printable(&gap.reason)),
                printable(&gap.advice),
            )
        }),
    })
}

fn unattributed(report: &MemoryReport) -> Check {
    let unattributed = types(report, "unattributed_bytes", |types| types.unattributed_bytes)?;
    let total = types(report, "total_bytes", |types| types.total_bytes)?;
    Ok(UNATTRIBUTED.is_exceeded(report, unattributed, total).then(|| {
        Finding::warning(
            format!("the type is unknown for {}", share(unattributed, total, "live bytes")),
            "the table's `[unattributed]` rows name the functions that allocated; unless the footer says `symbols: \
             inlined`, build with `debug = \"line-tables-only\"` under `[profile.release]`; count a suspected type \
             with `Tracked<T>`",
        )
    }))
}

fn uncertain(report: &MemoryReport) -> Check {
    // Without a profile there is no estimate to doubt.
    types(report, "total_bytes", |types| types.total_bytes)?;
    let sum = |matches: fn(&TypeRow) -> bool| {
        types(report, "rows", |types| {
            let rows = types.rows.iter().filter(|row| row.source != RowSource::Exact && matches(row));
            Some(rows.fold(0_u64, |sum, row| sum.saturating_add(row.bytes)))
        })
    };
    let (total, uncertain) = (sum(|_| true)?, sum(is_uncertain)?);
    Ok(UNCERTAIN.is_exceeded(report, uncertain, total).then(|| {
        Finding::notice(
            format!("rows with ± above 50 % hold {}", share(uncertain, total, "live bytes")),
            "do not compare these rows; sample more (lowering `lg_prof_sample` by one halves the squared error), \
             group by crate (`group=crate`), or count a type exactly with `Tracked<T>`",
        )
    }))
}

/// A row that holds most of the memory is the first place to look, all the more if it grows.
fn dominating(report: &MemoryReport) -> Check {
    let total = types(report, "total_bytes", |types| types.total_bytes)?;
    let resident = process(report, "resident_bytes", |process| process.resident_bytes)?;
    // Exact rows count memory that sampled rows hold as well.
    let rows = report.types.iter().flat_map(|types| &types.rows).filter(|row| row.source != RowSource::Exact);
    let Some(row) = rows.max_by_key(|row| row.bytes) else { return Ok(None) };
    let exceeds = |whole, share| percent(row.bytes as f64, whole as f64).is_some_and(|part| part > share);
    if !DOMINATING.is_exceeded(report, row.bytes, total) || !exceeds(resident, DOMINATING_PERCENT_OF_RESIDENT)
    {
        return Ok(None);
    }
    let growth = Growth::of(row, report);
    let evidence = format!(
        "one row, `{}`, holds {}{}",
        short_name(&row.type_name),
        share(row.bytes, total, "live bytes"),
        growth.evidence()
    );
    let advice = format!(
        "`/heap/flamegraph` and `/types?group=traceback&filter=` show which code allocated it; bound it if it is a \
         cache or a queue{}",
        growth.advice()
    );
    let fills_limit = limit(report).is_some_and(|limit| exceeds(limit, DOMINATING_PERCENT_OF_LIMIT));
    Ok(Some(match growth {
        Growth::Grows { .. } => Finding::warning(evidence, advice),
        _ if fills_limit => Finding::warning(evidence, advice),
        _ => Finding::notice(evidence, advice),
    }))
}

/// Change of a row since the snapshot that the report was compared with.
enum Growth<'a> {
    /// There is no snapshot to compare with.
    Unknown,
    /// The row grew by this much, beyond noise.
    Grows { bytes: i64, since: &'a str },
    /// The row did not grow beyond noise.
    Steady { since: &'a str },
}

impl<'a> Growth<'a> {
    fn of(row: &TypeRow, report: &'a MemoryReport) -> Self {
        let Some(growth) = &report.growth else { return Self::Unknown };
        let since = growth.since.as_str();
        let is_same =
            |grown: &&GrownRow| grown.full_type == row.full_type && grown.type_name == row.type_name;
        match growth.rows.iter().find(is_same) {
            Some(grown) => Self::Grows { bytes: grown.bytes_change, since },
            None => Self::Steady { since },
        }
    }

    fn evidence(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Grows { bytes, since } => format!("; {} since {since}", signed_bytes(*bytes)),
            Self::Steady { since } => format!("; it did not grow beyond noise since {since}"),
        }
    }

    fn advice(&self) -> &'static str {
        match self {
            Self::Unknown => {
                "; to see whether it grows, POST /snapshots now and a few times later, then GET /leaks"
            }
            Self::Grows { .. } => "; after a few more snapshots, GET /leaks says whether it keeps growing",
            Self::Steady { .. } => "",
        }
    }
}

fn is_uncertain(row: &TypeRow) -> bool {
    percent(row.bytes_stderr, row.bytes as f64).is_some_and(|error| error > UNCERTAIN_ROW_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_debug_profile::SymbolGap;

    use crate::diagnosis::Severity;
    use crate::doctor::healthy;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent};
    use crate::report::{self, TypeSummary};

    fn table(change: impl FnOnce(&mut TypeSummary)) -> MemoryReport {
        let mut report = healthy::report();
        change(report.types.as_mut().unwrap());
        report
    }

    #[test]
    fn missing_symbols_are_reported_with_their_reason_and_advice() {
        let gap = |is_program: bool| -> SymbolGap {
            let gap = serde_json::json!({
                "file": "a.so", "is_program": is_program, "reason": "a.so could not be read", "advice": "let it be read"
            });
            serde_json::from_value(gap).unwrap()
        };
        let symbols = |tier: &str, gaps: &[SymbolGap]| {
            table(|types| (types.symbols, types.symbol_gaps) = (Some(tier.into()), gaps.to_vec()))
        };
        for (tier, effect) in [("none", "no type"), ("functions", "few types"), ("lines", "few types")] {
            let verdict = fired(&symbols(tier, &[gap(true)]), "symbols-missing");
            assert_eq!(verdict.severity, Severity::Warning);
            assert_eq!(
                verdict.evidence,
                format!("a.so could not be read (tier {tier}), so {effect} can be determined")
            );
            assert_eq!(verdict.advice, "let it be read");
            let of_earlier_version = fired(&symbols(tier, &[]), "symbols-missing");
            assert!(
                !of_earlier_version.evidence.contains("stripped"),
                "the reason is unknown: {of_earlier_version:?}"
            );
        }
        let verdict = fired(&symbols("inlined", &[gap(false), gap(false)]), "symbols-missing");
        assert_eq!(verdict.severity, Severity::Notice);
        assert_eq!(
            verdict.evidence,
            "some code has no symbols: a.so could not be read; see the notes below the table for 1 more"
        );
        assert!(is_silent(&symbols("inlined", &[]), "symbols-missing"));
        let nothing = table(|types| (types.symbols, types.stacks) = (Some("none".into()), Some(0)));
        assert_not_checked(&nothing, "symbols-missing", "nothing has been sampled yet");
    }

    #[test]
    fn unattributed_bytes_must_exceed_a_share_and_a_size() {
        let bytes = |part, whole| {
            table(|types| (types.unattributed_bytes, types.total_bytes) = (Some(part), Some(whole)))
        };
        let verdict = fired(&bytes(17 * MIB, 100 * MIB), "unattributed-bytes");
        assert_eq!(verdict.evidence, "the type is unknown for 17.0 MiB of 100.0 MiB live bytes (17 %)");
        assert!(is_silent(&bytes(17 * MIB, 170 * MIB), "unattributed-bytes"), "10 % is not more than 10 %");
        assert!(
            is_silent(&bytes(16 * MIB, 20 * MIB), "unattributed-bytes"),
            "16 MiB is not more than 16 MiB"
        );
    }

    #[test]
    fn uncertain_rows_must_exceed_half_of_the_heap_and_a_size() {
        let rows = |bytes: u64, stderr: f64| {
            table(|types| {
                types.rows.truncate(2);
                (types.rows[0].bytes, types.rows[0].bytes_stderr) = (bytes, stderr);
            })
        };
        let many = 32.0 * MIB as f64;
        let verdict = fired(&rows(40 * MIB, many), "estimates-uncertain");
        assert_eq!(verdict.evidence, "rows with ± above 50 % hold 41.0 MiB of 41.0 MiB live bytes (100 %)");
        assert!(is_silent(&rows(40 * MIB, many / 2.0), "estimates-uncertain"), "±40 %");
        assert!(is_silent(&rows(15 * MIB, many), "estimates-uncertain"), "16 MiB is not more than 16 MiB");
        let mut exact = rows(40 * MIB, many);
        exact.types.as_mut().unwrap().rows[0].source = RowSource::Exact;
        assert!(is_silent(&exact, "estimates-uncertain"), "exact rows are certain");
    }

    /// A table whose first row holds `part` MiB of `whole`, in a process of `resident` MiB.
    fn giant(part: u64, whole: u64, resident: u64, limit: Option<u64>) -> MemoryReport {
        let mut report = table(|types| {
            (types.rows[0].bytes, types.total_bytes) = (part * MIB, Some(whole * MIB));
            types.rows[2].bytes = 0;
        });
        report.process.as_mut().unwrap().resident_bytes = Some(resident * MIB);
        report.cgroup.as_mut().unwrap().limit_bytes = limit.map(|limit| limit * MIB);
        report
    }

    #[test]
    fn names_a_row_that_holds_most_of_a_large_heap() {
        let id = "dominating-row";
        let verdict = fired(&giant(3_278, 3_379, 3_500, None), id);
        assert_eq!(verdict.evidence, "one row, `Vec<Item>`, holds 3.2 GiB of 3.3 GiB live bytes (97 %)");
        assert_eq!(verdict.severity, Severity::Notice);
        assert!(verdict.advice.ends_with("POST /snapshots now and a few times later, then GET /leaks"));
        assert!(is_silent(&giant(500, 1_000, 1_100, None), id), "half is not more than half");
        assert!(is_silent(&giant(256, 300, 400, None), id), "256 MiB");
        assert!(is_silent(&giant(300, 400, 1_200, None), id), "a quarter of the process");
        assert_eq!(fired(&giant(40, 50, 60, Some(64)), id).severity, Severity::Warning, "62 % of the limit");
        assert_eq!(fired(&giant(30, 50, 60, Some(64)), id).severity, Severity::Notice);
        assert!(is_silent(&giant(8, 9, 12, Some(64)), id), "an eighth of the limit");
    }

    #[test]
    fn an_unattributed_row_can_dominate_but_an_exact_row_cannot() {
        let mut report = giant(3_278, 3_379, 3_500, None);
        report.types.as_mut().unwrap().rows[0].source = RowSource::Exact;
        assert!(is_silent(&report, "dominating-row"));
        report.types.as_mut().unwrap().rows[0].source = RowSource::Unattributed;
        fired(&report, "dominating-row");
        report.types.as_mut().unwrap().rows.clear();
        assert!(is_silent(&report, "dominating-row"));
    }

    #[test]
    fn a_dominating_row_that_grew_is_a_warning_with_its_growth() {
        let grown = |full_type: &str| {
            let mut report = giant(3_278, 3_379, 3_500, None);
            let (type_name, full_type) = ("Vec<Item>".to_owned(), full_type.to_owned());
            let rows = vec![GrownRow { type_name, full_type, bytes_change: 1 << 30 }];
            report.growth = Some(report::Growth { since: "2026-11-20T09:00:00.000Z".into(), rows });
            fired(&report, "dominating-row")
        };
        let verdict = grown("Vec<shop::Item>");
        assert_eq!(verdict.severity, Severity::Warning);
        assert!(
            verdict.evidence.ends_with("(97 %); +1.00 GiB since 2026-11-20T09:00:00.000Z"),
            "{verdict:?}"
        );
        assert!(verdict.advice.contains("GET /leaks"), "{verdict:?}");
        let steady = grown("Vec<other::Item>");
        assert_eq!(steady.severity, Severity::Notice);
        let expected = "; it did not grow beyond noise since 2026-11-20T09:00:00.000Z";
        assert!(steady.evidence.ends_with(expected), "{steady:?}");
    }

    #[test]
    fn without_a_profile_the_table_is_not_judged() {
        let mut report = table(|types| *types = TypeSummary::without_profile("no profile".into()));
        report.unavailable.note("types", "no profile");
        for rule in RULES {
            assert_not_checked(&report, rule.id, "no profile");
        }
    }
}
