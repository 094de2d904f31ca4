//! Limits in bytes, in percent, or as a count.

use memory_debug_core::MonitorMetric;

/// The limit of a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit(Kind);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Absolute(u64),
    /// Of the container's limit, and if no limit is set, perhaps of the machine's memory.
    Share {
        percent: f64,
        falls_back: bool,
    },
}

impl Limit {
    /// A number of bytes.
    pub const fn bytes(bytes: u64) -> Self {
        Self(Kind::Absolute(bytes))
    }

    /// A number of mebibytes.
    pub const fn mib(mib: u64) -> Self {
        Self(Kind::Absolute(mib.saturating_mul(1 << 20)))
    }

    /// A number of threads or open files.
    pub const fn count(count: u64) -> Self {
        Self(Kind::Absolute(count))
    }

    /// A share of the container's limit. It follows the limit when the limit changes.
    pub const fn percent(percent: f64) -> Self {
        Self(Kind::Share { percent, falls_back: false })
    }

    /// A share of the container's limit, or of the machine's memory (`MemTotal`) if no limit is set.
    ///
    /// Without a limit, a rule about [`MonitorMetric::Container`] watches the machine's memory that is not available
    /// (`MemTotal` - `MemAvailable`). It is then the memory of all processes: the cause of an alarm can be another one,
    /// and the kernel can kill another one. Events and the page name the machine as the source. If the monitor cannot
    /// tell whether a limit is set, the rule is not armed.
    pub const fn percent_or_machine(percent: f64) -> Self {
        Self(Kind::Share { percent, falls_back: true })
    }

    /// Whether it is a share of the machine's memory if no limit is set.
    pub(crate) fn falls_back(self) -> bool {
        matches!(self.0, Kind::Share { falls_back: true, .. })
    }

    /// Checks that the limit makes sense for `metric`.
    pub(crate) fn check(self, metric: &MonitorMetric) -> Result<(), String> {
        match self.0 {
            Kind::Absolute(_) => Ok(()),
            Kind::Share { .. } if matches!(metric, MonitorMetric::Threads | MonitorMetric::OpenFiles) => {
                Err(format!("{metric} have no limit of the container: use `Limit::count`"))
            }
            Kind::Share { percent, .. } if percent > 0.0 && percent.is_finite() => Ok(()),
            Kind::Share { percent, .. } => Err(format!("{percent} % is not a share: use a number above 0")),
        }
    }

    /// The limit as a number, where `whole` is what shares are of. `None` if it is a share and there is no whole.
    pub(crate) fn resolve(self, whole: Option<u64>) -> Option<u64> {
        match self.0 {
            Kind::Absolute(number) => Some(number),
            // Far below 2^53 in practice; beyond that a few bytes more or less do not matter.
            Kind::Share { percent, .. } => Some((whole? as f64 * percent / 100.0) as u64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_follows_the_whole_and_needs_one() {
        assert_eq!(Limit::percent(85.0).resolve(Some(512 << 20)), Some(456_340_275));
        assert_eq!(Limit::percent(85.0).resolve(None), None);
        assert_eq!(Limit::percent(150.0).resolve(Some(u64::MAX)), Some(u64::MAX));
        assert_eq!(Limit::mib(2).resolve(None), Some(2 << 20));
    }

    #[test]
    fn senseless_shares_are_refused() {
        for percent in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            for limit in [Limit::percent(percent), Limit::percent_or_machine(percent)] {
                assert!(limit.check(&MonitorMetric::Container).is_err(), "{percent}");
            }
        }
        for limit in [Limit::percent(85.0), Limit::percent_or_machine(85.0)] {
            assert_eq!(limit.check(&MonitorMetric::Container), Ok(()));
            assert!(limit.check(&MonitorMetric::Threads).unwrap_err().contains("Limit::count"));
        }
        assert_eq!(Limit::count(100).check(&MonitorMetric::Threads), Ok(()));
    }
}
