//! The small text files in which the kernel reports numbers: `/proc`, `/sys/fs/cgroup`.
//!
//! They are read leniently on purpose. Sandboxes (gVisor), old kernels and `lxcfs` leave lines out, and one
//! missing line must not cost the others.

use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

/// Reads a whole file as text. Replaces bytes that are not UTF-8, which a process name may contain.
///
/// # Errors
///
/// If the file cannot be read. The text is the name of the file and the kind of failure:
/// `smaps_rollup: permission denied`.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Err(format!("{name}: {}", error.kind()))
        }
    }
}

/// Reads a file below the folder where `/proc` is mounted.
///
/// # Errors
///
/// Errors of [`read`]. If `/proc` as a whole is missing, the text says so.
pub(crate) fn read_proc(root: &Path, file: &str) -> Result<String, String> {
    let read = |file: &str| read(&root.join(file));
    let text = read(file);
    // After the main thread has ended, the kernel shows little of the process under `self`.
    let of_thread = || read(&format!("thread-self/{}", file.strip_prefix("self/")?)).ok();
    match text {
        Ok(text) if !text.is_empty() => Ok(text),
        text => of_thread().map_or(text, Ok).map_err(|error| proc_reason(root, || error)),
    }
}

/// A problem with `/proc` as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WithoutProc {
    pub(crate) reason: &'static str,
    pub(crate) advice: &'static str,
}

impl fmt::Display for WithoutProc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.advice)
    }
}

/// Checks whether the `/proc` mounted at `root` lacks this process, and says what to do.
pub(crate) fn without_proc(root: &Path) -> Option<WithoutProc> {
    let own = root.join("self");
    let is_missing =
        |found: io::Result<fs::Metadata>| found.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    if is_missing(fs::symlink_metadata(&own)) {
        return Some(WithoutProc {
            reason: "/proc is not mounted here",
            advice: "mount it (`mount -t proc proc /proc`; for a chroot, from outside of it: \
                     `mount --bind /proc ROOT/proc`)",
        });
    }
    is_missing(fs::metadata(&own)).then_some(WithoutProc {
        reason: "/proc belongs to another PID namespace and does not show this process",
        advice: "mount the /proc of this namespace (`mount -t proc proc /proc`)",
    })
}

/// Why the `/proc` mounted at `root` cannot be used, and what to do.
pub fn missing_proc(root: &Path) -> Option<String> {
    without_proc(root).map(|missing| missing.to_string())
}

/// The reason why a file of this process below `root` could not be read: `/proc` as a whole is missing, or else
/// `otherwise`.
pub(crate) fn proc_reason(root: &Path, otherwise: impl FnOnce() -> String) -> String {
    without_proc(root).map_or_else(otherwise, |missing| missing.to_string())
}

/// Finds the text after `key` on the first line that starts with it. A colon after the key is optional.
pub(crate) fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?;
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        rest.starts_with([' ', '\t']).then(|| rest.trim())
    })
}

/// The number that [`value`] finds for `key`: `oom_kill 3`.
///
/// # Errors
///
/// If the key is missing or has no number.
pub(crate) fn number(text: &str, key: &str) -> Result<u64, String> {
    let value = value(text, key).ok_or_else(|| format!("the kernel does not report {key}"))?;
    value.parse().map_err(|_| format!("{key} is not a number"))
}

/// The size that [`value`] finds for `key`, in bytes: `VmRSS:   5120 kB`. The kernel's `kB` are 1024 bytes.
///
/// # Errors
///
/// If the key is missing or has no size.
pub(crate) fn size(text: &str, key: &str) -> Result<u64, String> {
    let value = value(text, key).ok_or_else(|| format!("the kernel does not report {key}"))?;
    value
        .strip_suffix("kB")
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .and_then(|kib| kib.checked_mul(1024))
        .ok_or_else(|| format!("{key} is not a size in kB"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    const STATUS: &str = "Name:\tVmRSS\nVmRSSX:\t9 kB\nVmRSS:\t    5120 kB\nThreads:\t3\n";

    #[test]
    fn sizes_are_bytes() {
        assert_eq!(size(STATUS, "VmRSS"), Ok(5120 * 1024));
    }

    #[test]
    fn numbers_are_found_with_and_without_colon() {
        assert_eq!(number(STATUS, "Threads"), Ok(3));
        assert_eq!(number("high 0\noom_kill 2\n", "oom_kill"), Ok(2));
    }

    #[test]
    fn a_missing_or_odd_line_is_reported_by_its_key() {
        assert_eq!(size(STATUS, "VmSwap"), Err("the kernel does not report VmSwap".into()));
        assert_eq!(
            size("VmSwap: 18446744073709551615 kB", "VmSwap"),
            Err("VmSwap is not a size in kB".into())
        );
        assert_eq!(number("Threads:\t-\n", "Threads"), Err("Threads is not a number".into()));
    }

    #[test]
    fn without_proc_the_reason_says_what_to_mount() {
        let error = read_proc(Path::new("/nonexistent"), "self/status").unwrap_err();
        assert!(
            error.starts_with("/proc is not mounted here: mount it (`mount -t proc proc /proc`"),
            "{error}"
        );
        let tree = Tree::new([("meminfo", "MemTotal: 8 kB\n")]);
        assert_eq!(read_proc(tree.path(), "meminfo").as_deref(), Ok("MemTotal: 8 kB\n"));
    }

    #[cfg(unix)]
    #[test]
    fn a_proc_of_another_namespace_has_a_reason_of_its_own() {
        let tree = Tree::new([("meminfo", "")]);
        std::os::unix::fs::symlink("4242", tree.path().join("self")).unwrap();
        let error = read_proc(tree.path(), "self/stat").unwrap_err();
        assert!(error.starts_with("/proc belongs to another PID namespace"), "{error}");
    }

    #[test]
    fn one_missing_file_does_not_mean_that_proc_is_missing() {
        let tree = Tree::new([("self/status", "VmRSS: 8 kB\n")]);
        assert_eq!(read_proc(tree.path(), "self/smaps_rollup"), Err("smaps_rollup: entity not found".into()));
    }

    #[test]
    fn reads_the_calling_thread_after_the_main_thread_has_ended() {
        let tree = Tree::new([("self/smaps_rollup", ""), ("thread-self/smaps_rollup", "Pss: 8 kB\n")]);
        assert_eq!(read_proc(tree.path(), "self/smaps_rollup").as_deref(), Ok("Pss: 8 kB\n"));
    }

    #[test]
    fn a_missing_file_is_reported_without_its_path() {
        assert_eq!(read(Path::new("/nonexistent/secret/status")), Err("status: entity not found".into()));
    }
}
