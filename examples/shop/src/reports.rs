//! Sales reports, rendered on demand and kept while they are in use.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;

use crate::cache::Cache;

/// Days for which there are sales.
const DAYS: u32 = 3650;

/// Lines of one report.
const LINES: u32 = 1000;

/// Renders reports and keeps the latest used.
#[derive(Debug)]
pub struct Reports {
    cache: Mutex<Cache>,
}

/// Whether a report was in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// It was.
    Hit,
    /// It was rendered just now.
    Miss,
}

impl Lookup {
    /// For a header like `x-cache`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}

impl Reports {
    /// Keeps reports of at most `cache_bytes` together.
    pub(crate) fn new(cache_bytes: usize) -> Self {
        Self { cache: Mutex::new(Cache::new(cache_bytes)) }
    }

    /// The report of a day, or `None` if there were no sales yet.
    pub fn of_day(&self, day: u32) -> Option<(Bytes, Lookup)> {
        if day >= DAYS {
            return None;
        }
        if let Some(report) = self.cache().get(day) {
            return Some((report, Lookup::Hit));
        }
        // Rendered outside the lock: two requests may do it twice, but nobody else waits for them.
        let report = Bytes::from(render(day));
        self.cache().insert(day, report.clone());
        Some((report, Lookup::Miss))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("nothing panics while it holds the lock")
    }
}

/// The report as text, about 64 KiB. The figures come from the day alone, in place of a data warehouse.
fn render(day: u32) -> String {
    let mut report =
        format!("Sales of day {day}\n\n{:<24}{:>12}{:>12}{:>14}\n", "Article", "Sold", "Back", "Revenue");
    for line in 0..LINES {
        let sold = (day * 31 + line * 17) % 503;
        let back = sold / 25;
        let revenue = u64::from(sold - back) * 1999;
        let article = format!("SKU-{day:04}-{line:04}");
        writeln!(report, "{article:<24}{sold:>12}{back:>12}{:>11}.{:02}", revenue / 100, revenue % 100)
            .expect("writing to a string does not fail");
    }
    report
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_reader_gets_the_same_bytes_from_the_cache() {
        let reports = Reports::new(1 << 20);
        let (rendered, first) = reports.of_day(7).unwrap();
        let (cached, second) = reports.of_day(7).unwrap();
        assert_eq!((first, second), (Lookup::Miss, Lookup::Hit));
        assert_eq!(rendered.as_ptr(), cached.as_ptr());
    }

    #[test]
    fn there_is_no_report_of_a_day_to_come() {
        assert!(Reports::new(1 << 20).of_day(DAYS).is_none());
    }
}
