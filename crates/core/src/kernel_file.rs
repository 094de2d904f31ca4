//! The small text files in which the kernel tells numbers: `/proc`, `/sys/fs/cgroup`.
//!
//! Read leniently on purpose: sandboxes (gVisor), old kernels and `lxcfs` leave lines out, and one missing line must
//! not cost the others.

use std::fs;
use std::path::Path;

/// The whole file as text. Bytes that are not UTF-8 (a process may name itself so) are replaced.
///
/// # Errors
///
/// `smaps_rollup: permission denied`: the file's name and the kind of failure, no path.
pub(crate) fn read(path: &Path) -> Result<String, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            Err(format!("{name}: {}", error.kind()))
        }
    }
}

/// What follows `key` on the first line that starts with it; a colon after the key is optional.
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
/// Names the key that is missing or has no number.
pub(crate) fn number(text: &str, key: &str) -> Result<u64, String> {
    let value = value(text, key).ok_or_else(|| format!("the kernel does not tell {key}"))?;
    value.parse().map_err(|_| format!("{key} is not a number"))
}

/// The size that [`value`] finds for `key`, in bytes: `VmRSS:   5120 kB`. The kernel's `kB` are 1024 bytes.
///
/// # Errors
///
/// Names the key that is missing or has no size.
pub(crate) fn size(text: &str, key: &str) -> Result<u64, String> {
    let value = value(text, key).ok_or_else(|| format!("the kernel does not tell {key}"))?;
    value
        .strip_suffix("kB")
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .and_then(|kib| kib.checked_mul(1024))
        .ok_or_else(|| format!("{key} is not a size in kB"))
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_missing_or_odd_line_is_told_by_its_key() {
        assert_eq!(size(STATUS, "VmSwap"), Err("the kernel does not tell VmSwap".into()));
        assert_eq!(
            size("VmSwap: 18446744073709551615 kB", "VmSwap"),
            Err("VmSwap is not a size in kB".into())
        );
        assert_eq!(number("Threads:\t-\n", "Threads"), Err("Threads is not a number".into()));
    }

    #[test]
    fn a_missing_file_is_told_without_its_path() {
        assert_eq!(read(Path::new("/nonexistent/secret/status")), Err("status: entity not found".into()));
    }
}
