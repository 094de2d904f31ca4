//! The levels of the control group, and what their memory consists of.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::CgroupMemory;

/// The most levels above the process's own group that a report has. Real hierarchies have fewer than ten.
pub const MOST_LEVELS: usize = 32;

/// The reason for a limit that is `None` because there is none.
pub const NO_LIMIT: &str = "no limit is set";

/// The reason for a group that is `None` because none counts the process's memory: then there is no limit either.
pub const NO_GROUP: &str = "the process is in no memory control group";
/// The same, where the group is there and its memory controller is not.
pub const NO_CONTROLLER: &str = "the memory controller is not enabled for the process's control group";

/// What the memory of a control group consists of.
///
/// `anonymous_bytes`, `file_bytes`, `kernel_bytes` and `socket_bytes` do not overlap. `shared_bytes` is a part of
/// `file_bytes`, and `mapped_file_bytes` may be. The groups below are included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct CgroupParts {
    /// Heap, stacks and other anonymous memory of all processes (v2 `anon`, v1 `total_rss`).
    pub anonymous_bytes: Option<u64>,
    /// Page cache, tmpfs and shared memory included (v2 `file`, v1 `total_cache`).
    pub file_bytes: Option<u64>,
    /// Page cache that some process has mapped (v2 `file_mapped`, v1 `total_mapped_file`).
    pub mapped_file_bytes: Option<u64>,
    /// Files in tmpfs, and memory that processes share (v2 `shmem`, v1 `total_shmem`).
    pub shared_bytes: Option<u64>,
    /// Memory of the kernel: slab caches, page tables, stacks of threads (v2 `kernel`, v1
    /// `memory.kmem.usage_in_bytes`). Kernels before 5.18 do not state it: then it is the sum of the parts they state.
    pub kernel_bytes: Option<u64>,
    /// Buffers of network sockets (v2 `sock`, v1 `memory.kmem.tcp.usage_in_bytes`). In version 1 they are beside
    /// `current_bytes`, not in it.
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
    /// Page cache that was not used for a while and goes first.
    pub inactive_file_bytes: Option<u64>,
    /// Processes killed because memory ran out. Version 1 counts those directly in the level, version 2 those in all
    /// groups below, too.
    pub oom_kills: Option<u64>,
    /// Times the level was throttled at its own `memory.high`.
    pub high_events: Option<u64>,
    /// Times an allocation met the level's own limit.
    pub max_events: Option<u64>,
    /// What `current_bytes` consists of.
    pub parts: CgroupParts,
}

impl CgroupLevel {
    /// What stands at `path` for a group above the visible ones.
    pub const ABOVE: &str = "..";

    /// The memory that does not go away under pressure: `current_bytes` without inactive page cache.
    ///
    /// Where inactive page cache is unknown, all of `current_bytes` counts.
    pub fn working_set_bytes(&self) -> Option<u64> {
        Some(self.current_bytes?.saturating_sub(self.inactive_file_bytes.unwrap_or(0)))
    }

    /// Page cache that does not go first: without tmpfs, which is in `shared_bytes`, and without the inactive part.
    pub fn cache_in_use_bytes(&self) -> Option<u64> {
        let CgroupParts { file_bytes, shared_bytes, .. } = self.parts;
        let goes = shared_bytes.unwrap_or(0).saturating_add(self.inactive_file_bytes.unwrap_or(0));
        Some(file_bytes?.saturating_sub(goes))
    }

    /// What is left until the limit. `None` without a limit.
    pub fn room_bytes(&self) -> Option<u64> {
        Some(self.limit_bytes?.saturating_sub(self.working_set_bytes()?))
    }
}

impl CgroupMemory {
    /// The process's own group as a level.
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

    /// The level with the least room, and of equals the nearest. `None` if no level has a limit and a usage.
    pub fn least_room(&self) -> Option<CgroupLevel> {
        let levels = std::iter::once(self.own_level()).chain(self.levels.iter().cloned());
        levels.filter(|level| level.room_bytes().is_some()).min_by_key(CgroupLevel::room_bytes)
    }
}

/// Reads the first [`MOST_LEVELS`] levels and skips the rest: the report may be from a stranger.
pub(super) fn at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<CgroupLevel>, D::Error> {
    struct First;

    impl<'de> Visitor<'de> for First {
        type Value = Vec<CgroupLevel>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of levels")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut levels: A) -> Result<Self::Value, A::Error> {
            let mut first = Vec::new();
            while first.len() < MOST_LEVELS {
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
    fn the_level_with_the_least_room_binds_and_of_equals_the_nearest() {
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
            "cache goes"
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
    fn what_is_missing_is_not_invented() {
        let unknown = CgroupLevel { limit_bytes: Some(9), ..CgroupLevel::default() };
        assert_eq!((unknown.working_set_bytes(), unknown.room_bytes()), (None, None));
        let without_cache = CgroupLevel { inactive_file_bytes: None, ..level("/", Some(9), 5, 0) };
        assert_eq!((without_cache.working_set_bytes(), without_cache.room_bytes()), (Some(5), Some(4)));
        assert_eq!(without_cache.cache_in_use_bytes(), None);
    }

    #[test]
    fn neither_tmpfs_nor_inactive_pages_are_page_cache_in_use() {
        let mut level = level("/", None, 100, 20);
        (level.parts.file_bytes, level.parts.shared_bytes) = (Some(90), Some(40));
        assert_eq!(level.cache_in_use_bytes(), Some(30));
        level.parts.shared_bytes = Some(u64::MAX);
        assert_eq!(level.cache_in_use_bytes(), Some(0));
    }

    #[test]
    fn s45_no_more_levels_are_kept_than_a_report_may_have() {
        let many = format!(r#"{{"levels": [{}{{"path": "last"}}]}}"#, r#"{"path": "/x"},"#.repeat(100_000));
        let cgroup: CgroupMemory = serde_json::from_str(&many).unwrap();
        assert_eq!(cgroup.levels.len(), MOST_LEVELS);
        assert!(serde_json::from_str::<CgroupMemory>(r#"{"levels": [7]}"#).is_err());
        assert_eq!(serde_json::from_str::<CgroupMemory>("{}").unwrap(), CgroupMemory::default());
    }
}
