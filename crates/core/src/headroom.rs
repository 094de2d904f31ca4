//! Whether there is memory enough to look for where the memory is.
//!
//! A page about memory is asked for when memory is short, and must not be what kills the process.

use std::path::Path;

use crate::ceiling::Ceiling;
use crate::collect::{Collector, Scope};
use crate::process::{read_cgroup, read_machine};
use crate::unavailable::Unavailable;

/// Numbers alone: files of a few kilobytes, jemalloc's epoch, a thread.
const STATS_BYTES: u64 = 1 << 20;

/// Types, too. A first hit took 2 to 4 MiB on a program with 523 MB of debug information (`benches/README.md`); the
/// rest is room for larger heaps and for pages of the executable, which the kernel takes back. Compressed debug
/// information takes as much as it is long and is not in here.
const TYPES_BYTES: u64 = 16 << 20;

/// What a collection may take, and what is left for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Headroom {
    /// The most that the collection is expected to take.
    pub needed_bytes: u64,
    /// What is left until the limit of the container, of a group above it, or the memory of the machine, whichever is
    /// met first, inactive page cache counted as free. `None` if none of them could be read.
    pub available_bytes: Option<u64>,
}

impl Headroom {
    /// Whether the collection may take more than there is. What is not known is no reason to refuse.
    pub fn is_short(&self) -> bool {
        self.available_bytes.is_some_and(|available| available < self.needed_bytes)
    }
}

impl Collector {
    /// How much memory collecting `scope` may take, and how much is left: a few small files of the kernel are read.
    pub fn headroom(&self, scope: Scope) -> Headroom {
        let needed_bytes = if scope == Scope::Stats { STATS_BYTES } else { TYPES_BYTES };
        Headroom { needed_bytes, available_bytes: available(Path::new("/proc")) }
    }
}

fn available(proc: &Path) -> Option<u64> {
    let reasons = &mut Unavailable::default();
    let (cgroup, machine) = (read_cgroup(proc, reasons), read_machine(proc, reasons));
    let ceiling = Ceiling::lowest(cgroup.as_ref(), machine.as_ref(), None);
    // What is left of the machine counts also where its size is not known.
    let available = machine.and_then(|machine| machine.available_bytes);
    ceiling.map(|ceiling| ceiling.room_bytes).into_iter().chain(available).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    const MIB: u64 = 1 << 20;

    /// A machine with 512 MiB left, and a container of 64 MiB.
    fn tree(used: u64, inactive_file: u64) -> Tree {
        let tree = Tree::new([("meminfo", "MemTotal: 1048576 kB\nMemAvailable: 524288 kB\n")]);
        tree.add("self/cgroup", "0::/\n");
        let mount = tree.path().join("cgroup");
        tree.add("self/mountinfo", &format!("30 25 0:26 / {} rw - cgroup2 cgroup2 rw\n", mount.display()));
        tree.add("cgroup/memory.max", &(64 * MIB).to_string());
        tree.add("cgroup/memory.current", &used.to_string());
        tree.add("cgroup/memory.stat", &format!("anon 5\ninactive_file {inactive_file}\n"));
        tree
    }

    #[test]
    fn s44_what_is_left_of_a_container_counts_cache_as_free() {
        assert_eq!(available(tree(60 * MIB, 10 * MIB).path()), Some(14 * MIB));
        assert_eq!(available(tree(70 * MIB, 0).path()), Some(0));
    }

    #[test]
    fn s44_a_neighbour_below_the_parents_limit_takes_room_away() {
        let two = ("0::/p/a\n", "cgroup2 cgroup2 rw", "memory.max", "memory.current", "inactive_file");
        let one = ("4:memory:/p/a\n0::/\n", "cgroup cgroup rw,memory");
        let one = (one.0, one.1, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file");
        for (membership, kind, limit, usage, stat) in [two, one] {
            let tree = tree(0, 0);
            tree.add("self/cgroup", membership);
            let mount = tree.path().join("cgroup");
            tree.add("self/mountinfo", &format!("30 25 0:26 / {} rw - {kind}\n", mount.display()));
            for (group, limit_bytes, usage_bytes, cache) in
                [("cgroup/p/a", 256 * MIB, 58 * MIB, 0), ("cgroup/p", 300 * MIB, 300 * MIB, 6 * MIB)]
            {
                tree.add(&format!("{group}/{limit}"), &limit_bytes.to_string());
                tree.add(&format!("{group}/{usage}"), &usage_bytes.to_string());
                tree.add(&format!("{group}/memory.stat"), &format!("{stat} {cache}\n"));
            }
            assert_eq!(available(tree.path()), Some(6 * MIB), "{limit}");
        }
    }

    #[test]
    fn s44_a_machine_that_is_full_counts_below_a_generous_limit() {
        let tree = tree(10 * MIB, 0);
        tree.add("meminfo", "MemTotal: 1048576 kB\nMemAvailable: 2048 kB\n");
        assert_eq!(available(tree.path()), Some(2 * MIB));
        tree.add("meminfo", "MemAvailable: 1024 kB\n");
        assert_eq!(available(tree.path()), Some(MIB), "a machine without a size");
    }

    #[test]
    fn s44_without_a_limit_the_machine_counts_and_without_both_nothing_is_known() {
        let tree = tree(60 * MIB, 0);
        tree.add("cgroup/memory.max", "max");
        assert_eq!(available(tree.path()), Some(512 * MIB));
        assert_eq!(available(Path::new("/nonexistent")), None);
    }

    #[test]
    fn s44_types_need_more_than_numbers_and_the_unknown_refuses_nobody() {
        let collector = Collector::new();
        let needed = |scope| collector.headroom(scope).needed_bytes;
        assert!(needed(Scope::Stats) < needed(Scope::Types));
        let headroom = |available_bytes| Headroom { needed_bytes: 2, available_bytes };
        assert!(headroom(Some(1)).is_short());
        assert!(!headroom(Some(2)).is_short() && !headroom(None).is_short());
    }
}
