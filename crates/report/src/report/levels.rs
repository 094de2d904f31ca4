//! The levels of the control group, and the parts of their memory.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::CgroupMemory;

/// The most levels above the process's own group in a report. Real hierarchies have fewer than ten.
pub const MAX_LEVELS: usize = 32;

/// Reason for a missing limit if no limit is set.
pub const NO_LIMIT: &str = "no limit is set";

/// Reason for a missing group if the process is in no memory control group. It has no limit then, either.
pub const NO_GROUP: &str = "the process is in no memory control group";
/// Reason for a missing group if its memory controller is off. It has no limit then, either.
pub const NO_CONTROLLER: &str = "the memory controller is not enabled for the process's control group";

/// The parts of a control group's memory.
///
/// `anonymous_bytes`, `file_bytes`, `kernel_bytes` and `socket_bytes` do not overlap. `shared_bytes` is a part of
/// `file_bytes`, and `mapped_file_bytes` may be. All include the groups below.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CgroupParts {
    /// Heap, stacks and other anonymous memory of all processes (v2 `anon`, v1 `total_rss`).
    pub anonymous_bytes: Option<u64>,
    /// Page cache, tmpfs and shared memory included (v2 `file`, v1 `total_cache`).
    pub file_bytes: Option<u64>,
    /// Page cache that a process has mapped (v2 `file_mapped`, v1 `total_mapped_file`).
    pub mapped_file_bytes: Option<u64>,
    /// Files in tmpfs, and memory that processes share (v2 `shmem`, v1 `total_shmem`).
    pub shared_bytes: Option<u64>,
    /// Kernel memory: slab caches, page tables, thread stacks (v2 `kernel`, v1 `memory.kmem.usage_in_bytes`). Kernels
    /// before 5.18 do not state it, so the value is then the sum of the parts that they state.
    pub kernel_bytes: Option<u64>,
    /// Network socket buffers (v2 `sock`, v1 `memory.kmem.tcp.usage_in_bytes`). In version 1, `current_bytes` does not
    /// include them.
    pub socket_bytes: Option<u64>,
}

/// One level of the control group: a group on the way from the process's own group to the mount point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CgroupLevel {
    /// The path below the mount point, `/` for the mount point itself. `..` stands for a group above the mount point.
    ///
    /// Only the limit of `..` is known (version 1, `hierarchical_memory_limit`). Its usage is copied from the topmost
    /// visible group, so it is a lower bound.
    pub path: String,
    /// The level's own limit.
    pub limit_bytes: Option<u64>,
    /// Memory charged to the level and all groups below, page cache included.
    pub current_bytes: Option<u64>,
    /// Page cache that has not been used for a while and is dropped first.
    pub inactive_file_bytes: Option<u64>,
    /// Processes killed because memory ran out. Version 1 counts processes directly in the level; version 2 also
    /// counts processes in the groups below.
    pub oom_kills: Option<u64>,
    /// Times the level was throttled at its own `memory.high`.
    pub high_events: Option<u64>,
    /// Times an allocation hit the level's own limit.
    pub max_events: Option<u64>,
    /// Parts of `current_bytes`.
    pub parts: CgroupParts,
}

impl CgroupLevel {
    /// The value of `path` for a group above the visible ones.
    pub const ABOVE: &str = "..";

    /// Memory that pressure does not free: `current_bytes` without inactive page cache.
    ///
    /// If inactive page cache is unknown, all of `current_bytes` counts.
    pub fn working_set_bytes(&self) -> Option<u64> {
        Some(self.current_bytes?.saturating_sub(self.inactive_file_bytes.unwrap_or(0)))
    }

    /// Page cache in use: without tmpfs, which is in `shared_bytes`, and without the inactive part.
    pub fn cache_in_use_bytes(&self) -> Option<u64> {
        let CgroupParts { file_bytes, shared_bytes, .. } = self.parts;
        let not_in_use = shared_bytes.unwrap_or(0).saturating_add(self.inactive_file_bytes.unwrap_or(0));
        Some(file_bytes?.saturating_sub(not_in_use))
    }

    /// Memory left below the limit. `None` without a limit.
    pub fn room_bytes(&self) -> Option<u64> {
        Some(self.limit_bytes?.saturating_sub(self.working_set_bytes()?))
    }
}

impl CgroupMemory {
    /// Describes the process's own group as a level.
    pub fn own_level(&self) -> CgroupLevel {
        CgroupLevel {
            path: self.path.clone(),
            limit_bytes: self.limit_bytes,
            current_bytes: self.current_bytes,
            inactive_file_bytes: self.inactive_file_bytes,
            oom_kills: self.oom_kills,
            high_events: self.high_events,
            max_events: self.max_events,
            parts: self.parts.clone(),
        }
    }

