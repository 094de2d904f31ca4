//! The merged reports of a fleet.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::layout::{Layout, Terminal, table};
use super::table::more;
use super::{columns, error_cell, reasons, row_name, times};
use crate::fleet::{
    FleetEstimate, FleetInstance, FleetNumber, FleetReport, FleetTypeRow, FleetTypes, MergeRule, Spread,
};
use crate::instance::InstanceId;
use crate::report::RowSource;
use crate::units::{Bytes, count, percent, printable, span};

/// Most outliers named below a table; the JSON has all.
const OUTLIERS_SHOWN: usize = 12;

/// The headings of the table of instances.
pub const INSTANCE_HEADINGS: [&str; 7] = ["instance", "pid", "host", "up", "resident", "allocated", "target"];

/// The headings of the table of types.
pub const TYPE_HEADINGS: [&str; 8] =
    ["types", "# objects", "total size", "±", "min", "median", "max", "instances"];

/// What the page says instead of a table of types.
pub const NO_TYPES: &str = "no instance has a table of types";

impl fmt::Display for FleetReport {
    /// The instances, the missing instances, the table of types, and the numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        summary(self).iter().try_for_each(|line| writeln!(f, "{line}"))?;
        if !self.instances.is_empty() {
            writeln!(f)?;
            let rows: Vec<_> = self.instances.iter().map(instance_cells).collect();
            columns::write(f, &INSTANCE_HEADINGS, &rows)?;
        }
        write_missing(&mut Terminal(f), self)?;
        match &self.types {
            Some(types) => write_types(f, types)?,
            None => writeln!(f, "\n{NO_TYPES}")?,
        }
        if !self.numbers.is_empty() {
            writeln!(f)?;
        }
        write_numbers(&mut Terminal(f), self)?;
        write_outliers(&mut Terminal(f), self)?;
        write_unavailable(&mut Terminal(f), self)
    }
}

/// The lines about the whole fleet: how many instances answered, over which time, and which programs they run.
pub fn summary(report: &FleetReport) -> Vec<String> {
    let (answered, missing) = (report.instances.len(), report.missing.len());
    let fleet = format!("fleet of {}, found {}", counted(answered as u64, "instance"), found(&report.scope));
    let mut lines = vec![match missing {
        0 => fleet,
        _ => format!("{fleet} · INCOMPLETE: {missing} of {} did not answer", answered + missing),
    }];
    if let Some(seconds) = report.skew_seconds.filter(|seconds| *seconds > 0.0) {
        lines.push(format!("collected within {seconds:.0} s, so sums mix different moments"));
    }
    lines.extend(report.estimate.iter().flat_map(estimate));
    lines.extend(report.programs.iter().map(|program| {
        let or = |text: &Option<String>, or: &str| text.as_deref().map_or(or.to_owned(), printable);
        let (service, version) = (or(&program.service, "unnamed service"), or(&program.version, ""));
        let name = format!("{service} {version}");
        let build = or(&program.build_id, "unknown");
        format!("{:>4} × {} · build {build}", program.instances.len(), name.trim_end())
    }));
    lines
}

/// How the instances of a scope were found, in words.
fn found(scope: &str) -> Cow<'static, str> {
    match scope {
        "targets" => "by address".into(),
        "through" => "through one address".into(),
        "host" => "on one host".into(),
        "peers" => "among peers".into(),
        other => format!("by {}", printable(other)).into(),
    }
}

fn estimate(estimate: &FleetEstimate) -> [String; 2] {
    let FleetEstimate { seen, draws, at_least, stop_rule, stopped_by_rule } = estimate;
    let (seen, draws) = (counted(*seen, "instance"), counted(*draws, "answer"));
    let (at_least, are) = (at_least.round(), if at_least.round() == 1.0 { "is" } else { "are" });
    let ended = if *stopped_by_rule { "asked" } else { "NOT asked long enough: the rule is to ask" };
    [
        format!("an estimate, not a census: {seen} in {draws}; there {are} at least {at_least} (Chao1)"),
        format!("{ended} {}", printable(stop_rule)),
    ]
}

/// The cells of an instance, under [`INSTANCE_HEADINGS`].
pub fn instance_cells(member: &FleetInstance) -> [String; 7] {
    let bytes = |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes(bytes).to_string());
    let instance = &member.instance;
    [
        instance.id.short(),
        instance.pid.to_string(),
        instance.host.as_deref().map_or_else(|| "–".to_owned(), printable),
        instance.uptime_seconds.map_or_else(|| "–".to_owned(), span),
        bytes(member.resident_bytes),
        bytes(member.allocated_bytes),
        printable(&member.targets.join(", ")),
    ]
}

/// Writes the instances that did not answer, with their reasons.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_missing(out: &mut dyn Layout, report: &FleetReport) -> fmt::Result {
    if !report.missing.is_empty() {
        out.heading("not in the sums:")?;
    }
    report.missing.iter().try_for_each(|missing| {
        let text = format!("{}: {}", missing.reason.as_str(), printable(&missing.detail));
        out.item(&printable(&missing.target), &text)
    })
}

