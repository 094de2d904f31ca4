//! Whether there is enough memory left to measure memory.
//!
//! Operators ask for a page about memory when memory is short. That page must not be what kills the process.

use std::path::Path;
use std::{env, fmt, io};

use memory_debug_report::{Ceiling, Unavailable};

use crate::process::{read_address_room, read_cgroup, read_machine};

/// Work on a collected report that takes memory of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Work {
    /// A page of the report as it was collected: numbers and tables.
    Page,
    /// The heap by stack, with symbols.
    Profile,
    /// Scans of the heap for what holds its objects.
    Holders,
    /// Two heaps by stack, and the diff of them.
    Comparison {
        /// The number of stacks in the largest snapshot that is compared.
        stacks: u64,
    },
}

/// How much a piece of work may take, and how much is left for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Headroom {
    /// The most that the work is expected to take.
    pub needed_bytes: u64,
    /// Amount left below the nearest limit. `None` if no limit could be read.
    pub available_bytes: Option<u64>,
    /// Whether the numbers are memory or addresses.
    pub resource: Resource,
}

/// The resource that a limit applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resource {
    /// Memory of the container, of a group above it, or of the machine. Inactive page cache counts as free.
    #[default]
    Memory,
    /// Addresses of the process: `RLIMIT_AS` or `RLIMIT_DATA`.
    Addresses,
}

impl Headroom {
    /// Whether the work may take more than is left. An unknown amount is not a reason to refuse.
    pub fn is_short(&self) -> bool {
        self.available_bytes.is_some_and(|available| available < self.needed_bytes)
    }

    /// Whether there are enough addresses for the stacks of new threads and for jemalloc's arenas. jemalloc ends
    /// the process if it cannot make an arena.
    pub fn for_threads(threads: u64) -> Self {
        Self::of_addresses(Path::new("/proc"), threads.saturating_mul(thread_bytes()))
    }

    /// Compares memory and addresses with what is left. Keeps the resource that is short, or memory if neither is.
    pub(crate) fn new(needed_bytes: u64, needed_addresses: u64) -> Self {
        let proc = Path::new("/proc");
        let memory = Self { needed_bytes, available_bytes: available(proc), resource: Resource::Memory };
        if memory.is_short() {
            return memory;
        }
        let addresses = Self::of_addresses(proc, needed_addresses);
        if addresses.is_short() { addresses } else { memory }
    }

    fn of_addresses(proc: &Path, needed_bytes: u64) -> Self {
        Self {
            needed_bytes,
            available_bytes: read_address_room(proc).of_memory(),
            resource: Resource::Addresses,
        }
    }
}

impl fmt::Display for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let left = self.available_bytes.unwrap_or_default();
        match self.resource {
            Resource::Memory => {
                write!(f, "{} bytes of memory are needed, {left} are left", self.needed_bytes)
            }
            Resource::Addresses => write!(
                f,
                "{} bytes of addresses are needed, {left} are left; raise `ulimit -v` or `ulimit -d`",
                self.needed_bytes
            ),
        }
    }
}

impl std::error::Error for Headroom {}

/// Refuses new threads if they could end the process. See [`Headroom::for_threads`].
///
/// # Errors
///
/// [`io::ErrorKind::OutOfMemory`] with the [`Headroom`] that is too short.
pub fn room_for_threads(threads: u64) -> io::Result<()> {
    let headroom = Headroom::for_threads(threads);
    if headroom.is_short() { Err(io::Error::new(io::ErrorKind::OutOfMemory, headroom)) } else { Ok(()) }
}

/// Addresses that a thread takes: its stack, and a jemalloc arena with its first pages. jemalloc looks for room for
/// the pages at multiples of 2 MiB.
fn thread_bytes() -> u64 {
    // The standard library's choice.
    let stack = env::var("RUST_MIN_STACK").ok().and_then(|bytes| bytes.parse().ok());
    ARENA_BYTES.saturating_add(stack.unwrap_or(2 << 20))
}

const ARENA_BYTES: u64 = 10 << 20;

fn available(proc: &Path) -> Option<u64> {
    let reasons = &mut Unavailable::default();
    let (cgroup, machine) = (read_cgroup(proc, reasons), read_machine(proc, reasons));
    let ceiling = Ceiling::lowest(cgroup.as_ref(), machine.as_ref(), None);
    // The machine's available memory counts even if its size is not known.
    let available = machine.and_then(|machine| machine.available_bytes);
    ceiling.map(|ceiling| ceiling.room_bytes).into_iter().chain(available).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::{Collector, Scope};
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
    fn s44_inactive_cache_of_a_container_counts_as_free() {
        assert_eq!(available(tree(60 * MIB, 10 * MIB).path()), Some(14 * MIB));
        assert_eq!(available(tree(70 * MIB, 0).path()), Some(0));
    }

    #[test]
    fn s44_a_neighbour_below_the_limit_of_the_parent_takes_room_away() {
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
    fn s44_a_full_machine_counts_even_below_a_generous_limit() {
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
    fn s44_types_need_more_than_numbers_and_unknown_room_does_not_refuse() {
        let collector = Collector::new();
        let needed = |scope| collector.headroom(scope).needed_bytes;
        assert!(needed(Scope::Stats) < needed(Scope::Types));
        let headroom =
            |available_bytes| Headroom { needed_bytes: 2, available_bytes, resource: Resource::Memory };
        assert!(headroom(Some(1)).is_short());
        assert!(!headroom(Some(2)).is_short() && !headroom(None).is_short());
    }
}
