//! Memory of the machine.

use std::path::Path;

use memory_debug_report::{MachineMemory, Unavailable};

use crate::kernel_file::{self, size};

/// Reads `meminfo` below `proc`.
pub(crate) fn read_machine(proc: &Path, unavailable: &mut Unavailable) -> Option<MachineMemory> {
    let meminfo = unavailable.keep("machine", kernel_file::read_proc(proc, "meminfo"))?;
    let mut read = |name: &str, key| unavailable.keep(&format!("machine.{name}"), size(&meminfo, key));
    let mut machine = MachineMemory::default();
    machine.total_bytes = read("total_bytes", "MemTotal");
    machine.available_bytes = read("available_bytes", "MemAvailable");
    Some(machine)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    fn read(tree: &Tree) -> (Option<MachineMemory>, Unavailable) {
        let mut unavailable = Unavailable::default();
        (read_machine(tree.path(), &mut unavailable), unavailable)
    }

    #[test]
    fn reads_total_and_available_memory() {
        let (machine, unavailable) =
            read(&Tree::new([("meminfo", "MemTotal:  24684092 kB\nMemFree: 1 kB\nMemAvailable: 20 kB\n")]));
        let mut expected = MachineMemory::default();
        expected.total_bytes = Some(24_684_092 << 10);
        expected.available_bytes = Some(20 << 10);
        assert_eq!(machine, Some(expected));
        assert!(unavailable.is_empty());
    }

    #[test]
    fn an_old_kernel_lacks_one_number_and_another_system_lacks_both() {
        let (machine, unavailable) = read(&Tree::new([("meminfo", "MemTotal: 8 kB\nMemFree: 4 kB\n")]));
        assert_eq!(machine.and_then(|machine| machine.available_bytes), None);
        assert_eq!(
            unavailable.get("machine.available_bytes"),
            Some("the kernel does not report MemAvailable")
        );
        let (machine, unavailable) = read(&Tree::new([("self/stat", "")]));
        assert_eq!(machine, None);
        assert_eq!(unavailable.iter().collect::<Vec<_>>(), [("machine", "meminfo: entity not found")]);
        let (_, unavailable) = read(&Tree::new([]));
        assert!(unavailable.get("machine").unwrap().starts_with("/proc is not mounted here"));
    }
}
