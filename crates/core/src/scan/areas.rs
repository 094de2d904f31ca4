//! The memory areas of this process, as the kernel lists them.

use std::path::Path;

use crate::kernel_file;

/// An area of memory with the same rights: a line of `/proc/self/maps` (proc_pid_maps(5)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    /// First address.
    pub(super) start: u64,
    /// First address after the area.
    pub(super) end: u64,
    /// Whether it can be read and written, and is not shared with other processes.
    pub(super) is_private_data: bool,
    /// What it belongs to.
    pub(super) kind: AreaKind,
}

/// What an area belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AreaKind {
    /// Memory without a file.
    Anonymous,
    /// The part that `brk` grows, in which C code allocates.
    CHeap,
    /// The stack of the main thread.
    MainStack,
    /// A file, or something of the kernel.
    Other,
}

/// Reads all areas in ascending order. `root` is the folder where `/proc` is mounted.
///
/// # Errors
///
/// If the list could not be read. The message says why.
pub(super) fn read(root: &Path) -> Result<Vec<Area>, String> {
    let text = kernel_file::read_proc(root, "self/maps")?;
    let mut areas: Vec<Area> = text.lines().filter_map(parse).collect();
    // The kernel sorts them, but a sandbox need not.
    areas.sort_unstable_by_key(|area| area.start);
    Ok(areas)
}

/// Parses `55d0c000-55d0e000 rw-p 0001f000 fe:01 123   /path`. The name is the rest of the line, and can have blanks.
fn parse(line: &str) -> Option<Area> {
    let mut fields = line.splitn(6, ' ');
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?;
    let inode = fields.nth(2)?;
    let name = fields.next().unwrap_or_default().trim_start();
    let kind = match name {
        "[heap]" => AreaKind::CHeap,
        "[stack]" => AreaKind::MainStack,
        // A program can name anonymous memory (`PR_SET_VMA_ANON_NAME`).
        _ if inode == "0" && (name.is_empty() || name.starts_with("[anon:")) => AreaKind::Anonymous,
        _ => AreaKind::Other,
    };
    Some(Area {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        is_private_data: rights.starts_with("rw") && rights.ends_with('p'),
        kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    #[test]
    fn reads_areas_with_and_without_files_in_order() {
        let text = "7000-8000 rw-p 00000000 00:00 0 \n1000-2000 r-xp 00000000 fe:01 12   /srv/a b\n\
                    2000-3000 rw-p 00001000 fe:01 12    /srv/a b\nnonsense\n\
                    4000-5000 rw-p 00000000 00:00 0    [heap]\n5000-6000 ---p 00000000 00:00 0 \n\
                    8000-9000 rw-p 00000000 00:00 0    [anon:pool]\n9000-a000 rw-s 00000000 00:05 4    /dev/zero\n\
                    a000-b000 rw-p 00000000 00:00 0    [stack]\n";
        let tree = Tree::new([("self/maps", text)]);
        let areas = read(tree.path()).unwrap();
        let found: Vec<_> = areas.iter().map(|area| (area.start, area.is_private_data, area.kind)).collect();
        use AreaKind::*;
        let expected = [
            (0x1000, false, Other),
            (0x2000, true, Other),
            (0x4000, true, CHeap),
            (0x5000, false, Anonymous),
            (0x7000, true, Anonymous),
            (0x8000, true, Anonymous),
            (0x9000, false, Other),
            (0xa000, true, MainStack),
        ];
        assert_eq!(found, expected);
        assert_eq!(areas[0].end, 0x2000);
    }

    #[test]
    fn without_proc_there_is_a_reason() {
        assert!(read(Path::new("/nonexistent")).unwrap_err().starts_with("/proc is not mounted here"));
    }
}
