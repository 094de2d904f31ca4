//! Filters of system calls.

use std::path::Path;

use crate::kernel_file;

/// Whether the thread's system calls pass a filter (`Seccomp: 2`, proc_pid_status(5)). Unknown counts as no: kernels
/// without filters do not show the line. `root` is the folder where `/proc` is mounted.
pub(crate) fn is_filtered(root: &Path) -> bool {
    let status = kernel_file::read_proc(root, "thread-self/status")
        .or_else(|_| kernel_file::read_proc(root, "self/status"))
        .unwrap_or_default();
    kernel_file::number(&status, "Seccomp").is_ok_and(|mode| mode != 0)
}
