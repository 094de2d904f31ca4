//! The numbers of one look.

use std::time::Duration;

use memory_debug_core::MonitorMetric;

/// The numbers of one look. A number that could not be read, or that no rule needs, is `None`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Monotonic time since the monitor started.
    pub(crate) at: Duration,
    /// Milliseconds since 1970 of the wall clock.
    pub(crate) unix_ms: u64,
    pub(crate) container: Option<ContainerUse>,
    /// Only if a rule about the container needs it.
    pub(crate) group_peak: Option<GroupPeak>,
    /// Only if a rule falls back to it, and no limit of a container is set.
    pub(crate) machine: Option<MachineUse>,
    /// Resident memory of the process.
    pub(crate) resident: Option<u64>,
    /// Memory that only this process has.
    pub(crate) unique: Option<u64>,
    pub(crate) threads: Option<u64>,
    pub(crate) open_files: Option<u64>,
    pub(crate) allocator: Option<AllocatorUse>,
    /// Processes of the container that the kernel killed for lack of memory, since the container exists.
    pub(crate) oom_kills: Option<u64>,
    /// Time that processes waited for memory, since the container or the machine started.
    pub(crate) pressure_total_us: Option<u64>,
}

/// Memory of the group of processes whose limit is reached first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ContainerUse {
    /// The working set: usage without inactive page cache.
    pub(crate) used: u64,
    pub(crate) limit: u64,
    /// Page cache that the kernel can drop at once.
    pub(crate) inactive_file: u64,
}

/// The highest usage of a group since it exists, counted by the kernel at each change. It includes page cache, which the
/// working set leaves out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupPeak {
    /// The index of the group: peaks of different groups cannot be compared.
    pub(crate) group: usize,
    pub(crate) bytes: u64,
}

/// Memory of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct MachineUse {
    /// What programs cannot get without swapping.
    pub(crate) used: u64,
    pub(crate) total: u64,
}

/// jemalloc's numbers, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AllocatorUse {
    pub(crate) allocated: u64,
    pub(crate) active: u64,
    pub(crate) metadata: u64,
    pub(crate) resident: u64,
    pub(crate) retained: u64,
    pub(crate) dirty: u64,
}

impl Reading {
    /// The value of a metric. Types are not in a reading, because only a snapshot counts them.
    pub(crate) fn value(&self, metric: &MonitorMetric) -> Option<u64> {
        match metric {
            MonitorMetric::Container => self.container.map(|container| container.used),
            MonitorMetric::Resident => self.resident,
            MonitorMetric::Unique => self.unique,
            MonitorMetric::Allocated => self.allocator.map(|allocator| allocator.allocated),
            MonitorMetric::Dirty => self.allocator.map(|allocator| allocator.dirty),
            MonitorMetric::Fragmentation => {
                self.allocator.map(|allocator| allocator.active.saturating_sub(allocator.allocated))
            }
            MonitorMetric::Threads => self.threads,
            MonitorMetric::OpenFiles => self.open_files,
            _ => None,
        }
    }
}
