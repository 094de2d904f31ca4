//! Renders the fleet as text.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::{columns, error_cell, reasons, row_name, times};
use crate::fleet::{FleetEstimate, FleetNumber, FleetReport, FleetTypes, MergeRule, Spread};
use crate::instance::InstanceId;
use crate::report::RowSource;
use crate::units::{Bytes, count, percent, printable, span};

/// Most outliers named below a table; the JSON has all.
const OUTLIERS_SHOWN: usize = 12;

impl fmt::Display for FleetReport {
    /// The instances, the missing instances, the table of types, and the numbers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_heading(f, self)?;
        write_programs(f, self)?;
        write_instances(f, self)?;
        write_missing(f, self)?;
        match &self.types {
            Some(types) => write_types(f, types)?,
            None => writeln!(f, "\nno instance has a table of types")?,
        }
        write_numbers(f, self)?;
        write_outliers(f, self)?;
        write_unavailable(f, self)
    }
}

fn write_heading(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    let (answered, missing) = (report.instances.len(), report.missing.len());
    write!(out, "fleet of {}, found {}", counted(answered as u64, "instance"), found(&report.scope))?;
    match missing {
        0 => writeln!(out)?,
        _ => writeln!(out, " · INCOMPLETE: {missing} of {} did not answer", answered + missing)?,
    }
    if let Some(seconds) = report.skew_seconds.filter(|seconds| *seconds > 0.0) {
        writeln!(out, "collected within {seconds:.0} s, so sums mix different moments")?;
    }
    report.estimate.as_ref().map_or(Ok(()), |estimate| write_estimate(out, estimate))
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

fn write_estimate(out: &mut impl Write, estimate: &FleetEstimate) -> fmt::Result {
    let FleetEstimate { seen, draws, at_least, stop_rule, stopped_by_rule } = estimate;
    let (seen, draws) = (counted(*seen, "instance"), counted(*draws, "answer"));
    let (at_least, are) = (at_least.round(), if at_least.round() == 1.0 { "is" } else { "are" });
    writeln!(out, "an estimate, not a census: {seen} in {draws}; there {are} at least {at_least} (Chao1)")?;
    let ended = if *stopped_by_rule { "asked" } else { "NOT asked long enough: the rule is to ask" };
    writeln!(out, "{ended} {}", printable(stop_rule))
}

fn write_programs(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    for program in &report.programs {
        let or = |text: &Option<String>, or: &str| text.as_deref().map_or(or.to_owned(), printable);
        let (service, version) = (or(&program.service, "unnamed service"), or(&program.version, ""));
        let name = format!("{service} {version}");
        let build = or(&program.build_id, "unknown");
        writeln!(out, "{:>4} × {} · build {build}", program.instances.len(), name.trim_end())?;
    }
    Ok(())
}

fn write_instances(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    if report.instances.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = report.instances.iter().map(|member| {
        let bytes =
            |bytes: Option<u64>| bytes.map_or_else(|| "–".to_owned(), |bytes| Bytes(bytes).to_string());
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
    });
    columns::write(
        out,
        &["instance", "pid", "host", "up", "resident", "allocated", "target"],
        &rows.collect::<Vec<_>>(),
    )
}

fn write_missing(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    if !report.missing.is_empty() {
        writeln!(out, "\nnot in the sums:")?;
    }
    for missing in &report.missing {
        let (target, detail) = (printable(&missing.target), printable(&missing.detail));
        writeln!(out, "  {target}: {}: {detail}", missing.reason.as_str())?;
    }
    Ok(())
}

fn write_numbers(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    if report.numbers.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let rows = report.numbers.iter().map(|(path, number)| {
        let sum = match (number.rule, number.sum) {
            (MergeRule::Sum, Some(sum)) => quantity(path, sum),
            _ => "–".to_owned(),
        };
        let [min, median, max] = spread(&number.spread, |value| quantity(path, value));
        [printable(path), sum, min, median, max, number.instances.to_string()]
    });
    columns::write(out, &["number", "sum", "min", "median", "max", "instances"], &rows.collect::<Vec<_>>())?;
    if let Some(share) = report.fragmentation() {
        writeln!(out, "fragmentation {:.1} % of active pages (from the sums)", 100.0 * share)?;
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
        writeln!(out, "note: {}: {}", printable(&paths.join(", ")), printable(note))
    })
}

fn write_types(out: &mut impl Write, types: &FleetTypes) -> fmt::Result {
    writeln!(out)?;
    let rows = types.rows.iter().map(|row| {
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
    });
    let headings = ["types", "# objects", "total size", "±", "min", "median", "max", "instances"];
    columns::write(out, &headings, &rows.collect::<Vec<_>>())?;
    if types.omitted_rows > 0 {
        writeln!(out, "… and {} more", count(types.omitted_rows))?;
    }
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
    writeln!(out, "{}", parts.join(" · "))?;
    if types.omitted_at_instances > 0 {
        let who = if types.instances == 1 { "the instance" } else { "instances" };
        let rows = counted(types.omitted_at_instances, "row");
        writeln!(out, "note: {who} omitted {rows}, so small rows may be too low")?;
    }
    Ok(())
}

fn write_outliers(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    let numbers = report.numbers.iter().map(|(path, number)| (printable(path), &number.spread));
    let rows = report.types.iter().flat_map(|types| &types.rows);
    let rows = rows.map(|row| (row_name(&row.type_name, row.source != RowSource::Unattributed), &row.spread));
    let found: Vec<_> = numbers.chain(rows).filter(|(_, spread)| !spread.outliers.is_empty()).collect();
    if found.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nmarked with !: {}", report.test)?;
    for (name, spread) in found.iter().take(OUTLIERS_SHOWN) {
        let who: Vec<_> = spread.outliers.iter().take(OUTLIERS_SHOWN).map(InstanceId::short).collect();
        let more = spread.outliers.len() - who.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        writeln!(out, "  {name}: {}{more}", who.join(", "))?;
    }
    match found.len().saturating_sub(OUTLIERS_SHOWN) {
        0 => Ok(()),
        more => writeln!(out, "  … and {more} more"),
    }
}

fn write_unavailable(out: &mut impl Write, report: &FleetReport) -> fmt::Result {
    if !report.unavailable.is_empty() {
        writeln!(out, "\nnot available:")?;
    }
    reasons::lines(report.unavailable.iter()).try_for_each(|line| writeln!(out, "  {line}"))
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
