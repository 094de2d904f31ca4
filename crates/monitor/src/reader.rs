//! Reads the numbers, and allocates nothing while it does.
//!
//! Paths and buffers are made once. Files are opened for each read, because descriptors are scarcer than time. What is
//! expensive to read is read seldom, and only if a rule or a record needs it.

mod container;
mod file;
mod paced;

use std::path::{Path, PathBuf};
use std::time::Duration;

use memory_debug_core::__private::{ChargedGroups, charged_groups, global_allocator, read_totals};
use memory_debug_core::MonitorMetric;

use crate::clock::Moment;
use crate::reading::{AllocatorUse, MachineUse, Reading};
use container::Container;
pub(crate) use file::{Failed, KernelFile};
use file::{count_entries, number, size};
use paced::Paced;

/// Which numbers are needed beyond the cheap ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    pub(crate) unique: bool,
    pub(crate) allocator: bool,
    pub(crate) threads: bool,
    pub(crate) open_files: bool,
    pub(crate) group_peak: bool,
    /// If no limit of a container is set.
    pub(crate) machine: bool,
}

impl Needs {
    /// Also needs what `metric` reads.
    pub(crate) fn add(&mut self, metric: &MonitorMetric) {
        match metric {
            MonitorMetric::Unique => self.unique = true,
            MonitorMetric::Allocated | MonitorMetric::Dirty | MonitorMetric::Fragmentation => {
                self.allocator = true;
            }
            MonitorMetric::Threads => self.threads = true,
            MonitorMetric::OpenFiles => self.open_files = true,
            _ => {}
        }
    }
}

/// Room for the longest file: `memory.stat` and `status` have less than 4 KiB.
const BUFFER_BYTES: usize = 16 << 10;

/// Reads the numbers of this process and its container.
#[derive(Debug)]
pub(crate) struct Reader {
    needs: Needs,
    buffer: Box<[u8]>,
    page_bytes: u64,
    statm: KernelFile,
    /// After the main thread has ended, the kernel shows little of the process under `self`.
    statm_of_thread: KernelFile,
    status: KernelFile,
    rollup: KernelFile,
    files: KernelFile,
    meminfo: KernelFile,
    pressure: KernelFile,
    container: Result<Container, String>,
    /// Why jemalloc's numbers are not read at all.
    not_jemalloc: Option<String>,
    resident: Result<u64, Failed>,
    machine: Result<MachineUse, Failed>,
    unique: Paced<u64>,
    allocator: Paced<AllocatorUse>,
    threads: Paced<u64>,
    open_files: Paced<u64>,
    oom_kills: Paced<u64>,
    pressure_total: Paced<u64>,
}

impl Reader {
    /// A reader of this process. `proc` is the folder where `/proc` is mounted.
    pub(crate) fn new(proc: &Path, needs: Needs) -> Self {
        let own = proc.join("self");
        let groups = charged_groups(proc);
        let container_pressure = groups.as_ref().ok().filter(|groups| groups.version == 2);
        let pressure = match container_pressure.and_then(|groups| groups.groups.first()) {
            Some(group) => KernelFile::new(&group.folder, "memory.pressure"),
            None => KernelFile::new(&proc.join("pressure"), "memory"),
        };
        let seconds = Duration::from_secs;
        Self {
            needs,
            buffer: vec![0; BUFFER_BYTES].into(),
            page_bytes: rustix::param::page_size() as u64,
            statm: KernelFile::new(&own, "statm"),
            statm_of_thread: KernelFile::new(&proc.join("thread-self"), "statm"),
            status: KernelFile::new(&own, "status"),
            rollup: KernelFile::new(&own, "smaps_rollup"),
            files: KernelFile::new(&own, "fd"),
            meminfo: KernelFile::new(proc, "meminfo"),
            pressure,
            container: groups.map(Container::new),
            not_jemalloc: global_allocator().err(),
            resident: Err(Failed::NOT_READ),
            machine: Err(Failed::NOT_READ),
            // It walks all page tables, which takes milliseconds for each gigabyte.
            unique: Paced::new(seconds(30)),
            // It takes the lock of every arena.
            allocator: Paced::new(seconds(5)),
            threads: Paced::new(seconds(10)),
            open_files: Paced::new(seconds(10)),
            oom_kills: Paced::new(seconds(10)),
            pressure_total: Paced::new(seconds(10)),
        }
    }

    /// Reads what is due. `is_wake` says that the kernel reported something, so its counters are read now.
    pub(crate) fn read(&mut self, now: Moment, is_wake: bool) -> Reading {
        let (at, buffer) = (now.at, &mut *self.buffer);
        if is_wake {
            self.oom_kills.expire();
            self.pressure_total.expire();
        }
        self.resident = resident(&self.statm, &self.statm_of_thread, buffer, self.page_bytes);
        let mut reading = Reading { at, unix_ms: now.unix_ms, ..Reading::default() };
        reading.resident = self.resident.ok();
        if let Ok(container) = &mut self.container {
            reading.container = container.read(at, buffer);
            if self.needs.group_peak {
                reading.group_peak = container.peak(buffer);
            }
            if self.needs.machine && container.has_no_limit() {
                self.machine = machine(&self.meminfo, buffer);
                reading.machine = self.machine.ok();
            }
            reading.oom_kills = self.oom_kills.get(at, || container.oom_kills(buffer));
        }
        reading.pressure_total_us = self.pressure_total.get(at, || pressure_total(&self.pressure, buffer));
        if self.needs.unique {
            reading.unique = self.unique.get(at, || unique(&self.rollup, buffer));
        }
        if self.needs.threads {
            reading.threads = self.threads.get(at, || number(self.status.read(buffer)?, "Threads", "status"));
        }
        if self.needs.open_files {
            reading.open_files = self.open_files.get(at, || count_entries(&self.files));
        }
        if self.needs.allocator && self.not_jemalloc.is_none() {
            reading.allocator = self.allocator.get(at, allocator);
        }
        reading
    }

