//! How many addresses the process can still take, below `RLIMIT_AS` and `RLIMIT_DATA`.
//!
//! Memory counts against these limits when it is mapped, whether or not it was touched. In most places a failed
//! mapping ends the process, so no work may start that could reach such a limit.

use std::path::Path;

use crate::kernel_file::{self, size};

/// Bytes of addresses left below each limit. `None` if there is no limit, or the kernel does not report it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct AddressRoom {
    /// For all mapped memory (`RLIMIT_AS`).
    pub(crate) space: Option<u64>,
    /// For private writable memory (`RLIMIT_DATA`).
    pub(crate) data: Option<u64>,
}

impl AddressRoom {
    /// The room below the limit that new memory reaches first.
    pub(crate) fn of_memory(self) -> Option<u64> {
        self.space.into_iter().chain(self.data).min()
    }
}

/// Reads `self/limits` and, below a limit, `self/status`.
pub(crate) fn read_address_room(proc: &Path) -> AddressRoom {
    let Ok(limits) = kernel_file::read(&proc.join("self/limits")) else { return AddressRoom::default() };
    let (space, data) = (soft_limit(&limits, "Max address space"), soft_limit(&limits, "Max data size"));
    // Most processes have no such limit, and read nothing more.
    if space.or(data).is_none() {
        return AddressRoom::default();
    }
    let status = kernel_file::read(&proc.join("self/status")).unwrap_or_default();
    let room = |limit: Option<u64>, used| Some(limit?.saturating_sub(size(&status, used).ok()?));
    AddressRoom { space: room(space, "VmSize"), data: room(data, "VmData") }
}

/// The limit in force, in bytes. `None` if it is unlimited.
fn soft_limit(limits: &str, name: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    const STATUS: &str = "VmPeak:\t   90000 kB\nVmSize:\t   81920 kB\nVmData:\t   10240 kB\n";

    fn room(address_space: &str, data: &str) -> AddressRoom {
        let limits = format!(
            "Limit                     Soft Limit           Hard Limit           Units     \n\
             Max cpu time              unlimited            unlimited            seconds   \n\
             Max data size             {data:<20} unlimited            bytes     \n\
             Max address space         {address_space:<20} unlimited            bytes     \n"
        );
        read_address_room(Tree::new([("self/limits", &*limits), ("self/status", STATUS)]).path())
    }

    #[test]
    fn s44_the_nearest_soft_limit_counts() {
        assert_eq!(room("unlimited", "unlimited").of_memory(), None);
        assert_eq!(room("94371840", "unlimited").of_memory(), Some(10 << 20));
        assert_eq!(room("94371840", "12582912"), AddressRoom { space: Some(10 << 20), data: Some(2 << 20) });
        assert_eq!(room("94371840", "12582912").of_memory(), Some(2 << 20));
        assert_eq!(room("unlimited", "1").of_memory(), Some(0), "a limit below the current use");
    }

    #[test]
    fn without_proc_nothing_is_known() {
        assert_eq!(read_address_room(Path::new("/nonexistent")), AddressRoom::default());
        let tree = Tree::new([("self/limits", "Max address space 1 1 bytes\n")]);
        assert_eq!(read_address_room(tree.path()), AddressRoom::default());
    }
}
