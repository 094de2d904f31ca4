//! Metrics of types and roots. Their number is bounded, because every label is a series that Prometheus must keep.

use std::collections::BTreeMap;

use memory_debug_report::units::printable;
use memory_debug_report::{MemoryReport, RowSource, TypeRow};

use crate::families::MetricFamily;
use crate::view::MetricsView;

/// Label for all types that are not among the largest.
const OTHER: &str = "other";

/// Label for all memory of unknown type.
const UNATTRIBUTED: &str = "[unattributed]";

/// Longer names are shortened, because a label is repeated in every sample.
const MAX_NAME_CHARS: usize = 200;

#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    objects: f64,
    bytes: f64,
    variance: f64,
}

impl Sum {
    fn add(&mut self, row: &TypeRow) {
        self.objects += row.objects as f64;
        self.bytes += row.bytes as f64;
        self.variance += row.bytes_stderr.powi(2);
    }
}

pub(super) fn of_types(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    if view.exact {
        families.extend(of_roots(report));
        families.extend(of_tracked(report, tracked));
    }
    if view.top > 0 {
        families.extend(of_sampled(report, view.top));
    }
    families
}

fn of_sampled(report: &MemoryReport, top: usize) -> Vec<MetricFamily> {
    let bytes = Some("bytes");
    let mut live =
        MetricFamily::gauge("memory_debug_type_live", bytes, "Live memory by type, estimated from samples");
    let mut errors = MetricFamily::gauge(
        "memory_debug_type_live_stderr",
        bytes,
        "One standard error of memory_debug_type_live_bytes",
    );
    let mut objects = MetricFamily::gauge(
        "memory_debug_type_live_objects",
        None,
        "Live allocations by type, estimated from samples",
    );
    let Some(types) = &report.types else { return Vec::new() };
    // Names may be equal although paths differ, or become equal when they are shortened.
    let mut sums: BTreeMap<String, Sum> = BTreeMap::new();
    for row in &types.rows {
        match row.source {
            RowSource::Sampled => sums.entry(cut(&row.type_name)).or_default().add(row),
            RowSource::Unattributed => sums.entry(UNATTRIBUTED.into()).or_default().add(row),
            _ => {}
        }
    }
    // A type may have this name, too, and a label stands for only one series.
    let mut rest = sums.remove(OTHER).unwrap_or_default();
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_by(|(_, a), (_, b)| b.bytes.total_cmp(&a.bytes));
    for (_, sum) in sums.drain(top.min(sums.len())..) {
        rest.objects += sum.objects;
        rest.bytes += sum.bytes;
        rest.variance += sum.variance;
    }
    sums.push((OTHER.into(), rest));
    for (name, sum) in sums {
        live.add("type", name.as_str(), sum.bytes);
        errors.add("type", name.as_str(), sum.variance.sqrt().round());
        objects.add("type", name, sum.objects);
    }
    vec![live, errors, objects]
}

fn of_tracked(report: &MemoryReport, tracked: &[TypeRow]) -> Vec<MetricFamily> {
    let mut objects =
        MetricFamily::gauge("memory_debug_tracked_objects", None, "Live values of tracked types");
    let mut bytes =
        MetricFamily::gauge("memory_debug_tracked", Some("bytes"), "Memory of live values of tracked types");
    let mut created =
        MetricFamily::counter("memory_debug_tracked_created", "Values of tracked types created so far");
    let mut dropped =
        MetricFamily::counter("memory_debug_tracked_dropped", "Values of tracked types dropped so far");
    // A report from the wire has tracked types only in its table, where the rows of roots are exact as well.
    let in_table = report.types.iter().flat_map(|types| &types.rows).filter(|row| row.created.is_some());
    let tracked: Vec<_> = if tracked.is_empty() { in_table.collect() } else { tracked.iter().collect() };
    // Labels are full paths: tracked types are few, and two may share a name. Two versions of a crate share the path.
    let mut sums: BTreeMap<String, [f64; 4]> = BTreeMap::new();
    for row in tracked {
        let [objects, bytes, created, dropped] = sums.entry(cut(&row.full_type)).or_default();
        *objects += row.objects as f64;
        *bytes += row.bytes as f64;
        *created += row.created.unwrap_or(0) as f64;
        *dropped += row.dropped.unwrap_or(0) as f64;
    }
    for (name, numbers) in sums {
        for (family, number) in
            [&mut objects, &mut bytes, &mut created, &mut dropped].into_iter().zip(numbers)
        {
            family.add("type", name.as_str(), number);
        }
    }
    vec![objects, bytes, created, dropped]
}

