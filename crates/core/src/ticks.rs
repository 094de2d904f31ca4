//! Time from the processor's counter, where the kernel itself takes it for its clock.
//!
//! The kernel's clock takes 21 ns per reading, and the counter 9 ns (AMD EPYC, KVM). Its rate is measured against the
//! kernel's clock, so it is right to about 50 parts per million, and it does not follow later corrections of that clock.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::kernel_file;

/// The file in which the kernel names its clock.
const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";

/// How long the rate must be measured. Two readings are 30 ns wrong together, 30 parts per million of this.
const LEAST: Duration = Duration::from_millis(1);

/// The bits of a rate behind the point. A rate is below 2^32 nanoseconds per tick.
const FRACTION: u32 = 32;

/// The first moment, since which the rate is measured. `None` if the counter is no clock here.
static FIRST: OnceLock<Option<Moment>> = OnceLock::new();

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
struct Moment {
    ticks: u64,
    time: Instant,
}

/// The time since it was started, by the processor's counter.
#[derive(Clone, Copy, Debug)]
pub struct TickClock {
    begin: u64,
    /// Nanoseconds per tick, times 2 to the power of [`FRACTION`].
    rate: u64,
}

impl TickClock {
    /// Begins to measure the rate, unless this was done before. A clock can be started one millisecond later.
    pub fn prepare() {
        if FIRST.get().is_none() {
            // An error says that another thread was first. No thread waits for another, for the sake of forks.
            let _ = FIRST.set(is_clock_of_kernel(Path::new(CLOCK)).then(Moment::now).flatten());
        }
    }

    /// Starts a clock. `None` if the kernel does not take the counter for its clock: it checks that the counter runs at
    /// one rate, on all processors alike, and this code trusts that check. Also `None` within a millisecond of
    /// [`prepare`](Self::prepare).
    pub fn start() -> Option<Self> {
        let first = (*FIRST.get()?)?;
        let now = Moment::now()?;
        Some(Self { begin: now.ticks, rate: rate(first, now)? })
    }

    /// Nanoseconds since the start. 0 if the counter went back, which it does if the machine was suspended.
    #[inline]
    pub fn elapsed(&self) -> u64 {
        let ticks = read().map_or(0, |now| now.wrapping_sub(self.begin));
        nanoseconds(ticks, self.rate)
    }
}

impl Moment {
    /// The closest of some readings of both clocks, because the thread can be interrupted between the two.
    fn now() -> Option<Self> {
        let read = |_| {
            let before = read()?;
            let time = Instant::now();
            let after = read()?;
            let apart = after.wrapping_sub(before);
            Some((apart, Self { ticks: before.wrapping_add(apart / 2), time }))
        };
        (0..5).filter_map(read).min_by_key(|(apart, _)| *apart).map(|(_, moment)| moment)
    }
}

fn rate(first: Moment, now: Moment) -> Option<u64> {
    let time = now.time.checked_duration_since(first.time).filter(|time| *time >= LEAST)?;
    let ticks = now.ticks.checked_sub(first.ticks)?;
    let rate = (time.as_nanos() << FRACTION).checked_div(u128::from(ticks))?;
    u64::try_from(rate).ok().filter(|rate| *rate > 0)
}

#[inline]
fn nanoseconds(ticks: u64, rate: u64) -> u64 {
    // The upper half of the numbers is a counter that went back.
    let ticks = if ticks.cast_signed() < 0 { 0 } else { ticks };
    ((u128::from(ticks) * u128::from(rate)) >> FRACTION) as u64
}

fn is_clock_of_kernel(file: &Path) -> bool {
    kernel_file::read(file).is_ok_and(|name| name.trim() == "tsc")
}

/// The counter.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
#[inline]
fn read() -> Option<u64> {
    // SAFETY: every x86-64 processor has the instruction. It reads a register. Linux permits it, unless the process asked
    // for the opposite with `prctl(PR_SET_TSC)`, and then the kernel's own clock ends the process as well, because it
    // reads the counter in the same way wherever `is_clock_of_kernel` holds.
    Some(unsafe { std::arch::x86_64::_rdtsc() })
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn read() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_the_time_over_the_ticks() {
        let first = Moment { ticks: 1_000, time: Instant::now() };
        let at = |ticks, after| Moment { ticks, time: first.time + Duration::from_nanos(after) };
        // 2.5 ticks per nanosecond.
        let rate_found = rate(first, at(1_000 + 25_000_000, 10_000_000)).unwrap();
        assert_eq!(nanoseconds(25_000_000, rate_found), 9_999_999);
        assert!(nanoseconds(250_000_000_000_000, rate_found).abs_diff(100_000_000_000_000) < 1_000_000);
        assert_eq!(rate(first, at(1_000 + 250_000, 100_000)), None, "too short");
        assert_eq!(rate(first, at(999, 10_000_000)), None, "the counter went back");
        assert_eq!(rate(first, at(1_000, 10_000_000)), None, "the counter stands");
    }

    #[test]
    fn a_counter_that_went_back_is_at_the_start() {
        assert_eq!(nanoseconds(5_u64.wrapping_sub(7), 1 << FRACTION), 0);
        assert_eq!(nanoseconds(u64::MAX / 2, 1 << FRACTION), u64::MAX / 2);
    }

    #[test]
    fn only_the_clock_of_the_kernel_is_a_clock() {
        let folder = std::env::temp_dir().join(format!("memory-debug-ticks-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let file = |name: &str, content: &str| {
            let path = folder.join(name);
            std::fs::write(&path, content).unwrap();
            path
        };
        assert!(is_clock_of_kernel(&file("tsc", "tsc\n")));
        assert!(
            !is_clock_of_kernel(&file("other", "kvm-clock\n")) && !is_clock_of_kernel(&folder.join("none"))
        );
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn it_agrees_with_the_clock_of_the_kernel() {
        TickClock::prepare();
        std::thread::sleep(2 * LEAST);
        let Some(clock) = TickClock::start() else { return };
        let (begin, first) = (Instant::now(), clock.elapsed());
        std::thread::sleep(Duration::from_millis(20));
        let second = clock.elapsed();
        // Both readings are inside of the interval of the other clock, apart from the time before the first.
        let longest = begin.elapsed().as_nanos() as u64 + 1_000_000;
        assert!(second - first >= 19_000_000 && second - first <= longest, "{first} {second} {longest}");
    }
}
