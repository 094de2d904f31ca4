//! What the process has from the kernel: descriptors, threads and mappings.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Mappings that may come in addition: the allocator's, stacks that the C library keeps, and files that the standard library
/// keeps for backtraces. Hundreds of scans would leak more.
const MORE_MAPPINGS: usize = 100;

/// The longest wait for threads and connections that are about to end.
const SETTLES_IN: Duration = Duration::from_secs(30);

/// How long nothing changes in a process at rest.
const RESTS_FOR: Duration = Duration::from_secs(2);

/// What the process has, by name.
#[derive(Debug, PartialEq)]
pub(crate) struct Resources {
    descriptors: BTreeMap<String, usize>,
    threads: BTreeMap<String, usize>,
    /// Mapped files in memory, and files that are gone.
    files_in_memory: usize,
    mappings: usize,
}

impl Resources {
    pub(crate) fn read() -> Self {
        let descriptor = |path: &Path| {
            // The number of a socket or pipe says nothing.
            fs::read_link(path)
                .ok()
                .map(|target| target.to_string_lossy().split('[').next().unwrap_or("").to_owned())
        };
        let thread = |path: &Path| fs::read_to_string(path.join("comm")).ok();
        let maps = fs::read_to_string("/proc/self/maps").expect("Linux has it");
        let is_in_memory = |line: &&str| line.contains("/memfd:") || line.ends_with("(deleted)");
        Self {
            descriptors: count(entries("/proc/self/fd", descriptor)),
            threads: count(entries("/proc/self/task", thread)),
            files_in_memory: maps.lines().filter(is_in_memory).count(),
            mappings: maps.lines().count(),
        }
    }

    /// What the process has once threads and connections of earlier requests have ended.
    pub(crate) fn at_rest() -> Self {
        let begin = Instant::now();
        let (mut last, mut since) = (Self::read(), begin);
        while since.elapsed() < RESTS_FOR && begin.elapsed() < SETTLES_IN {
            thread::sleep(Duration::from_millis(100));
            let now = Self::read();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
        last
    }

    /// Waits until the process has no more than it had before. Returns what else it has then.
    pub(crate) fn leaked_since(before: &Self) -> Option<String> {
        let begin = Instant::now();
        loop {
            let now = Self::read();
            let is_equal = now.descriptors == before.descriptors
                && now.threads == before.threads
                && now.files_in_memory == before.files_in_memory
                && now.mappings <= before.mappings + MORE_MAPPINGS;
            if is_equal {
                println!(
                    "descriptors and threads as before; mappings: {} before, {} after",
                    before.mappings, now.mappings
                );
                return None;
            }
            if begin.elapsed() > SETTLES_IN {
                return Some(format!("before {before:?}, after {now:?}"));
            }
            thread::sleep(Duration::from_millis(100));
        }
    }
}

fn entries<T>(folder: &str, read: impl Fn(&Path) -> Option<T>) -> Vec<T> {
    let entries = fs::read_dir(folder).expect("Linux has it");
    entries.filter_map(Result::ok).filter_map(|entry| read(&entry.path())).collect()
}

fn count(names: Vec<String>) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_default() += 1;
    }
    counts
}

/// Resident bytes of the process.
pub(crate) fn resident_bytes() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.expect("the second number is resident pages") * 4096
}
