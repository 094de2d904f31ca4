//! The answers of one instance.

use std::time::{Duration, Instant};

use memory_debug_report::{Comparison, MemoryReport, MissingInstance, TypeSummary};

use crate::failure::Failure;

/// The most rows kept of a table. A genuine page never has more.
const MAX_ROWS: usize = 1_000;

/// An instance that is polled.
#[derive(Debug)]
pub(super) struct Instance {
    target: String,
    /// When the request was sent that has no answer yet.
    asked: Option<Instant>,
    base: Option<Answer>,
    /// The result of the last request. `None` before the first answer.
    latest: Option<Result<Answer, MissingInstance>>,
    restarts: u64,
    resampled: u64,
}

/// A report, and when it arrived.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) report: MemoryReport,
    pub(super) at: Instant,
}

/// Whether an instance answers.
#[derive(Debug, PartialEq)]
pub(super) enum Standing<'a> {
    /// It has not answered yet, and the first request is recent.
    New,
    /// Its last answer was a report.
    Here,
    /// It has not answered a request for this long. Its report is older.
    Slow(Duration),
    /// The last request failed.
    Missing(&'a MissingInstance),
}

impl Instance {
    pub(super) fn new(target: String) -> Self {
        Self { target, asked: None, base: None, latest: None, restarts: 0, resampled: 0 }
    }

    pub(super) fn asked(&mut self, at: Instant) {
        self.asked = Some(at);
    }

    pub(super) fn answered(&mut self, at: Instant, answer: Result<MemoryReport, Failure>) {
        self.asked = None;
        let mut report = match answer {
            Ok(report) => report,
            Err(Failure { reason, message, .. }) => {
                self.latest = Some(Err(MissingInstance::new(self.target.clone(), reason, message)));
                return;
            }
        };
        if let Some(table) = &mut report.types {
            let left_out = table.rows.len().saturating_sub(MAX_ROWS) as u64;
            table.rows.truncate(MAX_ROWS);
            table.omitted_rows = table.omitted_rows.saturating_add(left_out);
        }
        let answer = Answer { report, at };
        match &self.base {
            Some(base) if is_comparable(&base.report, &answer.report) => {}
            base => {
                if let Some(base) = base {
                    let is_restart = base.report.instance.id != answer.report.instance.id;
                    let is_resampled =
                        !is_restart && base.report.types.is_some() && answer.report.types.is_some();
                    self.restarts += u64::from(is_restart);
                    self.resampled += u64::from(is_resampled);
                }
                self.base = Some(answer.clone());
            }
        }
        self.latest = Some(Ok(answer));
    }

    pub(super) fn target(&self) -> &str {
        &self.target
    }

    /// How often a different process answered than before.
    pub(super) fn restarts(&self) -> u64 {
        self.restarts
    }

    /// How often a process changed its samples, so that growth was counted from the start again.
    pub(super) fn resampled(&self) -> u64 {
        self.resampled
    }

    /// The first report that is comparable with the last report, and the last report.
    pub(super) fn reports(&self) -> Option<(&Answer, &Answer)> {
        Some((self.base.as_ref()?, self.latest.as_ref()?.as_ref().ok()?))
    }

    /// Why there is no report.
    pub(super) fn missing(&self) -> Option<&MissingInstance> {
        self.latest.as_ref()?.as_ref().err()
    }

    /// Whether the instance answers. It is slow if an answer takes longer than `patience`.
    pub(super) fn standing(&self, now: Instant, patience: Duration) -> Standing<'_> {
        let waited = self.asked.map(|asked| now.saturating_duration_since(asked));
        match (&self.latest, waited) {
            (Some(Err(missing)), _) => Standing::Missing(missing),
            (_, Some(waited)) if waited > patience => Standing::Slow(waited),
            (Some(Ok(_)), _) => Standing::Here,
            (None, _) => Standing::New,
        }
    }
}

/// Whether a difference between the reports means that memory was allocated or freed. It does not if the process is a
/// different one, if the rows are grouped differently, or if samples were discarded or sampling was off in between.
fn is_comparable(base: &MemoryReport, now: &MemoryReport) -> bool {
    let is_same = |before: &TypeSummary, after: &TypeSummary| {
        let has_same_samples = match Comparison::of_reports(base, now) {
            Comparison::Whole => true,
            // Older services report nothing else.
            Comparison::Unknown => {
                before.samples == after.samples && before.active_since == after.active_since
            }
            _ => false,
        };
        has_same_samples && before.group == after.group
    };
    let is_same = match (&base.types, &now.types) {
        (Some(before), Some(after)) => is_same(before, after),
        (None, Some(_)) => false,
        (_, None) => true,
    };
    base.instance.id == now.instance.id && is_same
}