fn of_roots(report: &MemoryReport) -> Vec<MetricFamily> {
    let mut retained = MetricFamily::gauge(
        "memory_debug_root_retained",
        Some("bytes"),
        "Memory of registered roots and of what they own",
    );
    let mut sums: BTreeMap<String, f64> = BTreeMap::new();
    for root in report.roots.iter().flat_map(|roots| &roots.rows) {
        if let Some(bytes) = root.retained_bytes {
            *sums.entry(cut(&root.name)).or_default() += bytes as f64;
        }
    }
    sums.into_iter().for_each(|(name, bytes)| retained.add("root", name, bytes));
    vec![retained]
}

/// The name as a label, safe to read in a terminal.
fn cut(name: &str) -> String {
    let name = printable(name);
    if name.chars().count() <= MAX_NAME_CHARS {
        return name;
    }
    name.chars().take(MAX_NAME_CHARS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn series(families: &[MetricFamily], name: &str) -> Vec<(String, f64)> {
        let family = families.iter().find(|family| family.full_name() == name).unwrap();
        family.metrics.iter().map(|metric| (metric.labels[0].1.clone(), metric.value)).collect()
    }

    #[test]
    fn the_largest_types_have_their_own_series_and_the_others_share_one() {
        let families = of_types(&sample::report(), &[], MetricsView { top: 1, exact: true });
        let mib = f64::from(1 << 20);
        let expected =
            [("HashMap<String, Session>".to_owned(), 12.0 * mib), ("other".to_owned(), 7_330_000.0 + mib)];
        assert_eq!(series(&families, "memory_debug_type_live_bytes"), expected);
        let families = of_types(&sample::report(), &[], MetricsView { top: 9, exact: true });
        let names: Vec<_> =
            series(&families, "memory_debug_type_live_objects").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["HashMap<String, Session>", "String", "[unattributed]", "other"]);
    }

    #[test]
    fn without_top_there_are_only_exact_types() {
        let families = of_types(&sample::report(), &[], MetricsView { top: 0, exact: true });
        assert!(families.iter().all(|family| !family.name.starts_with("memory_debug_type_")));
        assert_eq!(
            series(&families, "memory_debug_tracked_created"),
            [("axum_service::Session".to_owned(), 21_300.0)]
        );
    }

    #[test]
    fn series_have_unique_labels() {
        let mut report = sample::report();
        let types = report.types.as_mut().unwrap();
        types.rows[0].type_name = "other".into();
        let mut twin = types.rows.iter().find(|row| row.created.is_some()).unwrap().clone();
        twin.objects = 1;
        types.rows.push(twin);
        for family in of_types(&report, &[], MetricsView { top: 9, exact: true }) {
            let mut labels: Vec<_> = family.metrics.iter().map(|metric| &metric.labels).collect();
            let count = labels.len();
            labels.sort();
            labels.dedup();
            assert_eq!(labels.len(), count, "{family:?}");
        }
        let objects = series(
            &of_types(&report, &[], MetricsView { top: 0, exact: true }),
            "memory_debug_tracked_objects",
        );
        let before = series(
            &of_types(&sample::report(), &[], MetricsView { top: 0, exact: true }),
            "memory_debug_tracked_objects",
        );
        assert_eq!(objects[0].1, before[0].1 + 1.0);
    }

    #[test]
    fn s64_a_name_cannot_move_the_cursor_of_a_terminal() {
        let mut report = sample::report();
        report.types.as_mut().unwrap().rows[0].type_name = "a\u{1b}[2J\n\u{202e}b".into();
        let families = of_types(&report, &[], MetricsView { top: 9, exact: true });
        let names = series(&families, "memory_debug_type_live_bytes");
        assert!(names.iter().any(|(name, _)| name == r"a\u{1b}[2J\u{a}\u{202e}b"), "{names:?}");
    }

    #[test]
    fn names_that_become_equal_when_shortened_are_one_series() {
        let mut report = sample::report();
        let rows = &mut report.types.as_mut().unwrap().rows;
        for (index, row) in rows.iter_mut().take(2).enumerate() {
            row.type_name = format!("{}{index}", "x".repeat(300));
        }
        let names = series(
            &of_types(&report, &[], MetricsView { top: 9, exact: true }),
            "memory_debug_type_live_bytes",
        );
        assert_eq!((names.len(), names[0].0.chars().count()), (3, 200));
    }
}
