//! Memory, threads and file descriptors of this process.

use std::fs;
use std::io;
use std::path::Path;
use std::thread::available_parallelism;

use memory_debug_report::{ProcessMemory, Unavailable};

use crate::kernel_file::{self, number, size};

/// Reads `self/status`, `self/smaps_rollup` and `self/fd` below `root`.
///
/// `smaps_rollup` makes the kernel walk all page tables, some milliseconds for gigabytes; the rest is free.
pub(crate) fn read_process(root: &Path, unavailable: &mut Unavailable) -> Option<ProcessMemory> {
    let process = root.join("self");
    let reason =
        |error: io::Error| kernel_file::proc_reason(root, || format!("/proc/self: {}", error.kind()));
    unavailable.keep("process", fs::metadata(&process).map_err(reason))?;
    let status = kernel_file::read_proc(root, "self/status");
    let rollup = kernel_file::read_proc(root, "self/smaps_rollup");
    let mut keep =
        |name: &str, measured: Result<u64, String>| unavailable.keep(&format!("process.{name}"), measured);
    let of_status = |key: &str| status.as_deref().map_err(String::clone).and_then(|text| size(text, key));
    let of_rollup = |key: &str| rollup.as_deref().map_err(String::clone).and_then(|text| size(text, key));
    let private = || Ok(of_rollup("Private_Clean")?.saturating_add(of_rollup("Private_Dirty")?));
    let mut memory = ProcessMemory::default();
    memory.resident_bytes = keep("resident_bytes", of_status("VmRSS"));
    memory.peak_resident_bytes = keep("peak_resident_bytes", of_status("VmHWM"));
    memory.anonymous_bytes = keep("anonymous_bytes", of_status("RssAnon"));
    memory.file_bytes = keep("file_bytes", of_status("RssFile"));
    memory.shared_bytes = keep("shared_bytes", of_status("RssShmem"));
    memory.swap_bytes = keep("swap_bytes", of_status("VmSwap"));
    memory.pss_bytes = keep("pss_bytes", of_rollup("Pss"));
    memory.uss_bytes = keep("uss_bytes", private());
    memory.lazy_free_bytes = keep("lazy_free_bytes", of_rollup("LazyFree"));
    memory.threads =
        keep("threads", status.as_deref().map_err(String::clone).and_then(|text| number(text, "Threads")));
    memory.open_fds = keep("open_fds", open_fds(&process.join("fd")));
    memory.cpus = keep("cpus", cpus());
    Some(memory)
}

/// Counts the entries of the folder, less the descriptor that reads it.
fn open_fds(folder: &Path) -> Result<u64, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("fd: {}", error.kind()))?;
    Ok((entries.count() as u64).saturating_sub(1))
}

/// Asks the system for affinity and quota, whatever the root.
fn cpus() -> Result<u64, String> {
    let cpus = available_parallelism().map_err(|error| format!("number of processors: {}", error.kind()))?;
    Ok(cpus.get() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::fixture::Tree;

    const STATUS: &str = "Name:\tservice\nVmHWM:\t    6000 kB\nVmRSS:\t    5000 kB\nRssAnon:\t    3000 kB\n\
                          RssFile:\t    1900 kB\nRssShmem:\t     100 kB\nVmSwap:\t       0 kB\nThreads:\t9\n";
    const ROLLUP: &str = "55d0-7fff ---p 00000000 00:00 0                          [rollup]\n\
                          Rss:                5000 kB\nPss:                4000 kB\nPss_Dirty:          3000 kB\n\
                          Private_Clean:       500 kB\nPrivate_Dirty:      2500 kB\n\
                          LazyFree:            700 kB\nSwap:                  0 kB\n";

    #[test]
    fn reads_every_value() {
        let tree = Tree::new([("self/status", STATUS), ("self/smaps_rollup", ROLLUP), ("self/fd/0", "")]);
        tree.add("self/fd/1", "");
        let mut unavailable = Unavailable::default();
        let process = read_process(tree.path(), &mut unavailable).unwrap();
        let mut expected = ProcessMemory::default();
        expected.resident_bytes = Some(5000 << 10);
        expected.peak_resident_bytes = Some(6000 << 10);
        expected.anonymous_bytes = Some(3000 << 10);
        expected.file_bytes = Some(1900 << 10);
        expected.shared_bytes = Some(100 << 10);
        expected.pss_bytes = Some(4000 << 10);
        expected.uss_bytes = Some(3000 << 10);
        expected.swap_bytes = Some(0);
        expected.lazy_free_bytes = Some(700 << 10);
        expected.threads = Some(9);
        expected.open_fds = Some(1);
        expected.cpus = process.cpus;
        assert_eq!(process, expected);
        assert!(unavailable.is_empty());
    }

    #[test]
    fn a_missing_file_costs_only_its_own_values() {
        let tree = Tree::new([("self/status", "VmRSS:\t5000 kB\nThreads:\t9\n")]);
        let mut unavailable = Unavailable::default();
        let process = read_process(tree.path(), &mut unavailable).unwrap();
        assert_eq!((process.resident_bytes, process.threads), (Some(5000 << 10), Some(9)));
        assert_eq!((process.swap_bytes, process.uss_bytes, process.open_fds), (None, None, None));
        assert_eq!(unavailable.get("process.swap_bytes"), Some("the kernel does not tell VmSwap"));
        assert_eq!(unavailable.get("process.uss_bytes"), Some("smaps_rollup: entity not found"));
        assert_eq!(unavailable.get("process.open_fds"), Some("fd: entity not found"));
    }

    #[test]
    fn without_proc_there_is_one_reason() {
        let mut unavailable = Unavailable::default();
        assert_eq!(read_process(Path::new("/nonexistent"), &mut unavailable), None);
        let reasons: Vec<_> = unavailable.iter().collect();
        let [("process", reason)] = reasons[..] else { panic!("{reasons:?}") };
        assert!(reason.starts_with("/proc is not mounted here: mount it"), "{reason}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_threads() {
        let process = read_process(Path::new("/proc"), &mut Unavailable::default()).unwrap();
        assert!(process.resident_bytes > Some(0));
        assert!(process.threads > Some(0));
        assert!(process.cpus > Some(0));
        assert!(process.open_fds >= Some(2), "standard output and error at least: {process:?}");
    }
}
