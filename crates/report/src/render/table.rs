//! Renders the table of types.

use std::fmt::{self, Write};

use super::ages::{AGE_HEADINGS, age_cells, ages_line, has_ages, slack_lines};
use super::{columns, error_cell, row_name, times};
use crate::report::{MemoryReport, RowSource, TypeRow, TypeSummary};
use crate::units::{Bytes, count, percent, printable, short_name};
use crate::view::TypesView;

/// Narrowest width of the first column, and the widest to which rows are aligned. Longer names stick out.
const NAME_WIDTHS: std::ops::RangeInclusive<usize> = 44..=100;

impl fmt::Display for TypeSummary {
    /// Columns for types, number of objects, total size and one standard error of the size.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self, None)
    }
}

/// The table of a report in this view. It has a reason if there is no heap profile.
pub fn of_report(report: &MemoryReport, view: &TypesView) -> TypeSummary {
    let reason = report.unavailable.get("types").map(str::to_owned);
    match (view.table(report), reason) {
        (Some(types), unavailable) => TypeSummary { unavailable, ..types },
        (None, Some(reason)) => TypeSummary::without_profile(reason),
        (None, None) => TypeSummary::without_profile("not requested".into()),
    }
}

/// Writes rows and footer. `started_at` is when the process started, so that the footer can say "since process start".
pub(super) fn write(
    out: &mut (impl Write + ?Sized),
    summary: &TypeSummary,
    started_at: Option<&str>,
) -> fmt::Result {
    if let Some(reason) = &summary.unavailable {
        writeln!(out, "types by heap profile: not available: {}", printable(reason))?;
    }
    if summary.unavailable.is_none() || !summary.rows.is_empty() {
        write_rows(out, summary)?;
    }
    if let Some(line) = omitted(summary) {
        writeln!(out, "{line}")?;
    }
    totals(&summary.rows).try_for_each(|line| writeln!(out, "{line}"))?;
    slack_lines(&summary.rows).try_for_each(|line| writeln!(out, "{line}"))?;
    let footer = footer(summary, started_at);
    if !footer.is_empty() {
        writeln!(out, "{footer}")?;
    }
    ages_line(summary).iter().try_for_each(|line| writeln!(out, "{line}"))?;
    summary.notes.iter().try_for_each(|note| writeln!(out, "note: {}", printable(note)))
}

fn write_rows(out: &mut (impl Write + ?Sized), summary: &TypeSummary) -> fmt::Result {
    if !has_ages(summary) {
        return write_columns(out, summary.rows.iter().map(cells));
    }
    let numbers: Vec<_> = summary.rows.iter().map(cells).collect();
    let rows = summary.rows.iter().zip(&numbers);
    let rows: Vec<Vec<String>> =
        rows.map(|(row, cells)| cells.iter().cloned().chain(age_cells(summary, row)).collect()).collect();
    let headings: Vec<_> = HEADINGS.into_iter().chain(AGE_HEADINGS).collect();
    let of_ages = AGE_HEADINGS.map(|heading| heading.chars().count().max(8));
    let widths: Vec<_> = widths(&numbers).into_iter().chain(of_ages).collect();
    columns::write_aligned(out, &headings, &rows, &widths)
}

const HEADINGS: [&str; 4] = ["types", "# objects", "total size", "±"];

/// Writes rows of four cells under their headings.
pub(super) fn write_columns(
    out: &mut (impl Write + ?Sized),
    rows: impl Iterator<Item = [String; 4]>,
) -> fmt::Result {
    let rows: Vec<_> = rows.collect();
    columns::write_aligned(out, &HEADINGS, &rows, &widths(&rows))
}

/// The line about rows that are not shown, if there are any.
pub fn omitted(summary: &TypeSummary) -> Option<String> {
    more(summary.omitted_rows)
}

/// The line about `omitted` rows that are not shown, if there are any.
pub fn more(omitted: u64) -> Option<String> {
    (omitted > 0).then(|| format!("… and {} more", count(omitted)))
}

/// The lines about values without a column: how many tracked values were created and dropped.
pub fn totals(rows: &[TypeRow]) -> impl Iterator<Item = String> {
    rows.iter().filter_map(|row| {
        let (name, created, dropped) = (short_name(&row.type_name), count(row.created?), count(row.dropped?));
        Some(format!("tracked {name}: {created} created, {dropped} dropped since process start"))
    })
}

/// The cells of a row: name, number of objects, bytes, and one standard error of the bytes.
pub fn cells(row: &TypeRow) -> [String; 4] {
    let error = error_cell(row.source, row.bytes_stderr, row.bytes);
    let name = row_name(&row.type_name, row.source != RowSource::Unattributed) + &times(row.threads);
    [name, count(row.objects), Bytes(row.bytes).to_string(), error]
}

fn widths(rows: &[[String; 4]]) -> [usize; 4] {
    let mut widths = [*NAME_WIDTHS.start(), 11, 12, 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            let length = cell.chars().count();
            if length <= *NAME_WIDTHS.end() {
                *width = (*width).max(length);
            }
        }
    }
    widths
}

