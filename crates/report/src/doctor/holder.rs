//! Finds what holds the memory under the limit with the least room, and where to look for it.
//!
//! The table shows the heap of one process. The limit covers more: files in tmpfs, kernel memory, other processes and
//! other groups. Advice must point at the largest part, wherever it is.

use crate::ceiling::{Ceiling, LimitSource};
use crate::report::{CgroupLevel, CgroupParts, MemoryReport};
use crate::units::{Bytes, printable};

/// Part of the memory in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) bytes: u64,
    /// Name of the part: `shared memory and tmpfs`.
    pub(super) name: String,
    /// Where to look and what to change.
    pub(super) advice: String,
}

impl Holder {
    fn new(bytes: u64, name: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { bytes, name: name.into(), advice: advice.into() }
    }

    /// `the largest part is shared memory and tmpfs, 125.0 MiB`.
    pub(super) fn sentence(&self) -> String {
        format!("the largest part is {}, {:.1}", self.name, Bytes(self.bytes))
    }
}

const TABLE: &str = "the table's largest rows show what holds it: bound them";

/// The largest part of the memory in use under `ceiling`. `None` if no part is known.
pub(super) fn largest(report: &MemoryReport, ceiling: &Ceiling) -> Option<Holder> {
    let mut holders = of_process(report);
    holders.extend(of_container(report));
    holders.extend(of_others(report, ceiling));
    // Among equal parts the first wins, which is the nearest to the process.
    holders.into_iter().filter(|holder| holder.bytes > 0).rev().max_by_key(|holder| holder.bytes)
}

/// The process's own anonymous memory.
fn of_process(report: &MemoryReport) -> Vec<Holder> {
    let Some(anonymous) = report.process.as_ref().and_then(|process| process.anonymous_bytes) else {
        return Vec::new();
    };
    let Some(jemalloc) = report.allocator.as_ref().and_then(|allocator| allocator.resident_bytes) else {
        return vec![Holder::new(anonymous, "the heap and stacks of this process", TABLE)];
    };
    // jemalloc's number is an upper bound.
    let outside = anonymous.saturating_sub(jemalloc);
    vec![
        Holder::new(anonymous.min(jemalloc), "the heap of this process", TABLE),
        Holder::new(
            outside,
            "memory of this process outside jemalloc",
            "no row of the table shows it: look in `/proc/<pid>/smaps` for mappings of C libraries and `mmap`",
        ),
    ]
}

/// The rest of the process's own group.
fn of_container(report: &MemoryReport) -> Vec<Holder> {
    let Some(cgroup) = &report.cgroup else { return Vec::new() };
    let CgroupParts { anonymous_bytes, shared_bytes, kernel_bytes, socket_bytes, .. } = cgroup.parts;
    let process = report.process.as_ref();
    let mut holders = Vec::new();
    if let Some((all, own)) = anonymous_bytes.zip(process.and_then(|process| process.anonymous_bytes)) {
        holders.push(Holder::new(
            all.saturating_sub(own),
            "the memory of other processes in this container",
            "list the container's processes by size: `ps -eo pid,rss,args --sort=-rss`",
        ));
    }
    holders.extend(shared_bytes.map(|bytes| {
        let mapped = process.and_then(|process| process.shared_bytes).filter(|mapped| *mapped > 0);
        let mapped = mapped.map(|mapped| format!("; this process has mapped {:.1} of it", Bytes(mapped.min(bytes))));
        Holder::new(
            bytes,
            "shared memory and tmpfs",
            format!(
                "it is not in the table: look for files in /dev/shm, /tmp and `emptyDir` volumes with `medium: Memory` \
                 (`df -h -t tmpfs`), and for shared mappings (`ipcs -m`, `memfd`){}",
                mapped.unwrap_or_default()
            ),
        )
    }));
    holders.extend(cgroup.own_level().cache_in_use_bytes().map(|bytes| {
        Holder::new(
            bytes,
            "page cache that is in use",
            "it is not in the table: look for large files that are mapped or read repeatedly; the kernel reclaims \
             most of it before it kills a process, but not pages that are locked (`mlock`) or not yet written to \
             disk",
        )
    }));
    holders.extend(kernel_bytes.map(|bytes| {
        Holder::new(
            bytes,
            "kernel memory",
            "it is not in the table: look at `slab`, `kernel_stack` and `pagetables` in `memory.stat`; it grows \
             with open files, pipes, directory entries, watches, threads and mappings",
        )
    }));
    // In version 1 the usage does not include socket buffers.
    holders.extend(socket_bytes.filter(|_| cgroup.version != 1).map(|bytes| {
        Holder::new(
            bytes,
            "network socket buffers",
            "it is not in the table: look for connections where either side reads slowly (`ss -tm`); bound their \
             number and their buffers (`net.ipv4.tcp_rmem`, `tcp_wmem`)",
        )
    }));
    holders
}

/// Memory outside the process's own group that counts towards the same limit.
fn of_others(report: &MemoryReport, ceiling: &Ceiling) -> Option<Holder> {
    let own = report.cgroup.as_ref().map(|cgroup| cgroup.own_level());
    match ceiling.set_by {
        LimitSource::Group => None,
        LimitSource::GroupAbove => {
            let others = ceiling.others_bytes?;
            let path = printable(ceiling.path.as_deref().unwrap_or_default());
            let mut levels =
                report.cgroup.iter().flat_map(|cgroup| cgroup.binding.iter().chain(&cgroup.levels));
            let above = levels.find(|level| Some(&level.path) == ceiling.path.as_ref());
            let kind = above.zip(own.as_ref()).and_then(|(above, own)| largest_kind(above, own));
            let mostly = kind.map(|kind| format!(", mostly {kind}")).unwrap_or_default();
            Some(Holder::new(
                others,
                format!("the memory of other groups below {path}{mostly}"),
                "the table cannot show it: look at the neighbours in the same pod or slice (`kubectl top pod \
                 --containers`, `systemd-cgtop -m`), and bound them",
            ))
        }
        LimitSource::Machine => {
            // A group holds more than the process: its tmpfs, its kernel memory. The root group holds everything.
            let own = own.and_then(|own| own.working_set_bytes()).filter(|own| *own < ceiling.used_bytes);
            let others = match own {
                Some(own) => ceiling.used_bytes.saturating_sub(own),
                None => ceiling.others_bytes?,
            };
            Some(Holder::new(
                others,
                "the memory of other processes on the machine",
                "the table cannot show it: list the processes by size (`ps -eo pid,rss,args --sort=-rss`, \
                 `systemd-cgtop -m`)",
            ))
        }
    }
}

/// The kind of memory that makes up more than half of the memory of others below a level. `None` if no kind does.
fn largest_kind(above: &CgroupLevel, own: &CgroupLevel) -> Option<&'static str> {
    let others = above.working_set_bytes()?.checked_sub(own.working_set_bytes()?)?;
    type Part = fn(&CgroupParts) -> Option<u64>;
    let kinds: [(&'static str, Part); 4] = [
        ("heap and stacks", |parts| parts.anonymous_bytes),
        ("shared memory and tmpfs", |parts| parts.shared_bytes),
        ("kernel memory", |parts| parts.kernel_bytes),
        ("network socket buffers", |parts| parts.socket_bytes),
    ];
    let of_others = kinds.into_iter().filter_map(|(kind, get)| {
        let bytes = get(&above.parts)?.saturating_sub(get(&own.parts).unwrap_or(0));
        (bytes > others / 2).then_some((kind, bytes))
    });
    of_others.max_by_key(|(_, bytes)| *bytes).map(|(kind, _)| kind)
}

#[cfg(test)]
mod tests;
