//! What a thread of this process does, without a signal.
//!
//! The kernel shows it below `/proc/self/task/TID`. A process may read the files of its own threads without any
//! privilege. Sandboxes leave some of the files out.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

mod syscall_names;

/// Where a thread is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Whereabouts {
    /// On a processor, or ready to run.
    Running,
    /// In a system call, by name, or by number if the table of names does not have it.
    InCall(String),
    /// In the kernel, but not in a system call, for example in a page fault.
    InKernel,
}

/// What a thread does at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ThreadState {
    pub(crate) tid: u32,
    pub(crate) name: String,
    /// `None` if the kernel does not tell.
    pub(crate) whereabouts: Option<Whereabouts>,
    /// The function of the kernel in which it waits.
    pub(crate) wait_channel: Option<String>,
    /// `None` if the kernel does not count it.
    pub(crate) times: Option<ThreadTimes>,
}

/// The times of a thread since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadTimes {
    /// On a processor.
    pub(crate) ran: Duration,
    /// Ready to run, and waiting for a processor.
    pub(crate) delayed: Duration,
}

impl ThreadState {
    /// What it does, in words.
    pub(crate) fn doing(&self) -> Option<String> {
        match self.whereabouts.as_ref()? {
            Whereabouts::Running => Some("computing".into()),
            Whereabouts::InCall(call) => Some(format!("waiting in {call}")),
            Whereabouts::InKernel => Some("waiting in the kernel, in no system call".into()),
        }
    }

    /// Whether it waits as an idle worker waits: for a lock, a condition or IO. A blocked worker can also look so.
    pub(crate) fn may_be_idle(&self) -> bool {
        const IDLE: [&str; 5] = ["futex", "futex_wait", "epoll_wait", "epoll_pwait", "epoll_pwait2"];
        match &self.whereabouts {
            Some(Whereabouts::InCall(call)) => IDLE.contains(&call.as_str()),
            Some(Whereabouts::Running | Whereabouts::InKernel) | None => false,
        }
    }

    /// Whether it waits for IO of the runtime. No blocked worker does.
    pub(crate) fn polls_io(&self) -> bool {
        matches!(&self.whereabouts, Some(Whereabouts::InCall(call)) if call.starts_with("epoll_"))
    }
}

/// The threads of this process, as files of the kernel.
#[derive(Clone, Debug)]
pub(crate) struct Threads {
    folder: PathBuf,
}

impl Threads {
    pub(crate) fn of_this_process() -> Self {
        Self { folder: "/proc/self/task".into() }
    }

    /// The ids of all threads.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub(crate) fn ids(&self) -> Result<Vec<u32>, String> {
        let entries = fs::read_dir(&self.folder)
            .map_err(|error| format!("{}: {}", self.folder.display(), error.kind()))?;
        let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        Ok(ids.collect())
    }

    /// The name of a thread. `None` if it has ended.
    pub(crate) fn name(&self, tid: u32) -> Option<String> {
        read(&self.folder.join(tid.to_string()), "comm")
    }

    /// What a thread does now. `None` if it has ended.
    pub(crate) fn state(&self, tid: u32) -> Option<ThreadState> {
        let folder = self.folder.join(tid.to_string());
        let name = read(&folder, "comm")?;
        // A thread that waits in no system call has the word `running` there, too, as long as it is not asleep.
        let whereabouts = read(&folder, "syscall").as_deref().and_then(whereabouts).or_else(|| {
            let stat = read(&folder, "stat")?;
            (letter(&stat)? == 'R').then_some(Whereabouts::Running)
        });
        let wait_channel = read(&folder, "wchan").filter(|function| !function.is_empty() && function != "0");
        let times = read(&folder, "schedstat").as_deref().and_then(times);
        Some(ThreadState { tid, name, whereabouts, wait_channel, times })
    }
}

fn read(folder: &Path, file: &str) -> Option<String> {
    let bytes = fs::read(folder.join(file)).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_end().to_owned())
}

/// Parses `syscall`: `running`, or a number with arguments; -1 is no system call (`proc(5)`).
fn whereabouts(syscall: &str) -> Option<Whereabouts> {
    let first = syscall.split_ascii_whitespace().next()?;
    match first {
        "running" => Some(Whereabouts::Running),
        "-1" => Some(Whereabouts::InKernel),
        number => {
            let number: u64 = number.parse().ok()?;
            let call = syscall_names::name(number);
            Some(Whereabouts::InCall(call.map_or_else(|| format!("system call {number}"), str::to_owned)))
        }
    }
}

/// Parses the letter of the state in `stat`. It follows the name, which may contain parentheses and spaces.
fn letter(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

/// Parses `schedstat`: nanoseconds on a processor, nanoseconds of waiting for one, and a count.
fn times(schedstat: &str) -> Option<ThreadTimes> {
    let mut numbers = schedstat.split_ascii_whitespace().map(|number| number.parse().ok());
    let mut next = || numbers.next()?.map(Duration::from_nanos);
    let times = ThreadTimes { ran: next()?, delayed: next()? };
    // Kernels without CONFIG_SCHED_INFO write zeros.
    (times != ThreadTimes::default()).then_some(times)
}

#[cfg(test)]
mod tests;