/// What the rows are made from: the sum, the sampling rate and the symbols. `started_at` is when the process started.
pub fn footer(summary: &TypeSummary, started_at: Option<&str>) -> String {
    let mut parts = Vec::new();
    if let Some(bytes) = summary.total_bytes {
        parts.push(format!("total {}", Bytes(bytes)));
    }
    if let (Some(part), Some(whole)) = (summary.unattributed_bytes, summary.total_bytes) {
        parts
            .extend(percent(part as f64, whole as f64).map(|percent| format!("unattributed {percent:.1} %")));
    }
    if let Some(bytes) = summary.sample_bytes {
        let rate = if bytes == 1 {
            "every allocation recorded".to_owned()
        } else {
            format!("sampled 1 per {:.0}", Bytes(bytes))
        };
        parts.push(match summary.active_since.as_deref() {
            Some(since) if Some(since) == started_at => format!("{rate} since process start"),
            Some(since) => format!("{rate} since {}", printable(since)),
            None => format!("{rate} since an unknown time"),
        });
    }
    if let Some(symbols) = &summary.symbols {
        parts.push(match symbols.as_str() {
            "inlined" => "symbols: inlined (line tables)".to_owned(),
            tier => format!("symbols: {}", printable(tier)),
        });
    }
    parts.join(" · ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn table(summary: &TypeSummary) -> String {
        summary.to_string()
    }

    #[test]
    fn the_table_has_three_columns_and_the_error() {
        let table = table(&sample::types());
        let expected = [
            "                                       types |   # objects |   total size |      ±",
            "============================================ | =========== | ============ | ======",
            "                    HashMap<String, Session> |           1 |    12.00 MiB |   20 %",
            "                                      String |      97,100 |     6.99 MiB |   27 %",
            "                    [unattributed] parse_row |         512 |     1.00 MiB |   71 %",
            "                                     Session |      20,000 |   937.50 KiB |  exact",
            "tracked Session: 21,300 created, 1,300 dropped since process start",
            "total 20.00 MiB · unattributed 5.0 % · sampled 1 per 512 KiB since 2026-11-20T09:00:00Z · symbols: \
             inlined (line tables)",
        ];
        assert_eq!(table.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_long_name_stays_whole_and_other_rows_stay_aligned() {
        let mut summary = sample::types();
        summary.rows[0].type_name = format!("Vec<{}>", "Long".repeat(30));
        let table = table(&summary);
        assert!(table.contains(&format!("\nVec<{}> |           1 |", "Long".repeat(30))), "{table}");
        assert!(table.contains(&format!("\n{:>44} |", "String")), "{table}");
    }

    #[test]
    fn s64_a_name_cannot_forge_lines() {
        let mut summary = sample::types();
        summary.rows[0].type_name = "Vec<\n0 | 0>".into();
        assert!(table(&summary).contains(r"Vec<\u{a}0 | 0> |"));
    }

    #[test]
    fn a_name_of_48_kilobytes_becomes_a_readable_line() {
        let mut summary = sample::types();
        summary.rows[0].type_name = format!("{}u8{}", "Chain<Left, ".repeat(4_000), ">".repeat(4_000));
        let table = table(&summary);
        let line = table.lines().find(|line| line.contains("Chain<Left, Chain<Left, ")).unwrap();
        assert!(
            line.chars().count() < 220 && line.contains(", …>") && line.contains(" 12.00 MiB "),
            "{line}"
        );
    }

    #[test]
    fn threads_of_one_name_are_counted() {
        let mut summary = sample::types();
        summary.rows[0].type_name = "tokio-rt-worker".into();
        (summary.rows[0].threads, summary.rows[1].threads) = (Some(4), Some(1));
        let table = table(&summary);
        assert!(table.contains("\n                         tokio-rt-worker × 4 | "), "{table}");
        assert!(table.contains("\n                                      String | "), "{table}");
    }

    #[test]
    fn notes_follow_the_footer() {
        let mut summary = sample::types();
        summary.notes = vec!["add line tables".into()];
        assert!(table(&summary).ends_with("symbols: inlined (line tables)\nnote: add line tables\n"));
    }

    #[test]
    fn zero_bytes_have_no_relative_error() {
        let mut summary = sample::types();
        summary.rows[0].bytes = 0;
        assert!(table(&summary).contains("|          0 B |      –\n"));
    }

    #[test]
    fn the_footer_shows_what_is_known() {
        let mut summary = sample::types();
        (summary.sample_bytes, summary.active_since) = (Some(1), None);
        (summary.total_bytes, summary.unattributed_bytes) = (Some(0), Some(0));
        summary.symbols = Some("functions".into());
        let expected = "total 0 B · every allocation recorded since an unknown time · symbols: functions";
        assert_eq!(footer(&summary, None), expected);
        summary = sample::types();
        let started_at = summary.active_since.clone();
        assert!(footer(&summary, started_at.as_deref()).contains("512 KiB since process start"));
    }

    #[test]
    fn without_a_profile_the_table_shows_the_reason_and_no_zero() {
        let empty = TypeSummary::without_profile("no profiler".into());
        assert_eq!(table(&empty), "types by heap profile: not available: no profiler\n");
        let exact = TypeSummary { rows: sample::types().rows.split_off(3), ..empty };
        let table = table(&exact);
        assert!(table.starts_with("types by heap profile: not available: no profiler\n"));
        assert!(table.contains("937.50 KiB |  exact\ntracked Session: 21,300 created,"), "{table}");
    }
}
