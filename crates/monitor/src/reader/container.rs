//! Memory of the container: of the group of processes whose limit is reached first.

use std::path::PathBuf;
use std::time::Duration;

use memory_debug_core::CgroupLevel;
use memory_debug_core::units::Bytes;

use super::ChargedGroups;
use super::file::{Failed, KernelFile, field, number};
use crate::reading::{ContainerUse, GroupPeak};

/// How often limits are read. Kubernetes can change them while the process runs.
const LIMITS_EVERY: Duration = Duration::from_secs(10);

/// How often the page cache is read while usage is low.
const CACHE_EVERY: Duration = Duration::from_secs(10);

/// A limit of version 1 from this value on means "no limit". The kernel writes the largest multiple of the page size
/// below 2^63.
const NO_LIMIT: u64 = 1 << 62;

/// The groups that the memory of this process is charged to.
#[derive(Debug)]
pub(super) struct Container {
    version: u8,
    groups: Vec<Group>,
    limits_due: Duration,
    /// In version 1, the lowest limit of all groups, including groups above the mount point.
    lowest: Option<u64>,
    /// Reads the page cache only from this share of the limit on.
    stat_share: f64,
    kills: KernelFile,
    own_stat: KernelFile,
    own_folder: PathBuf,
    /// The group whose limit is reached first, by the last reading.
    binding: Option<Binding>,
    failed: Option<Failed>,
    /// Why a limit is not known.
    limits_failed: Option<Failed>,
}

#[derive(Debug)]
struct Group {
    path: String,
    limit_file: KernelFile,
    usage_file: KernelFile,
    peak_file: KernelFile,
    stat_file: KernelFile,
    limit: Option<u64>,
    inactive_file: u64,
    cache_due: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Binding {
    /// The index of the group.
    group: usize,
    /// Whether the limit is of a group above the mount point.
    is_above: bool,
    limit: u64,
}

impl Container {
    pub(super) fn new(found: ChargedGroups) -> Self {
        let is_two = found.version == 2;
        let pick = |two, one| if is_two { two } else { one };
        let own_folder = found.groups.first().map(|group| group.folder.clone()).unwrap_or_default();
        let groups = found.groups.into_iter().map(|group| Group {
            limit_file: KernelFile::new(&group.folder, pick("memory.max", "memory.limit_in_bytes")),
            usage_file: KernelFile::new(&group.folder, pick("memory.current", "memory.usage_in_bytes")),
            peak_file: KernelFile::new(&group.folder, pick("memory.peak", "memory.max_usage_in_bytes")),
            stat_file: KernelFile::new(&group.folder, "memory.stat"),
            path: group.path,
            limit: None,
            inactive_file: 0,
            cache_due: Duration::ZERO,
        });
        Self {
            version: found.version,
            groups: groups.collect(),
            limits_due: Duration::ZERO,
            lowest: None,
            stat_share: 0.0,
            kills: KernelFile::new(&own_folder, pick("memory.events", "memory.oom_control")),
            own_stat: KernelFile::new(&own_folder, "memory.stat"),
            own_folder,
            binding: None,
            failed: None,
            limits_failed: None,
        }
    }

    pub(super) fn read_stat_from(&mut self, share: f64) {
        self.stat_share = share;
    }

    /// The usage of the group whose limit is reached first. `None` if there is no limit, or if a number is missing.
    pub(super) fn read(&mut self, at: Duration, buffer: &mut [u8]) -> Option<ContainerUse> {
        self.failed = None;
        if at >= self.limits_due {
            self.limits_due = at.saturating_add(LIMITS_EVERY);
            self.read_limits(buffer);
        }
        let mut least: Option<(ContainerUse, Binding)> = None;
        let topmost = self.groups.len().saturating_sub(1);
        let visible = self.groups.iter().filter_map(|group| group.limit).min();
        // The limit of a group above the mount point counts if it is lower than all others.
        let above = self.lowest.filter(|lowest| visible.is_none_or(|visible| *lowest < visible));
        for (index, group) in self.groups.iter_mut().enumerate() {
            let of_above = above.filter(|_| index == topmost);
            let Some(limit) = group.limit.into_iter().chain(of_above).min() else { continue };
            match group.usage(at, limit, self.version, self.stat_share, buffer) {
                Ok(usage) => {
                    let room = |usage: &ContainerUse| usage.limit.saturating_sub(usage.used);
                    if least.is_none_or(|(least, _)| room(&usage) < room(&least)) {
                        let is_above = of_above == Some(limit);
                        least = Some((usage, Binding { group: index, is_above, limit }));
                    }
                }
                Err(failed) => self.failed = Some(failed),
            }
        }
        self.binding = least.map(|(_, binding)| binding);
        least.map(|(usage, _)| usage)
    }

