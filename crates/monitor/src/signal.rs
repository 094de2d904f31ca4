//! Reports on a signal.

use std::time::Duration;

/// A signal at which the monitor writes a report to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Signal {
    /// `SIGUSR1`.
    Usr1,
    /// `SIGUSR2`.
    Usr2,
    /// `SIGHUP`, which programs often take for "read your settings again".
    Hup,
}

/// The shortest time between two reports.
pub(crate) const BETWEEN_REPORTS: Duration = Duration::from_secs(10);

/// Whether a report is due at a signal at the time `now`, if the last one was at `last`.
pub(crate) fn report_is_due(last: Option<Duration>, now: Duration) -> bool {
    last.is_none_or(|last| now.saturating_sub(last) >= BETWEEN_REPORTS)
}

#[cfg(not(all(feature = "signal", target_os = "linux")))]
mod disabled;
#[cfg(all(feature = "signal", target_os = "linux"))]
mod pipe;
#[cfg(not(all(feature = "signal", target_os = "linux")))]
pub(crate) use disabled::Signals;
#[cfg(all(feature = "signal", target_os = "linux"))]
pub(crate) use pipe::Signals;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m11_at_most_one_report_in_ten_seconds() {
        let mut last = None;
        // A thousand signals, one each 50 ms.
        let reports = (0..1_000).map(|number| Duration::from_millis(50 * number)).filter(|&now| {
            let due = report_is_due(last, now);
            last = if due { Some(now) } else { last };
            due
        });
        let reports: Vec<_> = reports.collect();
        assert_eq!(reports, [0, 10, 20, 30, 40].map(Duration::from_secs));
    }
}
