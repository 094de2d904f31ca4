//! The priority and the processor time of a scanning thread.

use std::time::Duration;

#[cfg(target_os = "linux")]
use super::reader::is_filtered;

/// How nice a scan is to other threads: it then gets a tenth of a processor that they keep busy.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// Lowers the priority of the calling thread for good. Does nothing under a filter of system calls (seccomp): the filter
/// may end the process instead of refusing the call.
#[cfg(target_os = "linux")]
pub(crate) fn lower_priority() {
    if !is_filtered(std::path::Path::new("/proc")) {
        // Linux changes the priority of the thread, and not of the process. If it refuses, the scan is less nice.
        let _ = rustix::process::setpriority_process(None, NICE);
    }
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
pub(crate) fn thread_cpu_time() -> Option<Duration> {
    None
}