    /// The highest usage of the group of the last reading. `None` where the kernel does not count it (version 2 before
    /// Linux 5.19).
    pub(super) fn peak(&self, buffer: &mut [u8]) -> Option<GroupPeak> {
        let group = self.binding?.group;
        let bytes = field(self.groups.get(group)?.peak_file.read(buffer).ok()?, 0)?;
        Some(GroupPeak { group, bytes })
    }

    fn read_limits(&mut self, buffer: &mut [u8]) {
        self.limits_failed = None;
        for group in &mut self.groups {
            let limit = group.limit_file.read(buffer).map(|text| field(text, 0));
            match limit {
                // "max" is no number, and means that there is no limit.
                Ok(limit) => group.limit = limit.filter(|limit| *limit < NO_LIMIT),
                // The root of version 2 has no limit, nor has a group whose parent does not limit memory.
                Err(failed) if failed.is_missing() => group.limit = None,
                Err(failed) => self.limits_failed = Some(failed),
            }
        }
        if self.version == 1 {
            let stat = self.own_stat.read(buffer);
            let lowest = stat.and_then(|text| number(text, "hierarchical_memory_limit", "memory.stat"));
            self.limits_failed = self.limits_failed.or(lowest.err());
            self.lowest = lowest.ok().filter(|limit| *limit < NO_LIMIT);
        }
    }

    /// Processes of the group that the kernel killed.
    pub(super) fn oom_kills(&self, buffer: &mut [u8]) -> Result<u64, Failed> {
        let file = if self.version == 2 { "memory.events" } else { "memory.oom_control" };
        number(self.kills.read(buffer)?, "oom_kill", file)
    }

    /// Where the value and the limit come from. `None` if there is no limit.
    pub(super) fn source(&self) -> Option<String> {
        let binding = self.binding?;
        let group = self.groups.get(binding.group)?;
        let path = if binding.is_above { CgroupLevel::ABOVE } else { &group.path };
        let (version, limit) = (self.version, Bytes(binding.limit));
        Some(format!("container v{version}, working set, limit {limit} of {path}"))
    }

    /// Why the last reading was `None`.
    pub(super) fn reason(&self) -> Option<String> {
        if self.binding.is_some() {
            return None;
        }
        let failed = self.failed.or(self.limits_failed);
        Some(failed.map_or_else(|| "no limit is set".into(), |failed| failed.to_string()))
    }

    /// Whether the last reading has certainly shown that there is no limit.
    pub(super) fn has_no_limit(&self) -> bool {
        self.binding.is_none() && self.failed.is_none() && self.limits_failed.is_none()
    }

    pub(super) fn own_group(&self) -> Option<(u8, PathBuf)> {
        (!self.groups.is_empty()).then(|| (self.version, self.own_folder.clone()))
    }
}

impl Group {
    fn usage(
        &mut self,
        at: Duration,
        limit: u64,
        version: u8,
        stat_share: f64,
        buffer: &mut [u8],
    ) -> Result<ContainerUse, Failed> {
        let usage = field(self.usage_file.read(buffer)?, 0).ok_or(Failed::odd("memory.current"))?;
        let is_high = usage as f64 >= stat_share * limit as f64;
        if is_high || at >= self.cache_due {
            self.cache_due = at.saturating_add(CACHE_EVERY);
            let key = if version == 2 { "inactive_file" } else { "total_inactive_file" };
            let stat = self.stat_file.read(buffer);
            // Without the number, all of the usage counts. The value is then too high, and never too low.
            self.inactive_file = stat.and_then(|text| number(text, key, "memory.stat")).unwrap_or(0);
        }
        let inactive_file = self.inactive_file.min(usage);
        Ok(ContainerUse { used: usage - inactive_file, limit, inactive_file })
    }
}
