//! How old live memory is, as a picture of bars. The numbers are in the table beside it.

use maud::{Markup, html};
use memory_debug_report::units::Bytes;
use memory_debug_report::{AgeBucket, Group, TypeRow};

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The part of a step that its bar takes.
const BAR: f64 = 0.9;

/// A bar for each range of ages, the youngest at the left. Nothing unless `group` says that rows are ages, or if there
/// are no rows.
pub(crate) fn histogram(group: &str, rows: &[TypeRow]) -> Markup {
    if group != Group::Age.as_str() || rows.is_empty() {
        return Markup::default();
    }
    let bytes_of =
        |age: AgeBucket| rows.iter().find(|row| row.type_name == age.name()).map_or(0, |row| row.bytes);
    // A range without memory keeps its place, so that pictures can be compared.
    let ages: Vec<(AgeBucket, u64)> = AgeBucket::all()
        .map(|age| (age, bytes_of(age)))
        .filter(|(age, bytes)| *age != AgeBucket::Unknown || *bytes > 0)
        .collect();
    let most = ages.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default().max(1) as f64;
    let step = WIDTH / ages.len() as f64;
    let named: Vec<String> =
        ages.iter().map(|(age, bytes)| format!("{}: {}", age.name(), Bytes(*bytes))).collect();
    html! {
        svg.chart role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" {
            title { "Live bytes by age, the youngest at the left. " (named.join(", ")) }
            @for (index, ((_, bytes), name)) in ages.iter().zip(&named).enumerate() {
                @let height = HEIGHT * *bytes as f64 / most;
                rect x=(number(index as f64 * step)) y=(number(HEIGHT - height)) width=(number(BAR * step))
                    height=(number(height)) { title { (name) } }
            }
        }
    }
}

fn number(number: f64) -> String {
    format!("{number:.1}")
}

#[cfg(test)]
mod tests {
    use memory_debug_report::TypeSummary;

    use super::*;

    fn of(summary: &TypeSummary) -> String {
        histogram(&summary.group, &summary.rows).into_string()
    }

    fn by_age(rows: &[(&str, u64)]) -> TypeSummary {
        let row = |(name, bytes): &(&str, u64)| {
            serde_json::json!({"type": name, "full_type": name, "objects": 1, "bytes": bytes,
                               "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"})
        };
        let rows: Vec<_> = rows.iter().map(row).collect();
        serde_json::from_value(serde_json::json!({"group": "age", "rows": rows})).unwrap()
    }

    #[test]
    fn each_range_has_a_bar_in_the_order_of_ages() {
        let summary = by_age(&[("over 1 day", 1024), ("under 1 s", 4096)]);
        let picture = of(&summary);
        assert_eq!(picture.matches("<rect").count(), 9, "no memory of unknown age, no bar");
        assert!(picture.contains(r#"role="img""#), "{picture}");
        assert!(picture.contains("at the left. under 1 s: 4.00 KiB, 1 s to 10 s: 0 B, "), "{picture}");
        let bars = [
            r#"<rect x="0.0" y="0.0" width="60.0" height="120.0"><title>under 1 s: 4.00 KiB</title>"#,
            r#"<rect x="466.7" y="90.0" width="60.0" height="30.0"><title>over 1 day: 1.00 KiB</title>"#,
        ];
        assert!(bars.iter().all(|bar| picture.contains(bar)), "{picture}");
        let unknown = of(&by_age(&[("(age not recorded)", 1)]));
        assert_eq!(unknown.matches("<rect").count(), 10);
    }

    #[test]
    fn other_tables_have_no_histogram() {
        let mut summary = by_age(&[("under 1 s", 1)]);
        summary.group = "route".into();
        assert_eq!(of(&summary), "");
        assert_eq!(of(&by_age(&[])), "");
    }
}
