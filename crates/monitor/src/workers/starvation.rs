//! Whether the process as a whole was kept from running: by the quota of its control group, or by the machine below
//! this virtual machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// The kernel counts time in `/proc/stat` in hundredths of a second on all architectures (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// The files that tell.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    cpu_stat: Option<PathBuf>,
    stat: PathBuf,
    processors: u32,
}

/// Times in which the process was kept from running, since some moment in the past.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Kept {
    throttled: Option<Duration>,
    /// On average over all processors.
    stolen: Option<Duration>,
}

impl Sources {
    pub(super) fn of_this_process() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let processors = thread::available_parallelism().map_or(1, |count| count.get());
        Self {
            cpu_stat: cpu_stat(&groups, Path::new("/sys/fs/cgroup")),
            stat: "/proc/stat".into(),
            processors: u32::try_from(processors).unwrap_or(u32::MAX),
        }
    }

    pub(super) fn read(&self) -> Kept {
        let cpu_stat = self.cpu_stat.as_ref().and_then(|path| fs::read_to_string(path).ok());
        let stat = fs::read_to_string(&self.stat).ok();
        Kept {
            throttled: cpu_stat.as_deref().and_then(throttled),
            stolen: stat.as_deref().and_then(stolen).map(|stolen| stolen / self.processors),
        }
    }
}

impl Kept {
    /// The share of the time `over` in which the process was kept from running, between `before` and now.
    pub(super) fn share_since(self, before: Self, over: Duration) -> f64 {
        let grown = |now: Option<Duration>, before: Option<Duration>| {
            Some(now?.saturating_sub(before?).as_secs_f64() / over.as_secs_f64())
        };
        if over.is_zero() {
            return 0.0;
        }
        let throttled = grown(self.throttled, before.throttled).unwrap_or(0.0);
        let stolen = grown(self.stolen, before.stolen).unwrap_or(0.0);
        throttled.max(stolen).min(1.0)
    }
}

/// The file `cpu.stat` of the process's own control group. Inside a container, that is usually the mounted root.
fn cpu_stat(groups: &str, mount: &Path) -> Option<PathBuf> {
    let candidates = groups.lines().flat_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        let folders: &[&str] = match controllers {
            // Version 2, alone or beside version 1.
            "" => &["", "unified"],
            _ if controllers.split(',').any(|name| name == "cpu") => &["cpu,cpuacct", "cpu"],
            _ => &[],
        };
        let path = path.trim_start_matches('/');
        folders.iter().flat_map(move |folder| [mount.join(folder).join(path), mount.join(folder)])
    });
    candidates
        .map(|folder| folder.join("cpu.stat"))
        .find(|file| fs::read_to_string(file).is_ok_and(|text| throttled(&text).is_some()))
}

/// Parses `cpu.stat`: `throttled_usec` of version 2, `throttled_time` in nanoseconds of version 1.
fn throttled(cpu_stat: &str) -> Option<Duration> {
    cpu_stat.lines().find_map(|line| {
        let (name, number) = line.split_once(' ')?;
        let number = number.trim().parse().ok()?;
        match name {
            "throttled_usec" => Some(Duration::from_micros(number)),
            "throttled_time" => Some(Duration::from_nanos(number)),
            _ => None,
        }
    })
}

/// Parses `/proc/stat`: the eighth number of its first line is the time that was stolen from all processors.
fn stolen(stat: &str) -> Option<Duration> {
    let ticks: u32 =
        stat.lines().next()?.strip_prefix("cpu ")?.split_ascii_whitespace().nth(7)?.parse().ok()?;
    Some(TICK * ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_both_versions_of_the_file() {
        let second = "usage_usec 100\nnr_throttled 3\nthrottled_usec 1500\n";
        assert_eq!(throttled(second), Some(Duration::from_micros(1_500)));
        let first = "nr_periods 7\nnr_throttled 3\nthrottled_time 1500\n";
        assert_eq!(throttled(first), Some(Duration::from_nanos(1_500)));
        assert_eq!(throttled("usage_usec 100\n"), None);
        assert_eq!(stolen("cpu  1 2 3 4 5 6 7 80 9 10\ncpu0 1"), Some(Duration::from_millis(800)));
        assert_eq!(stolen("cpu  1 2 3\n"), None);
    }

    #[test]
    fn m10_half_of_the_time_without_a_processor_is_a_share_of_a_half() {
        let before = Kept { throttled: Some(Duration::from_secs(10)), stolen: None };
        let now = Kept { throttled: Some(Duration::from_millis(10_500)), stolen: Some(Duration::ZERO) };
        assert_eq!(now.share_since(before, Duration::from_secs(1)), 0.5);
        assert_eq!(now.share_since(before, Duration::ZERO), 0.0);
        assert_eq!(now.share_since(now, Duration::from_secs(1)), 0.0);
        assert_eq!(Kept::default().share_since(before, Duration::from_secs(1)), 0.0);
    }

    #[test]
    fn the_own_group_comes_before_the_mounted_root() {
        let mount = tempfile::tempdir().unwrap();
        let group = mount.path().join("kubepods/pod7");
        fs::create_dir_all(&group).unwrap();
        let find = || cpu_stat("0::/kubepods/pod7\n", mount.path());
        assert_eq!(find(), None);
        fs::write(mount.path().join("cpu.stat"), "throttled_usec 1\n").unwrap();
        assert_eq!(find(), Some(mount.path().join("cpu.stat")));
        fs::write(group.join("cpu.stat"), "throttled_usec 1\n").unwrap();
        assert_eq!(find(), Some(group.join("cpu.stat")));
    }
}
