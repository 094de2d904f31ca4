//! How fast memory grows.

use std::time::Duration;

/// Looks closer together than this are taken as one.
const SHORTEST: Duration = Duration::from_millis(40);

/// Growth of the memory in use, from one look to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Growth {
    last: Option<(Duration, u64)>,
    bytes_per_second: f64,
}

impl Growth {
    /// Takes the number of a look. A fast growth is forgotten by half with each look, so one slow step does not hide it.
    pub(super) fn look(&mut self, at: Duration, used: u64) {
        let Some((before, earlier)) = self.last else {
            self.last = Some((at, used));
            return;
        };
        let passed = at.saturating_sub(before);
        if passed < SHORTEST {
            return;
        }
        let now = used.saturating_sub(earlier) as f64 / passed.as_secs_f64();
        self.bytes_per_second = now.max(self.bytes_per_second / 2.0);
        self.last = Some((at, used));
    }

    /// Bytes by which memory may grow in `time`.
    pub(super) fn in_time(&self, time: Duration) -> u64 {
        (self.bytes_per_second * time.as_secs_f64()) as u64
    }
}
