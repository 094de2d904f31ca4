//! Sales reports, rendered on demand and cached.

use std::fmt::Write;
use std::sync::{Mutex, MutexGuard};

use bytes::Bytes;
use memory_debug_endpoint::exports::tracer::Call;

use crate::cache::Cache;

/// The number of days with sales.
const DAYS: u32 = 3650;

/// The number of lines of a report.
const LINES: u32 = 1000;

/// Renders reports and caches the most recently used ones.
#[derive(Debug)]
pub struct Reports {
    cache: Mutex<Cache>,
}

/// Whether a report was in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// The report was in the cache.
    Hit,
    /// The report was rendered for this request.
    Miss,
}

impl Lookup {
    /// The value of a header such as `x-cache`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
        }
    }
}

impl Reports {
    /// Makes a store that caches reports of at most `cache_bytes` in total.
    pub(crate) fn new(cache_bytes: usize) -> Self {
        Self { cache: Mutex::new(Cache::new(cache_bytes)) }
    }

    /// The report of a day, or `None` if the day had no sales yet.
    pub fn of_day(&self, day: u32) -> Option<(Bytes, Lookup)> {
        if day >= DAYS {
            return None;
        }
        if let Some(report) = self.cache().get(day) {
            return Some((report, Lookup::Hit));
        }
        // Rendered outside the lock: two requests may render the same report, but no other request waits for
        // them.
        let mut call = Call::begin("render report");
        let report = {
            let _entered = call.enter();
            Bytes::from(render(day))
        };
        call.complete();
        self.cache().insert(day, report.clone());
        Some((report, Lookup::Miss))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().expect("nothing panics while it holds the lock")
    }
}

/// Renders a report of about 64 KiB as text. The figures depend only on the day and replace a data warehouse.
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
    fn a_future_day_has_no_report() {
        assert!(Reports::new(1 << 20).of_day(DAYS).is_none());
    }
}
