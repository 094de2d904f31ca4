//! Can the table of types be trusted?

use super::rule::{Check, Finding, MIB, Rule, Threshold, share, types};
use crate::report::{MemoryReport, RowSource, TypeRow};
use crate::units::percent;

pub(super) const RULES: &[Rule] = &[
    Rule { id: "symbols-missing", check: symbols_missing },
    Rule { id: "unattributed-bytes", check: unattributed },
    Rule { id: "estimates-uncertain", check: uncertain },
];

const UNATTRIBUTED: Threshold = Threshold { percent: 10.0, bytes: 16 * MIB };

/// How much of the heap may be in rows that say little.
const UNCERTAIN: Threshold = Threshold { percent: 50.0, bytes: 16 * MIB };

/// A row says little if one standard error is more than this share of it: four samples or fewer.
const UNCERTAIN_ROW_PERCENT: f64 = 50.0;

fn symbols_missing(report: &MemoryReport) -> Check {
    let symbols = types(report, "symbols", |types| types.symbols.clone())?;
    // Names are looked up for what was sampled; of nothing, there are none.
    if types(report, "stacks", |types| types.stacks)? == 0 {
        return Err("nothing was sampled yet".into());
    }
    Ok(match symbols.as_str() {
        "lines" => Some(Finding::warning(
            "the binary's debug information is split and its functions were not found (tier lines), so few types can be \
             told",
            "deploy the `.dwp` file beside the binary, or in Cargo.toml, under `[profile.release]`: \
             `split-debuginfo = \"off\"`",
        )),
        "functions" => Some(Finding::warning(
            "the binary has symbols but no line tables (tier functions), so few types can be told",
            "in Cargo.toml, under `[profile.release]`: `debug = \"line-tables-only\"`",
        )),
        "none" => Some(Finding::warning(
            "the binary has no symbols (tier none), so no type can be told",
            "in Cargo.toml, under `[profile.release]`: `debug = \"line-tables-only\"` and `strip = false`",
        )),
        _ => None,
    })
}

fn unattributed(report: &MemoryReport) -> Check {
    let unattributed = types(report, "unattributed_bytes", |types| types.unattributed_bytes)?;
    let total = types(report, "total_bytes", |types| types.total_bytes)?;
    Ok(UNATTRIBUTED.is_exceeded(unattributed, total).then(|| {
        Finding::warning(
            format!("the type is not known for {}", share(unattributed, total, "live bytes")),
            "the rows `[unattributed]` of the table name the functions that allocated; build with `debug = \
             \"line-tables-only\"` under `[profile.release]` if symbols are not inlined, and count the suspected type \
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
    Ok(UNCERTAIN.is_exceeded(uncertain, total).then(|| {
        Finding::notice(
            format!("rows with ± above 50 % hold {}", share(uncertain, total, "live bytes")),
            "compare no such rows; sample more (`lg_prof_sample` less one halves the squared error), sum by \
             crate (`group=crate`), or count a type exactly with `Tracked<T>`",
        )
    }))
}

fn is_uncertain(row: &TypeRow) -> bool {
    percent(row.bytes_stderr, row.bytes as f64).is_some_and(|error| error > UNCERTAIN_ROW_PERCENT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::healthy;
    use crate::doctor::tests::{assert_not_checked, fired, is_silent};
    use crate::report::TypeSummary;

    fn table(change: impl FnOnce(&mut TypeSummary)) -> MemoryReport {
        let mut report = healthy::report();
        change(report.types.as_mut().unwrap());
        report
    }

    #[test]
    fn missing_symbols_are_told_with_the_lines_to_add() {
        let symbols = |tier: &str| table(|types| types.symbols = Some(tier.into()));
        let functions = fired(&symbols("functions"), "symbols-missing").advice;
        assert!(functions.contains("`debug = \"line-tables-only\"`") && !functions.contains("strip"));
        let lines = fired(&symbols("lines"), "symbols-missing").advice;
        assert!(lines.contains(".dwp") && lines.contains("split-debuginfo"), "{lines}");
        let none = fired(&symbols("none"), "symbols-missing").advice;
        assert!(none.contains("`[profile.release]`") && none.contains("`strip = false`"), "{none}");
        let nothing = table(|types| (types.symbols, types.stacks) = (Some("none".into()), Some(0)));
        assert_not_checked(&nothing, "symbols-missing", "nothing was sampled yet");
    }

    #[test]
    fn unattributed_bytes_need_a_share_and_a_size() {
        let bytes = |part, whole| {
            table(|types| (types.unattributed_bytes, types.total_bytes) = (Some(part), Some(whole)))
        };
        let verdict = fired(&bytes(17 * MIB, 100 * MIB), "unattributed-bytes");
        assert_eq!(verdict.evidence, "the type is not known for 17.0 MiB of 100.0 MiB live bytes (17 %)");
        assert!(is_silent(&bytes(17 * MIB, 170 * MIB), "unattributed-bytes"), "10 % is not more than 10 %");
        assert!(
            is_silent(&bytes(16 * MIB, 20 * MIB), "unattributed-bytes"),
            "16 MiB is not more than 16 MiB"
        );
    }

    #[test]
    fn uncertain_rows_need_half_of_the_heap_and_a_size() {
        let rows = |bytes: u64, stderr: f64| {
            table(|types| (types.rows[0].bytes, types.rows[0].bytes_stderr) = (bytes, stderr))
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

    #[test]
    fn without_a_profile_the_table_is_not_judged() {
        let mut report = table(|types| *types = TypeSummary::without_profile("no profile".into()));
        report.unavailable.note("types", "no profile");
        for rule in RULES {
            assert_not_checked(&report, rule.id, "no profile");
        }
    }
}
