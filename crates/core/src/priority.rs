//! The priority and the processor time of our threads.

use std::time::Duration;

#[cfg(target_os = "linux")]
use std::path::Path;

#[cfg(target_os = "linux")]
use crate::seccomp::is_filtered;

/// How nice a scan is to other threads: it then gets a tenth of a processor that they keep busy.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// More than the slice that Linux gives to each thread, which is at most 3 ms.
#[cfg(target_os = "linux")]
const SLICE: Duration = Duration::from_millis(5);

/// Lowers the priority of the calling thread for good. Does nothing under a filter of system calls (seccomp): the filter
/// may end the process instead of refusing the call.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority() {
    if !is_filtered(Path::new("/proc")) {
        // With a long slice and a low priority, the thread would be preempted while it holds the lock of the mappings,
        // and release it late.
        set_slice(Duration::ZERO);
        // Linux changes the priority of the thread, and not of the process. If it refuses, the scan is less nice.
        let _ = rustix::process::setpriority_process(None, NICE);
    }
}

/// Lets other threads preempt the calling one as soon as they are ready. Without it they wait until its slice ends. From
/// Linux 6.12 on, a thread with a shorter slice does not wait, so this one asks for a longer slice. Does nothing under a
/// filter of system calls, and on older kernels.
#[cfg(target_os = "linux")]
pub(crate) fn yield_to_others() {
    if !is_filtered(Path::new("/proc")) {
        set_slice(SLICE);
    }
}

/// Sets the slice of the calling thread, 0 for the usual one. If the kernel refuses, others wait a little longer.
#[cfg(target_os = "linux")]
fn set_slice(slice: Duration) {
    if let Some(mut attributes) = attributes()
        && matches!(attributes.sched_policy.cast_signed(), libc::SCHED_OTHER | libc::SCHED_BATCH)
    {
        attributes.sched_runtime = slice.as_nanos() as u64;
        // SAFETY: sched_setattr(2) reads as many bytes as the first field says. Thread 0 is the calling one.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}

/// How the calling thread is scheduled.
#[cfg(target_os = "linux")]
fn attributes() -> Option<libc::sched_attr> {
    let size = size_of::<libc::sched_attr>();
    // SAFETY: All fields are numbers.
    let mut attributes: libc::sched_attr = unsafe { std::mem::zeroed() };
    // SAFETY: sched_getattr(2) writes at most `size` bytes. Thread 0 is the calling one.
    let result = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, size, 0) };
    (result == 0).then_some(attributes)
}

/// Processor time of the calling thread. `None` if the system does not tell.
#[cfg(target_os = "linux")]
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Some(Duration::new(u64::try_from(time.tv_sec).ok()?, u32::try_from(time.tv_nsec).ok()?))
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn lower_priority() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn yield_to_others() {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn slice_and_nice() -> Option<(u64, i32)> {
        attributes().map(|attributes| (attributes.sched_runtime, attributes.sched_nice))
    }

    #[test]
    fn a_collecting_thread_has_a_longer_slice_than_others_until_it_scans() {
        let (usual, nice) = slice_and_nice().unwrap();
        let own = crate::thread::scoped_collecting(|| {
            let collecting = slice_and_nice().unwrap();
            lower_priority();
            (collecting, slice_and_nice().unwrap())
        });
        let (collecting, scanning) = own.unwrap();
        if is_filtered(Path::new("/proc")) {
            assert_eq!((collecting, scanning), ((usual, nice), (usual, nice)));
            return;
        }
        // Before Linux 6.12, threads have no slices of their own, and the kernel says 0.
        assert!(collecting.0 > usual || usual == 0, "{collecting:?} after {usual}");
        assert_eq!((collecting.1, scanning), (nice, (usual, NICE.max(nice))));
    }
}
