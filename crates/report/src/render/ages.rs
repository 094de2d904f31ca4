//! Renders ages and slack of the rows of a table.

use memory_debug_profile::{Ages, Group};

use crate::report::{TypeRow, TypeSummary};
use crate::units::{Bytes, percent, printable, short_name, span};

/// The headings of the columns of ages.
pub const AGE_HEADINGS: [&str; 2] = ["age p50", "older than 10 min"];

/// The limit of the second column, in seconds.
const LIMIT_SECONDS: f64 = 600.0;

/// Slack is shown if it is at least this part of its row, and at least this many bytes.
const LARGE_SLACK: (f64, u64) = (0.1, 1 << 20);

/// Whether the table has columns of ages: some age is known, and the rows are not ages themselves.
pub fn has_ages(summary: &TypeSummary) -> bool {
    let is_by_age = summary.group == Group::Age.as_str();
    let is_known = summary.ages.as_ref().is_some_and(|ages| ages.are_known());
    is_known && !is_by_age && summary.rows.iter().any(|row| row.ages.is_some())
}

/// The cells of a row's ages: the median, and the share of its bytes that is older than ten minutes. `≥` marks lower
/// bounds, because memory from before the recording is older than it, by an unknown time.
pub fn age_cells(summary: &TypeSummary, row: &TypeRow) -> [String; 2] {
    let Some(ages) = &row.ages else { return ["–", "–"].map(str::to_owned) };
    let recorded = summary.ages.as_ref().map_or(0.0, |ages| ages.recorded_seconds);
    cells_of(ages, recorded < LIMIT_SECONDS && ages.known_share < 1.0)
}

/// The cells of ages. `is_share_bounded` says whether the share is a lower bound.
pub fn cells_of(ages: &Ages, is_share_bounded: bool) -> [String; 2] {
    let at_least = |is_lower_bound: bool| if is_lower_bound { "≥ " } else { "" };
    // `as` saturates.
    let median = format!("{}{}", at_least(ages.p50_is_lower_bound), span(ages.p50_seconds as u64));
    [median, format!("{}{:.0} %", at_least(is_share_bounded), 100.0 * ages.older_than_10m)]
}

/// How old the bytes of a row are, in words that follow its name: `half of its bytes are older than 4s, and 2 % are older
/// than 10 min`.
pub fn in_words(ages: &Ages) -> String {
    // How long ages are recorded is not known here, so each share with older memory can be a lower bound.
    let is_bounded = ages.known_share < 1.0;
    let [_, share] = cells_of(ages, is_bounded);
    // Half of the bytes are older than a lower bound, too. `as` saturates.
    let half = format!("half of its bytes are older than {}", span(ages.p50_seconds as u64));
    // "At least 0 %" says nothing: the recording is younger than ten minutes.
    if is_bounded && 100.0 * ages.older_than_10m <= 0.5 {
        return half;
    }
    format!("{half}, and {share} are older than 10 min")
}

/// What is known about the ages of one row, as names with values. Empty if nothing is known.
pub(super) fn age_facts(row: &TypeRow) -> Vec<(String, String)> {
    let Some(ages) = row.ages else { return Vec::new() };
    let is_partial = ages.known_share < 1.0;
    let at_least = |is_lower_bound: bool| if is_lower_bound { "at least " } else { "" };
    let median = format!("{}{}", at_least(ages.p50_is_lower_bound), span(ages.p50_seconds as u64));
    let shares =
        [("1 min", ages.older_than_1m), ("10 min", ages.older_than_10m), ("1 h", ages.older_than_1h)];
    // How long ages are recorded is not known here, so each share of a row with older memory can be a lower bound.
    let shares = shares.map(|(limit, share)| {
        (format!("older than {limit}"), format!("{}{:.0} %", at_least(is_partial), 100.0 * share))
    });
    let known =
        is_partial.then(|| ("age known for".to_owned(), format!("{:.0} %", 100.0 * ages.known_share)));
    [("age p50".to_owned(), median)].into_iter().chain(shares).chain(known).collect()
}

/// The line that says for which part of the bytes ages are known, and since when. `None` if none are recorded.
pub fn ages_line(summary: &TypeSummary) -> Option<String> {
    let ages = summary.ages.as_ref()?;
    let share = ages.known_share?;
    let since = ages
        .recorded_since
        .as_deref()
        .map_or_else(String::new, |since| format!(" since {}", printable(since)));
    let recorded = span(ages.recorded_seconds as u64);
    // A part is never shown as the whole, nor as nothing.
    let percent = match 100.0 * share {
        all if ages.are_complete() => all,
        part if part > 0.0 => part.clamp(1.0, 99.0),
        none => none,
    };
    let others = match ages.dropped_samples {
        _ if ages.are_complete() => "",
        0 => "; all other bytes are older",
        _ => "; nothing is known about all other bytes, because the table of live samples was full",
    };
    Some(format!("ages are known for {percent:.0} % of the bytes, recorded{since} ({recorded}){others}"))
}

