//! How fast memory grows, for the room that a capture needs.
//!
//! The monitor also estimates growth to decide when to look next (`interval`). That estimate keeps the steepest growth of
//! a whole minute, because a look too many costs next to nothing. Here it would turn each snapshot of the minute after a
//! burst into a raw dump, so a burst counts only for a few looks.

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
