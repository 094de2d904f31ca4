//! Memory of this process's control group and of the groups above it, in version 2 or 1.
//!
//! Kernel documentation: `admin-guide/cgroup-v2.rst`, `admin-guide/cgroup-v1/memory.rst`; `proc_pid_cgroup(5)` and
//! `proc_pid_mountinfo(5)` for the way from a process to its folder.

mod charged;
mod files;
mod folder;
mod level;
mod parts;

use std::path::Path;

use memory_debug_report::__private::{MAX_LEVELS, NO_LIMIT};
use memory_debug_report::{CgroupLevel, CgroupMemory, Unavailable};

use crate::kernel_file::{self, number};
pub use charged::{ChargedGroup, ChargedGroups, charged_groups};
use folder::{Folder, Version};
use level::LevelReader;

/// Finds the group by `self/cgroup` and `self/mountinfo` below `root`. Reads its files and the files of the
/// groups above it.
pub(crate) fn read_cgroup(root: &Path, unavailable: &mut Unavailable) -> Option<CgroupMemory> {
    let folder = unavailable.keep("cgroup", folder::find(root))?;
    let own = LevelReader::new(folder.version, &folder.group, "cgroup");
    let mut cgroup = own_group(&own, &folder, unavailable);
    cgroup.levels = levels_above(&folder, unavailable);
    if let Some(above) = above_the_mount_point(&folder, &cgroup) {
        let path = format!("cgroup.levels.{}", cgroup.levels.len());
        for name in UNKNOWN_ABOVE {
            unavailable
                .note(format!("{path}.{name}"), "only the limit of a group above the mount point is known");
        }
        cgroup.levels.push(above);
    }
    cgroup.binding = cgroup.least_room();
    if cgroup.binding.is_none() {
        unavailable.note("cgroup.binding", why_no_level_binds(&cgroup, unavailable));
    }
    Some(cgroup)
}

/// The values that are unknown for a group above the mount point.
const UNKNOWN_ABOVE: [&str; 9] = [
    "oom_kills",
    "high_events",
    "max_events",
    "parts.anonymous_bytes",
    "parts.file_bytes",
    "parts.mapped_file_bytes",
    "parts.shared_bytes",
    "parts.kernel_bytes",
    "parts.socket_bytes",
];

fn own_group(group: &LevelReader<'_>, folder: &Folder, unavailable: &mut Unavailable) -> CgroupMemory {
    let level = group.read(folder.path_of(group.folder()), "memory.events", unavailable);
    let pressure = match group.version() {
        Version::One => Err("version 1 control groups do not have it".to_owned()),
        Version::Two => group.text("memory.pressure"),
    };
    let mut average = |key: &str, name: &str| {
        let average = pressure.clone().and_then(|text| average_10(&text, key));
        unavailable.keep(&format!("cgroup.{name}"), average)
    };
    let mut cgroup = CgroupMemory::default();
    cgroup.version = match group.version() {
        Version::One => 1,
        Version::Two => 2,
    };
    cgroup.path = level.path;
    cgroup.limit_bytes = level.limit_bytes;
    cgroup.current_bytes = level.current_bytes;
    cgroup.inactive_file_bytes = level.inactive_file_bytes;
    cgroup.pressure_some_avg10_percent = average("some", "pressure_some_avg10_percent");
    cgroup.pressure_full_avg10_percent = average("full", "pressure_full_avg10_percent");
    cgroup.peak_bytes = unavailable.keep("cgroup.peak_bytes", group.peak());
    cgroup.oom_kills = level.oom_kills;
    cgroup.high_events = level.high_events;
    cgroup.max_events = level.max_events;
    cgroup.parts = level.parts;
    cgroup
}

/// The levels from the parent up to the mount point, as far as their limits apply to this process.
fn levels_above(folder: &Folder, unavailable: &mut Unavailable) -> Vec<CgroupLevel> {
    let mut levels = Vec::new();
    for above in charged::above(folder) {
        let path = format!("cgroup.levels.{}", levels.len());
        let level = LevelReader::new(folder.version, above, &path);
        if levels.len() == MAX_LEVELS - 1 {
            unavailable.note("cgroup.levels", format!("only the nearest {} are read", levels.len()));
            break;
        }
        levels.push(level.read(folder.path_of(above), "memory.events.local", unavailable));
    }
    levels
}

/// A group above the mount point, if its limit is lower than all visible limits. Version 1 reports that limit.
fn above_the_mount_point(folder: &Folder, cgroup: &CgroupMemory) -> Option<CgroupLevel> {
    if folder.version != Version::One {
        return None;
    }
    let stat = kernel_file::read(&folder.group.join("memory.stat")).ok()?;
    let lowest = number(&stat, "hierarchical_memory_limit").ok()?;
    let own = cgroup.own_level();
    let visible = || std::iter::once(&own).chain(&cgroup.levels);
    let is_visible = visible().filter_map(|level| level.limit_bytes).any(|limit| limit <= lowest);
    let topmost = visible().last()?;
    if is_visible || lowest >= files::NO_LIMIT_V1 {
        return None;
    }
    let mut above = CgroupLevel::default();
    above.path = CgroupLevel::ABOVE.into();
    above.limit_bytes = Some(lowest);
    above.current_bytes = topmost.current_bytes;
    above.inactive_file_bytes = topmost.inactive_file_bytes;
    Some(above)
}

/// Why no level has a known room: a limit or a usage could not be read, or there is no limit.
fn why_no_level_binds(cgroup: &CgroupMemory, unavailable: &Unavailable) -> String {
    let above = (0..cgroup.levels.len()).map(|index| format!("cgroup.levels.{index}"));
    let mut levels = std::iter::once("cgroup".to_owned()).chain(above);
    let failure = levels.find_map(|level| {
        let limit = unavailable.get(&format!("{level}.limit_bytes")).filter(|reason| *reason != NO_LIMIT);
        let is_unlimited = unavailable.get(&format!("{level}.limit_bytes")).is_some();
        let usage = || unavailable.get(&format!("{level}.current_bytes")).filter(|_| !is_unlimited);
        limit.or_else(usage)
    });
    failure.unwrap_or(NO_LIMIT).to_owned()
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