    /// Reads `memory.stat` only from this share of the container's limit on, because reading it makes the kernel sum
    /// its counters.
    pub(crate) fn read_stat_from(&mut self, share: f64) {
        if let Ok(container) = &mut self.container {
            container.read_stat_from(share);
        }
    }

    /// Why the last reading has no value for `metric`.
    pub(crate) fn reason(&self, metric: &MonitorMetric) -> Option<String> {
        let of = |failed: Option<Failed>| failed.map(|failed| failed.to_string());
        match metric {
            MonitorMetric::Container => match &self.container {
                Ok(container) => container.reason(),
                Err(reason) => Some(reason.clone()),
            },
            MonitorMetric::Resident => of(self.resident.err()),
            MonitorMetric::Unique => of(self.unique.failure()),
            MonitorMetric::Threads => of(self.threads.failure()),
            MonitorMetric::OpenFiles => of(self.open_files.failure()),
            MonitorMetric::Allocated | MonitorMetric::Dirty | MonitorMetric::Fragmentation => {
                self.not_jemalloc.clone().or_else(|| of(self.allocator.failure()))
            }
            _ => Some("no snapshot was taken yet".into()),
        }
    }

    /// Where the value of `metric` comes from.
    pub(crate) fn source(&self, metric: &MonitorMetric) -> Option<String> {
        Some(match metric {
            MonitorMetric::Container => return self.container.as_ref().ok().and_then(Container::source),
            MonitorMetric::Resident => "process, /proc/self/statm".into(),
            MonitorMetric::Unique => "process, /proc/self/smaps_rollup, every 30 s".into(),
            MonitorMetric::Allocated => "jemalloc, stats.allocated, every 5 s".into(),
            MonitorMetric::Dirty => "jemalloc, stats.arenas.pdirty, every 5 s".into(),
            MonitorMetric::Fragmentation => "jemalloc, stats.active - stats.allocated, every 5 s".into(),
            MonitorMetric::Threads => "process, /proc/self/status, every 10 s".into(),
            MonitorMetric::OpenFiles => "process, /proc/self/fd, every 10 s".into(),
            _ => "the last snapshot".into(),
        })
    }

    /// Why the last reading has no numbers of the machine, although no limit of a container is set.
    pub(crate) fn machine_failure(&self) -> Option<Failed> {
        let has_no_limit = self.container.as_ref().is_ok_and(Container::has_no_limit);
        self.machine.err().filter(|_| has_no_limit)
    }

    /// The container's own folder, if its events can be watched there.
    pub(crate) fn own_group(&self) -> Option<(u8, PathBuf)> {
        self.container.as_ref().ok().and_then(Container::own_group)
    }

    /// Whether any limit of a container applies.
    pub(crate) fn has_limit(&self) -> bool {
        self.container.as_ref().is_ok_and(|container| container.source().is_some())
    }
}

/// Resident memory: the second number of `statm`, in pages.
fn resident(
    of_process: &KernelFile,
    of_thread: &KernelFile,
    buffer: &mut [u8],
    page_bytes: u64,
) -> Result<u64, Failed> {
    let mut read = |file: &KernelFile| {
        let pages = file::field(file.read(buffer)?, 1).ok_or(Failed::odd("statm"))?;
        Ok(pages.saturating_mul(page_bytes))
    };
    match read(of_process) {
        Ok(0) => read(of_thread),
        Ok(bytes) => Ok(bytes),
        Err(failed) => read(of_thread).map_err(|_: Failed| failed),
    }
}

fn unique(rollup: &KernelFile, buffer: &mut [u8]) -> Result<u64, Failed> {
    let text = rollup.read(buffer)?;
    let size = |key| size(text, key, "smaps_rollup");
    Ok(size("Private_Clean")?.saturating_add(size("Private_Dirty")?))
}

fn machine(meminfo: &KernelFile, buffer: &mut [u8]) -> Result<MachineUse, Failed> {
    let text = meminfo.read(buffer)?;
    let size = |key| size(text, key, "meminfo");
    let (total, available) = (size("MemTotal")?, size("MemAvailable")?);
    Ok(MachineUse { used: total.saturating_sub(available), total })
}

/// The microseconds of the line `some avg10=0.25 avg60=0.10 avg300=0.00 total=681245`.
pub(crate) fn pressure_total(file: &KernelFile, buffer: &mut [u8]) -> Result<u64, Failed> {
    let text = file.read(buffer)?;
    let line = text.split(|byte| *byte == b'\n').find(|line| line.starts_with(b"some "));
    let total =
        line.and_then(|line| line.split(|byte| *byte == b' ').find_map(|pair| pair.strip_prefix(b"total=")));
    total.and_then(|digits| file::field(digits, 0)).ok_or(Failed::odd("memory.pressure"))
}

fn allocator() -> Result<AllocatorUse, Failed> {
    let totals = read_totals().map_err(|_| Failed::odd("jemalloc's statistics"))?;
    Ok(AllocatorUse {
        allocated: totals.allocated,
        active: totals.active,
        metadata: totals.metadata,
        resident: totals.resident,
        retained: totals.retained,
        dirty: totals.dirty,
    })
}

#[cfg(test)]
mod tests;
