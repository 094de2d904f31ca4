//! Time as numbers.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;
#[cfg(not(target_os = "linux"))]
use std::{sync::OnceLock, time::Instant};

use memory_debug_core::__private::TickClock;

/// Where a tracer reads the time.
#[derive(Clone)]
pub(crate) enum Clock {
    /// The monotonic clock of the system.
    System,
    /// A clock that a test moves.
    Given(Arc<dyn Fn() -> Duration + Send + Sync>),
}

/// The time since a moment, in nanoseconds.
#[derive(Debug)]
pub(crate) enum Since {
    /// By the processor's counter, which takes less than half the time of the system's clock.
    Ticks(TickClock),
    Clock {
        clock: Clock,
        begin: u64,
    },
}

impl Clock {
    /// The clock of the system. Call this some time before the clock [begins](Self::begin), so that it can be cheap.
    pub(crate) fn system() -> Self {
        TickClock::prepare();
        Self::System
    }

    /// Begins to count at 0.
    pub(crate) fn begin(&self) -> Since {
        match self {
            Self::System => TickClock::start().map(Since::Ticks),
            Self::Given(_) => None,
        }
        .unwrap_or_else(|| Since::Clock { clock: self.clone(), begin: self.now() })
    }

    // Apart, so that readings of the processor's counter save no registers.
    #[inline(never)]
    fn now(&self) -> u64 {
        match self {
            Self::System => monotonic(),
            Self::Given(read) => nanoseconds(read()),
        }
    }
}

impl Since {
    #[inline]
    pub(crate) fn now(&self) -> u64 {
        match self {
            Self::Ticks(clock) => clock.elapsed(),
            Self::Clock { clock, begin } => clock.now().wrapping_sub(*begin),
        }
    }
}

/// The monotonic clock. `Instant` is the same clock, but its difference and its conversion take longer than the clock.
#[cfg(target_os = "linux")]
#[inline]
fn monotonic() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    // Neither part of the monotonic clock is negative.
    time.tv_sec.cast_unsigned().wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec as u64)
}

#[cfg(not(target_os = "linux"))]
fn monotonic() -> u64 {
    static BEGIN: OnceLock<Instant> = OnceLock::new();
    nanoseconds(BEGIN.get_or_init(Instant::now).elapsed())
}

/// The nanoseconds of `time`. 584 years fit.
#[inline]
pub(crate) fn nanoseconds(time: Duration) -> u64 {
    time.as_secs().wrapping_mul(1_000_000_000).wrapping_add(u64::from(time.subsec_nanos()))
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::System => "System",
            Self::Given(_) => "Given",
        })
    }
}
