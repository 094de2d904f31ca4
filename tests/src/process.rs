//! What the kernel says this process has.

use std::collections::BTreeSet;
use std::fs;

/// Everything whose absence is promised until somebody asks: threads, open files, timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessState {
    threads: BTreeSet<String>,
    open_files: BTreeSet<String>,
    /// `None` if this kernel does not tell.
    timers: Option<String>,
}

impl ProcessState {
    /// Reads it now.
    pub fn now() -> Self {
        // The folder's own descriptor is listed while it is read; its link is gone when it is looked at afterwards.
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

/// Ids and names of all threads.
fn threads() -> impl Iterator<Item = (String, String)> {
    let tasks = fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    // One that ends meanwhile has no name any more.
    tasks.filter_map(|task| {
        let name = fs::read_to_string(task.path().join("comm")).ok()?;
        Some((task.file_name().to_string_lossy().into_owned(), name.trim().to_owned()))
    })
}
