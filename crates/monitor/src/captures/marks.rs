//! The marks at which captures are due. Decisions only: no clock, no file.

use std::time::Duration;

/// The marks, in thousandths of the limit.
const MARKS: [u64; 5] = [700, 800, 850, 900, 950];

/// From this share, or this time after the start, the baseline is due.
const BASELINE_PERMILLE: u64 = 500;
const BASELINE_AFTER: Duration = Duration::from_secs(600);

/// After this time a mark counts again, so that a service that stays near its limit is captured again.
const FORGET_AFTER: Duration = Duration::from_secs(3600);

/// Why a capture is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Quiet times, to compare with.
    Baseline,
    /// A mark was passed that was not passed in the last hour.
    Mark,
}

/// The marks that were passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    /// The highest mark, and when it was passed.
    highest: Option<(u64, Duration)>,
    has_baseline: bool,
}

impl Marks {
    /// What is due when `permille` of the limit are in use (`None` without a limit).
    pub(super) fn due(&self, at: Duration, permille: Option<u64>) -> Option<Due> {
        let used = permille.unwrap_or_default();
        let forgotten = |since: Duration| at.saturating_sub(since) >= FORGET_AFTER;
        let passed = MARKS.into_iter().rev().find(|mark| used >= *mark);
        match (passed, self.highest) {
            (Some(_), None) => return Some(Due::Mark),
            (Some(mark), Some((highest, since))) if mark > highest || forgotten(since) => {
                return Some(Due::Mark);
            }
            _ => {}
        }
        let is_time = at >= BASELINE_AFTER || used >= BASELINE_PERMILLE;
        // Above the first mark it would show the trouble, not quiet times.
        (!self.has_baseline && is_time && passed.is_none()).then_some(Due::Baseline)
    }

    /// Notes that a capture has begun, so that it is not due again.
    pub(super) fn begun(&mut self, due: Due, at: Duration, permille: Option<u64>) {
        match due {
            Due::Baseline => self.has_baseline = true,
            Due::Mark => {
                let mark = MARKS.into_iter().rev().find(|mark| permille.unwrap_or_default() >= *mark);
                self.highest = mark.map(|mark| (mark, at));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is due at each share, one look a second.
    fn sequence(shares: &[u64]) -> Vec<Option<Due>> {
        let mut marks = Marks { has_baseline: true, ..Marks::default() };
        let look = |(second, share): (u64, &u64)| {
            let at = Duration::from_secs(second);
            let due = marks.due(at, Some(*share));
            due.inspect(|due| marks.begun(*due, at, Some(*share)))
        };
        (0..).zip(shares).map(look).collect()
    }

    #[test]
    fn each_mark_is_due_once_and_a_dip_makes_none_due_again() {
        let mark = Some(Due::Mark);
        assert_eq!(
            sequence(&[100, 699, 700, 750, 799, 600, 790]),
            [None, None, mark, None, None, None, None]
        );
        assert_eq!(
            sequence(&[810, 820, 790, 849, 850, 899, 990, 999]),
            [mark, None, None, None, mark, None, mark, None]
        );
    }

    #[test]
    fn a_mark_is_due_again_after_an_hour() {
        let mut marks = Marks::default();
        let (start, hour) = (Duration::from_secs(5), Duration::from_secs(3605));
        marks.begun(Due::Mark, start, Some(960));
        assert_eq!(marks.due(hour - Duration::from_secs(1), Some(960)), None);
        assert_eq!(marks.due(hour, Some(720)), Some(Due::Mark));
    }

    #[test]
    fn the_baseline_is_taken_once_in_quiet_times() {
        let mut marks = Marks::default();
        assert_eq!(marks.due(Duration::ZERO, Some(499)), None);
        assert_eq!(marks.due(Duration::ZERO, Some(500)), Some(Due::Baseline));
        assert_eq!(marks.due(Duration::from_secs(600), None), Some(Due::Baseline), "without a limit");
        assert_eq!(marks.due(Duration::ZERO, Some(700)), Some(Due::Mark), "that is no quiet time");
        marks.begun(Due::Mark, Duration::ZERO, Some(700));
        assert_eq!(marks.due(Duration::ZERO, Some(720)), None);
        assert_eq!(marks.due(Duration::ZERO, Some(600)), Some(Due::Baseline));
        marks.begun(Due::Baseline, Duration::ZERO, Some(600));
        assert_eq!(marks.due(Duration::from_secs(600), Some(600)), None);
    }
}
