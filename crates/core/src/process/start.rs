//! The start time and the uptime of this process.
//!
//! The kernel reports the start in ticks since boot, and a clock that cannot be set counts the time since boot
//! (`CLOCK_BOOTTIME`). Their difference is the uptime of the process, independent of the system clock. `btime` of
//! `/proc/stat` and `/proc/uptime` are not used: in a container, lxcfs shows the start of the container there.

use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use crate::kernel_file;
use crate::per_process::PerProcess;

/// The clocks at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// The system clock, which may be wrong.
    pub(crate) system: SystemTime,
    /// Time since the machine was booted, sleep included.
    pub(crate) since_boot: Result<Duration, String>,
}

/// The start of this process, by both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Start {
    since_boot: Duration,
    system: Result<SystemTime, &'static str>,
}

impl Clocks {
    pub(crate) fn now() -> Self {
        Self { system: SystemTime::now(), since_boot: since_boot() }
    }
}

/// The uptime of this process, and its start by the system clock at the time of the first call. An instance
/// always reports the same start, even after the clock was set. `root` is the folder where `/proc` is mounted.
pub(crate) fn read_start(
    root: &Path,
    clocks: Clocks,
) -> (Result<Duration, String>, Result<SystemTime, String>) {
    static START: PerProcess<OnceLock<Start>> = PerProcess::new(OnceLock::new());
    let own = START.get(|_| OnceLock::new());
    let start = match own.get() {
        Some(start) => Ok(*start),
        None => read(root, &clocks).map(|start| *own.get_or_init(|| start)),
    };
    let uptime = start.clone().and_then(|start| up(start.since_boot, clocks.since_boot?));
    (uptime, start.and_then(|start| start.system.map_err(str::to_owned)))
}

fn read(root: &Path, clocks: &Clocks) -> Result<Start, String> {
    let stat = kernel_file::read_proc(root, "self/stat")?;
    let ticks = start_ticks(stat.as_bytes()).ok_or("the kernel does not report the start time in stat")?;
    let since_boot = Duration::from_millis(ticks.saturating_mul(1000) / ticks_per_second());
    let uptime = up(since_boot, clocks.since_boot.clone()?)?;
    let system = clocks.system.checked_sub(uptime).ok_or("the system clock is out of range");
    Ok(Start { since_boot, system })
}

fn up(start: Duration, now: Duration) -> Result<Duration, String> {
    now.checked_sub(start).ok_or_else(|| {
        let (start, now) = (start.as_secs_f64(), now.as_secs_f64());
        format!("stat has a start {start:.2} s after boot, and the clock since boot is at {now:.2} s")
    })
}

/// When a process started, in ticks since boot: field 22 of `/proc/<pid>/stat` (proc_pid_stat(5)).
///
/// The process name, field 2, is in parentheses. It may contain any byte, including a parenthesis.
pub fn start_ticks(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let after_name = std::str::from_utf8(&stat[name_end + 1..]).ok()?;
    after_name.split_ascii_whitespace().nth(22 - 3)?.parse().ok()
}

#[cfg(target_os = "linux")]
fn ticks_per_second() -> u64 {
    rustix::param::clock_ticks_per_second().max(1)
}

#[cfg(target_os = "linux")]
fn since_boot() -> Result<Duration, String> {
    use rustix::time::{DynamicClockId, clock_gettime_dynamic};
    let failed = |reason: &dyn std::fmt::Display| format!("CLOCK_BOOTTIME: {reason}");
    let time = clock_gettime_dynamic(DynamicClockId::Boottime).map_err(|error| failed(&error.kind()))?;
    Duration::try_from(time).map_err(|_| failed(&"out of range"))
}

#[cfg(not(target_os = "linux"))]
fn ticks_per_second() -> u64 {
    100
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Result<Duration, String> {
    Err("this system has no CLOCK_BOOTTIME".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{Tree, unusual_clocks};
    use crate::timestamp;

    /// A process that started `seconds` after boot, in a container where lxcfs provides `/proc/stat` and
    /// `/proc/uptime`.
    fn container(seconds: u64) -> Tree {
        let ticks = seconds * ticks_per_second();
        let stat = format!("42 (a) b) S 1 42 42 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 9 0 {ticks} 1000 2000");
        let tree = Tree::new([("self/stat", stat.as_str())]);
        tree.add("stat", "cpu 1 2 3\nbtime 4102444800\n");
        tree.add("uptime", "3.00 1.00\n");
        tree
    }

    fn clocks(system: SystemTime, since_boot: u64) -> Clocks {
        Clocks { system, since_boot: Ok(Duration::from_secs(since_boot)) }
    }

    #[test]
    fn the_start_is_now_minus_uptime_whatever_btime_says() {
        let now = timestamp::parse("2026-11-20T09:00:00Z").unwrap();
        let start = read(container(80_000).path(), &clocks(now, 86_400)).unwrap();
        assert_eq!(start.since_boot, Duration::from_secs(80_000));
        assert_eq!(start.system.map(timestamp::seconds).unwrap(), "2026-11-20T07:13:20Z");
        assert_eq!(up(start.since_boot, Duration::from_secs(90_000)), Ok(Duration::from_secs(10_000)));
    }

    #[test]
    fn no_clock_causes_a_panic_or_changes_the_uptime() {
        for system in unusual_clocks() {
            let start = read(container(80_000).path(), &clocks(system, 86_400)).unwrap();
            assert_eq!(up(start.since_boot, Duration::from_secs(86_400)), Ok(Duration::from_secs(6_400)));
            assert_eq!(start.system.ok(), system.checked_sub(Duration::from_secs(6_400)));
        }
    }

    #[test]
    fn clocks_that_disagree_are_reported_with_both_times() {
        let tree = container(80_000);
        assert_eq!(
            read(tree.path(), &clocks(SystemTime::now(), 7)).unwrap_err(),
            "stat has a start 80000.00 s after boot, and the clock since boot is at 7.00 s"
        );
        let silent = Clocks { since_boot: Err("CLOCK_BOOTTIME: no".into()), ..clocks(SystemTime::now(), 0) };
        assert_eq!(read(tree.path(), &silent).unwrap_err(), "CLOCK_BOOTTIME: no");
    }

    #[test]
    fn the_start_time_is_found_behind_any_process_name() {
        let after_name = "S 1 4242 4242 0 -1 4194304 1 0 0 0 5 6 0 0 20 0 9 0 987654 1000 2000";
        for called in ["shop", "", "a b", ") S 1", "(x) 2 (", "\u{fc}\n", "a) b (c)"] {
            let stat = format!("4242 ({called}) {after_name}");
            assert_eq!(start_ticks(stat.as_bytes()), Some(987_654), "{called}");
        }
        assert_eq!(start_ticks(&[b"4242 (\xff) ", after_name.as_bytes()].concat()), Some(987_654));
        for stat in
            ["", "7 (shop", "4242 (a) S 1", "7 (shop) S 1 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 -1"]
        {
            assert_eq!(start_ticks(stat.as_bytes()), None, "{stat}");
        }
    }

    #[test]
    fn without_proc_the_file_is_the_reason() {
        let error = read(Path::new("/nonexistent"), &Clocks::now()).unwrap_err();
        assert!(error.starts_with("/proc is not mounted here: mount it"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_started_before_now() {
        let (uptime, started) = read_start(Path::new("/proc"), Clocks::now());
        assert!(started.unwrap() <= SystemTime::now());
        let later = read_start(Path::new("/proc"), Clocks::now());
        assert!(later.0.unwrap() >= uptime.unwrap());
    }
}
