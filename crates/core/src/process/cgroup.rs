//! Memory of the control group this process is in, version 2 or 1.
//!
//! Kernel documentation: `admin-guide/cgroup-v2.rst`, `admin-guide/cgroup-v1/memory.rst`; `proc_pid_cgroup(5)` and
//! `proc_pid_mountinfo(5)` for the way from a process to its folder.

mod folder;

use std::path::Path;

use crate::kernel_file::{self, number};
use crate::report::CgroupMemory;
use crate::unavailable::Unavailable;
use folder::{Folder, Version};

/// Finds the group in `self/cgroup` and `self/mountinfo` below `root` and reads its files.
pub(crate) fn read_cgroup(root: &Path, unavailable: &mut Unavailable) -> Option<CgroupMemory> {
    let folder = unavailable.keep("cgroup", folder::find(root))?;
    let mut reader = Reader { folder: &folder, unavailable };
    Some(match folder.version {
        Version::Two => reader.version_2(),
        Version::One => reader.version_1(),
    })
}

/// `memory.limit_in_bytes` says "no limit" by the largest multiple of the page size below 2^63.
const NO_LIMIT_V1: u64 = 1 << 62;

struct Reader<'a> {
    folder: &'a Folder,
    unavailable: &'a mut Unavailable,
}

impl Reader<'_> {
    fn version_2(&mut self) -> CgroupMemory {
        let events = self.text("memory.events");
        let event = |key: &str| events.clone().and_then(|text| number(&text, key));
        let inactive_file = self.text("memory.stat").and_then(|text| number(&text, "inactive_file"));
        let pressure = self.text("memory.pressure");
        let average = |key: &str| pressure.clone().and_then(|text| average_10(&text, key));
        CgroupMemory {
            version: 2,
            limit_bytes: self.limit("memory.max"),
            current_bytes: self.keep("current_bytes", self.bytes("memory.current")),
            inactive_file_bytes: self.keep("inactive_file_bytes", inactive_file),
            peak_bytes: self.keep("peak_bytes", self.bytes("memory.peak")),
            oom_kills: self.keep("oom_kills", event("oom_kill")),
            high_events: self.keep("high_events", event("high")),
            max_events: self.keep("max_events", event("max")),
            pressure_some_avg10_percent: self.keep("pressure_some_avg10_percent", average("some")),
            pressure_full_avg10_percent: self.keep("pressure_full_avg10_percent", average("full")),
        }
    }

    fn version_1(&mut self) -> CgroupMemory {
        let oom_kills = self.text("memory.oom_control").and_then(|text| number(&text, "oom_kill"));
        // With the groups below, as the usage is.
        let inactive_file = self.text("memory.stat").and_then(|text| number(&text, "total_inactive_file"));
        let absent = || "version 1 control groups do not have it".to_owned();
        CgroupMemory {
            version: 1,
            limit_bytes: self.limit("memory.limit_in_bytes"),
            current_bytes: self.keep("current_bytes", self.bytes("memory.usage_in_bytes")),
            inactive_file_bytes: self.keep("inactive_file_bytes", inactive_file),
            peak_bytes: self.keep("peak_bytes", self.bytes("memory.max_usage_in_bytes")),
            oom_kills: self.keep("oom_kills", oom_kills),
            high_events: self.keep("high_events", Err(absent())),
            max_events: self.keep("max_events", self.bytes("memory.failcnt")),
            pressure_some_avg10_percent: self.keep("pressure_some_avg10_percent", Err(absent())),
            pressure_full_avg10_percent: self.keep("pressure_full_avg10_percent", Err(absent())),
        }
    }

    /// The lowest limit from the group up to the mount point: the one that is met first.
    fn limit(&mut self, file: &str) -> Option<u64> {
        let limits =
            self.folder.ancestors().filter_map(|folder| match kernel_file::read(&folder.join(file)) {
                Ok(text) if text.trim() == "max" => None,
                Ok(text) => text.trim().parse().ok().filter(|limit| *limit < NO_LIMIT_V1),
                // The topmost group has no such file.
                Err(_) => None,
            });
        let lowest = limits.min().ok_or_else(|| "no limit is set".to_owned());
        self.keep("limit_bytes", lowest)
    }

    fn text(&self, file: &str) -> Result<String, String> {
        kernel_file::read(&self.folder.group.join(file))
    }

    fn bytes(&self, file: &str) -> Result<u64, String> {
        self.text(file)?.trim().parse().map_err(|_| format!("{file} is not a number"))
    }

    fn keep<T>(&mut self, name: &str, measured: Result<T, String>) -> Option<T> {
        self.unavailable.keep(&format!("cgroup.{name}"), measured)
    }
}

/// `avg10` of the line `some avg10=0.25 avg60=0.10 avg300=0.00 total=681245`.
fn average_10(pressure: &str, key: &str) -> Result<f64, String> {
    kernel_file::value(pressure, key)
        .and_then(|averages| averages.split_whitespace().find_map(|pair| pair.strip_prefix("avg10=")))
        .and_then(|average| average.parse().ok())
        .filter(|average: &f64| average.is_finite())
        .ok_or_else(|| format!("memory.pressure has no avg10 for {key}"))
}

#[cfg(test)]
mod tests;