    /// Finds the level with the least room, or the nearest of several with equal room. `None` if no level has a limit
    /// and a usage.
    pub fn least_room(&self) -> Option<CgroupLevel> {
        let levels = std::iter::once(self.own_level()).chain(self.levels.iter().cloned());
        levels.filter(|level| level.room_bytes().is_some()).min_by_key(CgroupLevel::room_bytes)
    }
}

/// Reads the first [`MAX_LEVELS`] levels and skips the rest, because the report may be untrusted.
pub(super) fn at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CgroupLevel>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Vec<CgroupLevel>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of levels")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<Self::Value, A::Error> {
            let mut first = Vec::new();
            while first.len() < MAX_LEVELS {
                let Some(level) = levels.next_element()? else { return Ok(first) };
                first.push(level);
            }
            while levels.next_element::<IgnoredAny>()?.is_some() {}
            Ok(first)
        }
    }

    deserializer.deserialize_seq(First)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(path: &str, limit: Option<u64>, current: u64, inactive_file: u64) -> CgroupLevel {
        CgroupLevel {
            path: path.into(),
            limit_bytes: limit,
            current_bytes: Some(current),
            inactive_file_bytes: Some(inactive_file),
            ..CgroupLevel::default()
        }
    }

    #[test]
    fn the_nearest_level_with_the_least_room_binds() {
        let least = |own: CgroupLevel, levels: Vec<CgroupLevel>| {
            let own = CgroupMemory {
                path: own.path,
                limit_bytes: own.limit_bytes,
                current_bytes: own.current_bytes,
                inactive_file_bytes: own.inactive_file_bytes,
                levels,
                ..CgroupMemory::default()
            };
            own.least_room().map(|level| level.path)
        };
        let own = || level("/p/a", Some(256), 58, 0);
        assert_eq!(least(own(), vec![level("/p", Some(300), 283, 0)]).as_deref(), Some("/p"));
        assert_eq!(least(own(), vec![level("/p", Some(300), 100, 0)]).as_deref(), Some("/p/a"));
        assert_eq!(
            least(own(), vec![level("/p", Some(300), 283, 200)]).as_deref(),
            Some("/p/a"),
            "inactive cache is dropped"
        );
        assert_eq!(least(own(), vec![level("/p", Some(300), 102, 0)]).as_deref(), Some("/p/a"), "equal room");
        assert_eq!(least(own(), vec![level("/p", None, 283, 0)]).as_deref(), Some("/p/a"));
        assert_eq!(least(level("/", None, 5, 0), vec![]), None);
        assert_eq!(
            least(own(), vec![level("/p", Some(20), 283, 0)]).as_deref(),
            Some("/p"),
            "beyond its limit"
        );
    }

    #[test]
    fn missing_numbers_stay_missing() {
        let unknown = CgroupLevel { limit_bytes: Some(9), ..CgroupLevel::default() };
        assert_eq!((unknown.working_set_bytes(), unknown.room_bytes()), (None, None));
        let without_cache = CgroupLevel { inactive_file_bytes: None, ..level("/", Some(9), 5, 0) };
        assert_eq!((without_cache.working_set_bytes(), without_cache.room_bytes()), (Some(5), Some(4)));
        assert_eq!(without_cache.cache_in_use_bytes(), None);
    }

    #[test]
    fn page_cache_in_use_excludes_tmpfs_and_inactive_pages() {
        let mut level = level("/", None, 100, 20);
        (level.parts.file_bytes, level.parts.shared_bytes) = (Some(90), Some(40));
        assert_eq!(level.cache_in_use_bytes(), Some(30));
        level.parts.shared_bytes = Some(u64::MAX);
        assert_eq!(level.cache_in_use_bytes(), Some(0));
    }

    #[test]
    fn s45_keeps_only_as_many_levels_as_a_report_may_have() {
        let many = format!(r#"{{"levels": [{}{{"path": "last"}}]}}"#, r#"{"path": "/x"},"#.repeat(100_000));
        let cgroup: CgroupMemory = serde_json::from_str(&many).unwrap();
        assert_eq!(cgroup.levels.len(), MAX_LEVELS);
        assert!(serde_json::from_str::<CgroupMemory>(r#"{"levels": [7]}"#).is_err());
        assert_eq!(serde_json::from_str::<CgroupMemory>("{}").unwrap(), CgroupMemory::default());
    }
}