/// The lines about slack that is large: bytes that jemalloc gave beyond what the program asked for.
pub fn slack_lines(rows: &[TypeRow]) -> impl Iterator<Item = String> {
    rows.iter().filter_map(|row| {
        let slack = row.slack_bytes.filter(|slack| *slack >= LARGE_SLACK.1)?;
        let percent =
            percent(slack as f64, row.bytes as f64).filter(|part| *part >= 100.0 * LARGE_SLACK.0)?;
        let name = short_name(&row.type_name);
        Some(format!("slack of {name}: {} ({percent:.0} %) beyond what the program asked for", Bytes(slack)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ages::RecordedAges;
    use crate::sample;

    fn recorded(seconds: f64, share: f64) -> TypeSummary {
        let mut summary = sample::types();
        let recorded_since = Some("2026-11-20T11:00:00Z".to_owned());
        summary.ages = Some(RecordedAges {
            recorded_since,
            recorded_seconds: seconds,
            known_share: Some(share),
            dropped_samples: 0,
        });
        let mut ages = Ages::default();
        (ages.p50_seconds, ages.older_than_10m, ages.known_share) = (4000.0, 0.25, share);
        ages.p50_is_lower_bound = share < 0.5;
        summary.rows[0].ages = Some(ages);
        summary
    }

    #[test]
    fn the_table_has_columns_of_ages_if_any_age_is_known() {
        let table = recorded(4000.0, 0.75).to_string();
        let lines: Vec<_> = table.lines().collect();
        assert!(lines[0].ends_with("|      ± |  age p50 | older than 10 min"), "{table}");
        assert!(lines[2].ends_with("|   20 % |    1h 6m |              25 %"), "{table}");
        assert!(lines[3].ends_with("|   27 % |        – |                 –"), "{table}");
        let expected = "\nages are known for 75 % of the bytes, recorded since 2026-11-20T11:00:00Z (1h 6m); all other \
                        bytes are older\n";
        assert!(table.contains(expected), "{table}");
        assert!(!recorded(4000.0, 0.0).to_string().contains("age p50"));
        assert!(!sample::types().to_string().contains("ages"));
    }

    #[test]
    fn lower_bounds_are_marked() {
        let cells = |seconds, share| {
            let summary = recorded(seconds, share);
            age_cells(&summary, &summary.rows[0])
        };
        assert_eq!(cells(4000.0, 0.25), ["≥ 1h 6m", "25 %"], "the recording is longer than ten minutes");
        assert_eq!(cells(500.0, 0.25), ["≥ 1h 6m", "≥ 25 %"]);
        assert_eq!(cells(500.0, 1.0), ["1h 6m", "25 %"]);
    }

    #[test]
    fn words_leave_out_a_share_that_says_nothing() {
        let words = |older_than_10m, known_share| {
            let mut ages = Ages::default();
            (ages.p50_seconds, ages.p50_is_lower_bound) = (302.0, known_share < 0.5);
            (ages.older_than_10m, ages.known_share) = (older_than_10m, known_share);
            in_words(&ages)
        };
        let half = "half of its bytes are older than 5m 2s";
        assert_eq!(words(0.0, 1.0), format!("{half}, and 0 % are older than 10 min"));
        assert_eq!(words(0.25, 0.75), format!("{half}, and ≥ 25 % are older than 10 min"));
        assert_eq!(words(0.004, 0.25), half);
    }

    #[test]
    fn a_part_is_not_rounded_to_the_whole_or_to_nothing() {
        let line = |share| ages_line(&recorded(5.0, share)).unwrap();
        assert!(line(0.9999).starts_with("ages are known for 99 % of"));
        assert!(line(0.0001).starts_with("ages are known for 1 % of"));
        assert!(line(1.0).ends_with("for 100 % of the bytes, recorded since 2026-11-20T11:00:00Z (5s)"));
        let mut full = recorded(5.0, 0.5);
        full.ages.as_mut().unwrap().dropped_samples = 1;
        assert!(ages_line(&full).unwrap().contains("; nothing is known about all other bytes, because"));
    }

    #[test]
    fn only_large_slack_is_shown() {
        let mut summary = sample::types();
        let slack = |summary: &TypeSummary| slack_lines(&summary.rows).collect::<Vec<_>>();
        summary.rows[0].slack_bytes = Some(1 << 20);
        assert_eq!(slack(&summary), [""; 0], "8 % of the row");
        summary.rows[0].slack_bytes = Some(3 << 20);
        summary.rows[1].slack_bytes = Some(1 << 19);
        let expected = "slack of HashMap<String, Session>: 3.00 MiB (25 %) beyond what the program asked for";
        assert_eq!(slack(&summary), [expected]);
        assert!(summary.to_string().contains(expected));
    }
}
