//! Resources of this process, as the kernel reports them.

use std::collections::BTreeSet;
use std::fs;

/// Resources that must not exist before the first request: threads, open files and timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    threads: BTreeSet<String>,
    open_files: BTreeSet<String>,
    /// `None` if this kernel does not report timers.
    timers: Option<String>,
}

impl ProcessState {
    /// Reads the current state.
    pub fn now() -> Self {
        // The descriptor of the folder itself is listed, but its link no longer exists when it is read.
        let numbers: Vec<_> =
            fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path()).collect();
        let open_files = numbers.iter().filter_map(|number| {
            let target = fs::read_link(number).ok()?;
            Some(format!("{} -> {}", number.display(), target.display()))
        });
        Self {
            threads: threads().map(|(id, name)| format!("{id} {name}")).collect(),
            open_files: open_files.collect(),
            timers: fs::read_to_string("/proc/self/timers").ok(),
        }
    }
}

/// The ids and names of all threads.
fn threads() -> impl Iterator<Item = (String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    // A thread that ends meanwhile has no name any more.
    tasks.filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        Some((task.file_name().to_string_lossy().into_owned(), name.trim().to_owned()))
    })
}