#[cfg(test)]
mod tests {
    use memory_debug_report::MissingReason;

    use super::super::fixture::{report, row};
    use super::*;

    fn base_bytes(instance: &Instance) -> u64 {
        instance.reports().unwrap().0.report.types.as_ref().unwrap().rows[0].bytes
    }

    #[test]
    fn growth_starts_at_the_first_report_of_a_process() {
        let (mut instance, at) = (Instance::new("http://a".into()), Instant::now());
        for (number, bytes) in [(1, 10), (1, 20), (2, 30), (2, 40)] {
            instance.answered(at, Ok(report(number, vec![row("A", 1, bytes, 1.0)])));
        }
        assert_eq!((base_bytes(&instance), instance.restarts()), (30, 1));
    }

    #[test]
    fn growth_restarts_where_samples_were_discarded_or_paused() {
        let at = Instant::now();
        let table = |generation, pauses, bytes| {
            let mut report = report(2, vec![row("A", 1, bytes, 1.0)]);
            let samples = report.types.as_mut().unwrap().samples.as_mut().unwrap();
            (samples.generation, samples.pauses) = (generation, pauses);
            report
        };
        let mut instance = Instance::new("http://a".into());
        for (generation, pauses, bytes, base, resampled) in [
            (0, 0, 30, 30, 0),
            (0, 0, 40, 30, 0),
            (1, 0, 5, 5, 1),
            (1, 0, 9, 5, 1),
            (2, 0, 7, 7, 2),
            (2, 1, 8, 8, 3),
        ] {
            instance.answered(at, Ok(table(generation, pauses, bytes)));
            assert_eq!(
                (base_bytes(&instance), instance.resampled()),
                (base, resampled),
                "{generation} {pauses}"
            );
        }
        assert_eq!(instance.restarts(), 0);
    }

    #[test]
    fn older_services_are_compared_by_when_sampling_began() {
        let at = Instant::now();
        let table = |active_since: &str, bytes| {
            let mut report = report(2, vec![row("A", 1, bytes, 1.0)]);
            let types = report.types.as_mut().unwrap();
            (types.samples, types.active_since) = (None, Some(active_since.into()));
            report
        };
        let mut instance = Instance::new("http://a".into());
        for (since, bytes, base) in [("09:00", 30, 30), ("09:00", 40, 30), ("13:00", 50, 50)] {
            instance.answered(at, Ok(table(since, bytes)));
            assert_eq!(base_bytes(&instance), base);
        }
    }

    #[test]
    fn failed_instance_is_missing_until_it_answers_and_keeps_its_base() {
        let (mut instance, at) = (Instance::new("http://a".into()), Instant::now());
        let patience = Duration::from_secs(2);
        assert_eq!(instance.standing(at, patience), Standing::New);
        instance.answered(at, Ok(report(1, vec![row("A", 1, 10, 1.0)])));
        instance.answered(at, Err(Failure::new(MissingReason::Unreachable, "connection refused")));
        assert!(matches!(instance.standing(at, patience), Standing::Missing(_)));
        assert!(instance.reports().is_none());
        instance.answered(at, Ok(report(1, vec![row("A", 1, 20, 1.0)])));
        assert_eq!((base_bytes(&instance), instance.standing(at, patience)), (10, Standing::Here));
    }

    #[test]
    fn instance_that_does_not_answer_in_time_is_slow() {
        let (mut instance, at) = (Instance::new("http://a".into()), Instant::now());
        let (patience, late) = (Duration::from_secs(2), Duration::from_secs(3));
        instance.asked(at);
        assert_eq!(instance.standing(at + patience, patience), Standing::New);
        assert_eq!(instance.standing(at + late, patience), Standing::Slow(late));
    }

    #[test]
    fn table_that_is_too_long_is_truncated_and_says_so() {
        let mut instance = Instance::new("http://a".into());
        let rows = (0..1_500).map(|number| row(&format!("T{number}"), 1, 10, 1.0)).collect();
        instance.answered(Instant::now(), Ok(report(1, rows)));
        let table = instance.reports().unwrap().1.report.types.as_ref().unwrap();
        assert_eq!((table.rows.len(), table.omitted_rows), (1_000, 500));
    }
}
