//! The threads of this process, and how far their stacks are in use.

use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::kernel_file;

/// A thread of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Thread {
    /// The kernel's number of the thread.
    pub(super) id: u32,
    /// Its name, at most 15 bytes.
    pub(super) name: String,
    /// Where its stack ends now: everything from here on upwards is in use. `None` if it ran each time that the kernel was
    /// asked.
    pub(super) stack_pointer: Option<u64>,
}

/// How often a running thread is asked about again, and after which pause.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_micros(200);

/// Bytes below the stack pointer that a function may use without moving it (System V ABI of x86-64, "red zone").
const RED_ZONE: u64 = 128;

/// Reads all threads. `root` is the folder where `/proc` is mounted. The calling thread, `own`, has no stack pointer: it
/// runs whenever the kernel is asked.
///
/// # Errors
///
/// If they could not be listed. The message says why.
pub(super) fn read(root: &Path, own: u32) -> Result<Vec<Thread>, String> {
    let folder = root.join("self/task");
    let entries = std::fs::read_dir(&folder).map_err(|error| {
        kernel_file::proc_reason(root, || format!("the threads could not be listed: {}", error.kind()))
    })?;
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut threads: Vec<Thread> = ids
        .map(|id| {
            let name = kernel_file::read(&folder.join(format!("{id}/comm"))).unwrap_or_default();
            Thread { id, name: name.trim_end_matches('\n').to_owned(), stack_pointer: None }
        })
        .collect();
    // The list is in no order.
    threads.sort_unstable_by_key(|thread| thread.id);
    for attempt in 0..TRIES {
        let is_open = |thread: &Thread| thread.stack_pointer.is_none() && thread.id != own;
        for thread in threads.iter_mut().filter(|thread| is_open(thread)) {
            let text = kernel_file::read(&folder.join(format!("{}/syscall", thread.id)));
            thread.stack_pointer = text.ok().as_deref().and_then(stack_pointer);
        }
        if !threads.iter().any(is_open) {
            break;
        }
        if attempt + 1 < TRIES {
            thread::sleep(PAUSE);
        }
    }
    Ok(threads)
}

/// Parses `232 0x5 … 0x7ffd1000 0x7f12` or `-1 0x7ffd1000 0x7f12` (proc_pid_syscall(5)). The stack pointer is the last but
/// one. A thread that runs has the text `running`.
fn stack_pointer(text: &str) -> Option<u64> {
    let mut fields = text.split_whitespace().rev();
    let pointer = fields.nth(1)?.strip_prefix("0x")?;
    fields.next()?;
    u64::from_str_radix(pointer, 16).ok()?.checked_sub(RED_ZONE)
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::process::Tree;

    #[test]
    fn a_waiting_thread_has_a_stack_pointer_and_a_running_one_has_none() {
        let in_call = "232 0x5 0x7f00 0x400 0xffffffff 0x0 0x0 0x7ffd1080 0x7f12\n";
        assert_eq!(stack_pointer(in_call), Some(0x7ffd_1000));
        assert_eq!(stack_pointer("-1 0x7ffd1080 0x7f12\n"), Some(0x7ffd_1000));
        for text in ["running\n", "", "0x7ffd1080 0x7f12", "1 x 0x5", "-1 0x10 0x7f12"] {
            assert_eq!(stack_pointer(text), None, "{text}");
        }
    }

    #[test]
    fn threads_are_in_order_with_their_names() {
        let tree = Tree::new([
            ("self/task/12/comm", "worker\n"),
            ("self/task/12/syscall", "running\n"),
            ("self/task/7/comm", "main\n"),
            ("self/task/7/syscall", "-1 0x1080 0x2\n"),
        ]);
        let threads = read(tree.path(), 0).unwrap();
        let expected = [(7, "main", Some(0x1000)), (12, "worker", None)];
        let found: Vec<_> =
            threads.iter().map(|thread| (thread.id, &*thread.name, thread.stack_pointer)).collect();
        assert_eq!(found, expected);
        let error = read(Path::new("/nonexistent"), 0).unwrap_err();
        assert!(error.starts_with("/proc is not mounted here"), "{error}");
    }

    #[test]
    fn the_stack_of_a_waiting_thread_is_in_use_above_its_stack_pointer() {
        let (begun, ended) = (Barrier::new(2), Barrier::new(2));
        thread::scope(|scope| {
            let wait = || {
                let local = std::hint::black_box(5_u64);
                begun.wait();
                ended.wait();
                (&raw const local) as u64
            };
            let handle =
                thread::Builder::new().name("waits-for-test".into()).spawn_scoped(scope, wait).unwrap();
            begun.wait();
            // Until it sleeps, the thread may still run.
            let pointer = loop {
                let threads = read(Path::new("/proc"), 0).unwrap();
                let found = threads.into_iter().find(|thread| thread.name == "waits-for-test").unwrap();
                if let Some(pointer) = found.stack_pointer {
                    break pointer;
                }
            };
            ended.wait();
            let address = handle.join().unwrap();
            assert!(pointer.abs_diff(address) < 1 << 20, "{pointer:x} {address:x}");
        });
    }
}