/// Writes the numbers of all instances.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_numbers(out: &mut dyn Layout, report: &FleetReport) -> fmt::Result {
    if report.numbers.is_empty() {
        return Ok(());
    }
    let rows = report.numbers.iter().map(|(path, number)| {
        let sum = match (number.rule, number.sum) {
            (MergeRule::Sum, Some(sum)) => quantity(path, sum),
            _ => "–".to_owned(),
        };
        let [min, median, max] = spread(&number.spread, |value| quantity(path, value));
        [printable(path), sum, min, median, max, number.instances.to_string()]
    });
    table(out, ["number", "sum", "min", "median", "max", "instances"], rows)?;
    if let Some(share) = report.fragmentation() {
        out.remark(&format!("fragmentation {:.1} % of active pages (from the sums)", 100.0 * share))?;
    }
    let mut notes: Vec<(&str, Vec<&str>)> = Vec::new();
    for (path, FleetNumber { note, .. }) in &report.numbers {
        let Some(note) = note else { continue };
        match notes.iter_mut().find(|(known, _)| known == note) {
            Some((_, paths)) => paths.push(path),
            None => notes.push((note, vec![path])),
        }
    }
    notes.iter().try_for_each(|(note, paths)| {
        out.remark(&format!("note: {}: {}", printable(&paths.join(", ")), printable(note)))
    })
}

fn write_types(out: &mut impl Write, types: &FleetTypes) -> fmt::Result {
    writeln!(out)?;
    let rows: Vec<_> = types.rows.iter().map(type_cells).collect();
    columns::write(out, &TYPE_HEADINGS, &rows)?;
    types_summary(types).iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// The cells of a type, under [`TYPE_HEADINGS`].
pub fn type_cells(row: &FleetTypeRow) -> [String; 8] {
    let [min, median, max] = spread(&row.spread, |bytes| Bytes(bytes).to_string());
    [
        row_name(&row.type_name, row.source != RowSource::Unattributed) + &times(row.threads),
        count(row.objects),
        Bytes(row.bytes).to_string(),
        error_cell(row.source, row.bytes_stderr, row.bytes),
        min,
        median,
        max,
        row.instances.to_string(),
    ]
}

/// The lines below the table of types: omitted rows, the total, and a caveat.
pub fn types_summary(types: &FleetTypes) -> Vec<String> {
    let mut lines: Vec<_> = more(types.omitted_rows).into_iter().collect();
    let mut parts = Vec::new();
    parts.extend(types.total_bytes.map(|bytes| format!("total {}", Bytes(bytes))));
    if let (Some(part), Some(whole)) = (types.unattributed_bytes, types.total_bytes) {
        parts.extend(percent(part as f64, whole as f64).map(|share| format!("unattributed {share:.1} %")));
    }
    let tables = if types.instances == 1 { "table" } else { "tables" };
    parts.push(format!("{tables} of {}", counted(types.instances, "instance")));
    let rates: Vec<_> = types.sample_bytes.iter().map(|bytes| format!("{:.0}", Bytes(*bytes))).collect();
    if !rates.is_empty() {
        parts.push(format!("sampled 1 per {}", rates.join(" or ")));
    }
    if !types.symbols.is_empty() {
        parts.push(format!("symbols: {}", printable(&types.symbols.join(", "))));
    }
    lines.push(parts.join(" · "));
    if types.omitted_at_instances > 0 {
        let instances = if types.instances == 1 { "the instance" } else { "instances" };
        let rows = counted(types.omitted_at_instances, "row");
        lines.push(format!("note: {instances} omitted {rows}, so small rows may be too low"));
    }
    lines
}

/// Writes which instances stand out in which numbers and types, and by which test.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_outliers(out: &mut dyn Layout, report: &FleetReport) -> fmt::Result {
    let numbers = report.numbers.iter().map(|(path, number)| (printable(path), &number.spread));
    let rows = report.types.iter().flat_map(|types| &types.rows);
    let rows = rows.map(|row| (row_name(&row.type_name, row.source != RowSource::Unattributed), &row.spread));
    let found: Vec<_> = numbers.chain(rows).filter(|(_, spread)| !spread.outliers.is_empty()).collect();
    if found.is_empty() {
        return Ok(());
    }
    out.paragraph(&format!("marked with !: {}", printable(&report.test)))?;
    for (name, spread) in found.iter().take(OUTLIERS_SHOWN) {
        let shown: Vec<_> = spread.outliers.iter().take(OUTLIERS_SHOWN).map(InstanceId::short).collect();
        let more = spread.outliers.len() - shown.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        out.item(name, &(shown.join(", ") + &more))?;
    }
    match found.len().saturating_sub(OUTLIERS_SHOWN) {
        0 => Ok(()),
        more => out.remark(&format!("  … and {more} more")),
    }
}

/// Writes what is missing from instances that did answer, with the reasons.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_unavailable(out: &mut dyn Layout, report: &FleetReport) -> fmt::Result {
    reasons::write(out, report.unavailable.iter())
}

fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

fn spread(spread: &Spread, show: impl Fn(u64) -> String) -> [String; 3] {
    let mark = if spread.outliers.is_empty() { "" } else { " !" };
    [show(spread.min), show(spread.median), show(spread.max) + mark]
}

fn quantity(path: &str, value: u64) -> String {
    if path.ends_with("_bytes") { Bytes(value).to_string() } else { count(value) }
}

#[cfg(test)]
mod tests {
    use crate::fleet::{Draws, Fleet, MissingInstance, MissingReason, tests::id};
    use crate::sample;

    fn fleet(resident: &[u64]) -> Fleet {
        let mut fleet = Fleet::new("targets");
        for (number, resident) in (1..).zip(resident) {
            let mut report = sample::report();
            report.instance.id = id(number << 32);
            report.process.as_mut().unwrap().resident_bytes = Some(*resident);
            fleet.add(format!("http://10.0.0.{number}:8080"), &report);
        }
        fleet
    }

    #[test]
    fn the_page_lists_present_and_missing_instances() {
        let mut fleet = fleet(&[100 << 20, 300 << 20]);
        fleet.miss(MissingInstance::new(
            "http://10.0.0.9",
            MissingReason::Deadline,
            "no answer in 5 s\u{1b}[2J",
        ));
        let page = fleet.finish().to_string();
        for line in [
            "fleet of 2 instances, found by address · INCOMPLETE: 1 of 3 did not answer\n",
            "   2 × axum-service 0.1.0 · build ab12\n",
            "\nnot in the sums:\n  http://10.0.0.9: deadline: no answer in 5 s\\u{1b}[2J\n",
            "process.resident_bytes |  400.00 MiB |  100.00 MiB |  200.00 MiB |  300.00 MiB |         2\n",
            "cgroup.limit_bytes |           – |    1.00 GiB |    1.00 GiB |    1.00 GiB |         2\n",
            "cgroup.parts.shared_bytes |           – |  125.00 MiB |  125.00 MiB |  125.00 MiB |         2\n",
            "ceiling.room_bytes |           – |  280.00 MiB |  280.00 MiB |  280.00 MiB |         2\n",
            "fragmentation 0.9 % of active pages (from the sums)\n",
            "[unattributed] parse_row |     1,024 |   2.00 MiB |  50 % |   1.00 MiB |   1.00 MiB |   1.00 MiB |         2\n",
            "total 40.00 MiB · unattributed 5.0 % · tables of 2 instances · sampled 1 per 512 KiB · symbols: inlined\n",
        ] {
            assert!(page.contains(line), "{line}\nis not in\n{page}");
        }
        assert!(!page.contains("marked"), "{page}");
    }

    #[test]
    fn an_outlier_is_marked_and_named() {
        let page = fleet(&[100 << 20, 100 << 20, 101 << 20, 900 << 20]).finish().to_string();
        assert!(page.contains(" 900.00 MiB ! |"), "{page}");
        assert!(page.contains("  process.resident_bytes: 00000000\n"), "{page}");
        assert!(page.contains("marked with !: an instance stands out if"), "{page}");
    }

    #[test]
    fn an_estimate_is_labelled_as_one() {
        let mut draws = Draws::default();
        (0..30).for_each(|draw| _ = draws.add(id(draw % 2)));
        let mut fleet = fleet(&[1, 2]);
        fleet.estimate(draws.estimate());
        let page = fleet.finish().to_string();
        let expected = "an estimate, not a census: 2 instances in 30 answers; there are at least 2 (Chao1)\nasked until 12 ";
        assert!(page.contains(expected), "{page}");
    }

    #[test]
    fn one_instance_has_singular_words() {
        let mut draws = Draws::default();
        draws.add(id(1));
        let mut fleet = fleet(&[1]);
        fleet.estimate(draws.estimate());
        let mut report = fleet.finish();
        report.types.as_mut().unwrap().omitted_at_instances = 1;
        let page = report.to_string();
        for line in [
            "fleet of 1 instance, found by address\n",
            "an estimate, not a census: 1 instance in 1 answer; there is at least 1 (Chao1)\n",
            "NOT asked long enough: the rule is to ask until 7 answers in a row bring no new instance",
            " · table of 1 instance · ",
            "note: the instance omitted 1 row, so",
        ] {
            assert!(page.contains(line), "{line}\nis not in\n{page}");
        }
    }

    #[test]
    fn each_scope_has_its_words() {
        for (scope, words) in [
            ("targets", "by address"),
            ("through", "through one address"),
            ("host", "on one host"),
            ("peers", "among peers"),
            ("magic", "by magic"),
        ] {
            let page = Fleet::new(scope).finish().to_string();
            assert!(page.starts_with(&format!("fleet of 0 instances, found {words}\n")), "{page}");
        }
    }

    #[test]
    fn an_empty_fleet_has_no_tables() {
        let page = fleet(&[]).finish().to_string();
        assert_eq!(page, "fleet of 0 instances, found by address\n\nno instance has a table of types\n");
    }
}
