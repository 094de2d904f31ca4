//! Exports metrics to a recorder of the `metrics` facade.

use memory_debug_report::{MemoryReport, TypeRow};
use metrics::{Label, SharedString, Unit};

use crate::all::families;
use crate::families::MetricKind;
use crate::view::MetricsView;

/// Sends the metrics of a report to the recorder that the program has installed, if any.
///
/// Call it from a task of your own, with the report and the tracked rows of a collection. `Scope::Stats` takes
/// milliseconds. With `Scope::Everything` and [`MetricsView::top`], the metrics include types, at the cost of a heap
/// profile. A type that is no longer among the largest keeps its last value in most recorders.
pub fn record(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) {
    for family in families(report, tracked, view) {
        let name = SharedString::from(family.full_name());
        let unit = (family.unit == Some("bytes")).then_some(Unit::Bytes);
        let unit = unit.or_else(|| (family.unit == Some("seconds")).then_some(Unit::Seconds));
        match (family.kind, unit) {
            (MetricKind::Counter, _) => metrics::describe_counter!(name.clone(), family.help),
            (_, Some(unit)) => metrics::describe_gauge!(name.clone(), unit, family.help),
            (_, None) => metrics::describe_gauge!(name.clone(), family.help),
        }
        for metric in family.metrics {
            let labels: Vec<_> =
                metric.labels.into_iter().map(|(key, value)| Label::new(key, value)).collect();
            match family.kind {
                MetricKind::Counter => metrics::counter!(name.clone(), labels).absolute(metric.value as u64),
                MetricKind::Gauge | MetricKind::Info => {
                    metrics::gauge!(name.clone(), labels).set(metric.value)
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder};

    use super::*;
    use crate::sample;

    #[derive(Default)]
    struct Log(std::sync::Arc<Mutex<Vec<(String, f64)>>>);

    struct Entry(String, std::sync::Arc<Mutex<Vec<(String, f64)>>>);

    impl GaugeFn for Entry {
        fn increment(&self, _: f64) {}
        fn decrement(&self, _: f64) {}
        fn set(&self, value: f64) {
            self.1.lock().unwrap().push((self.0.clone(), value));
        }
    }

    impl CounterFn for Entry {
        fn increment(&self, _: u64) {}
        fn absolute(&self, value: u64) {
            self.1.lock().unwrap().push((self.0.clone(), value as f64));
        }
    }

    impl Recorder for Log {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
            Counter::from_arc(std::sync::Arc::new(Entry(key.to_string(), self.0.clone())))
        }
        fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::from_arc(std::sync::Arc::new(Entry(key.to_string(), self.0.clone())))
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::noop()
        }
    }

    #[test]
    fn the_recorder_gets_the_same_metrics_as_prometheus() {
        let log = Log::default();
        metrics::with_local_recorder(&log, || {
            record(&sample::report(), &[], MetricsView { top: 1, exact: true })
        });
        let got = log.0.lock().unwrap().clone();
        let value = |part: &str| got.iter().find(|(key, _)| key.contains(part)).map(|(_, value)| *value);
        assert_eq!(value("memory_debug_jemalloc_allocated_bytes"), Some(451_936_256.0));
        assert_eq!(value("HashMap<String, Session>"), Some(12_582_912.0));
        assert_eq!(value("memory_debug_tracked_created"), Some(21_300.0));
    }
}
