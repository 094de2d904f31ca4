//! Mappings: the file that each code address comes from.

use std::borrow::Cow;
use std::io::{self, BufRead};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::build_id::BuildId;
use crate::number::{decimal, hexadecimal};
use crate::path_bytes;

/// An executable mapping of the profiled process, one line of `/proc/PID/maps` (proc_pid_maps(5)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// First address after the mapping.
    pub end: u64,
    /// Offset in the file of the byte at `start`.
    pub file_offset: u64,
    /// Device of the file as the kernel prints it, `major:minor` in hexadecimal.
    pub device: String,
    /// Inode of the file; 0 if the mapping has no file.
    pub inode: u64,
    /// Path of the file, byte for byte, without the mark ` (deleted)`. For code without a file, the kernel's name for
    /// it (`[vdso]`), or empty.
    ///
    /// In the kernel's text, a line break in a name looks like the four characters `\012`, and a name can end like
    /// the mark. In both cases the first meaning is assumed.
    #[serde(with = "path_bytes")]
    pub path: PathBuf,
    /// Whether the kernel marks the file as deleted or replaced. Another file may be at its path now.
    pub is_deleted: bool,
    /// Whether the code belongs to the program itself, not to a library.
    #[serde(default)]
    pub is_program: bool,
    /// Identity of the file, if it was read with [`HeapProfile::read_build_ids`](crate::HeapProfile::read_build_ids).
    pub build_id: Option<BuildId>,
}

impl Mapping {
    /// Reads the executable mappings in `/proc/PID/maps`, by ascending address. Skips lines that it does not
    /// understand, because sandboxes have some.
    ///
    /// The file does not say which mappings are the program's. The caller sets [`is_program`](Self::is_program).
    ///
    /// # Errors
    ///
    /// If reading fails.
    pub fn read_all(maps: impl BufRead) -> io::Result<Vec<Self>> {
        let mut mappings = Vec::new();
        for line in maps.split(b'\n') {
            mappings.extend(Self::parse(&line?).ok().flatten());
        }
        mappings.sort_by_key(|mapping| mapping.start);
        Ok(mappings)
    }

    /// Whether the code comes from a file. The kernel's own code, and code generated at run time, does not.
    pub fn has_file(&self) -> bool {
        self.path.has_root()
    }

    /// Whether both mappings are parts of one file at one place in memory. They can begin and end differently.
    pub fn is_of_same_object(&self, other: &Self) -> bool {
        let origin = |mapping: &Self| mapping.start.wrapping_sub(mapping.file_offset);
        self.is_of_same_file(other) && (!self.has_file() || origin(self) == origin(other))
    }

    /// Whether both mappings are parts of one file, as far as both identify their file.
    pub(crate) fn is_of_same_file(&self, other: &Self) -> bool {
        (self.inode, self.is_deleted) == (other.inode, other.is_deleted)
            && (&self.device, &self.path) == (&other.device, &other.path)
            && self.build_id.as_ref().zip(other.build_id.as_ref()).is_none_or(|(known, other)| known == other)
    }

    /// Whether both mappings have the same file at the same place, as far as both identify their file.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        (self.start, self.end, self.file_offset, self.is_program)
            == (other.start, other.end, other.file_offset, other.is_program)
            && self.is_of_same_file(other)
    }

    /// The name of the file without its folders, for people.
    pub fn file_name(&self) -> Cow<'_, str> {
        path_bytes::file_name(&self.path)
    }

    /// Parses one line of `/proc/PID/maps`. `Ok(None)` is a mapping without code, `Err` names what was expected in a
    /// malformed line.
    pub(crate) fn parse(line: &[u8]) -> Result<Option<Self>, &'static str> {
        let mut rest = line.strip_suffix(b"\n").unwrap_or(line);
        let mut field = || {
            let text = rest.trim_ascii_start();
            let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
            let (field, tail) = text.split_at(end);
            rest = tail;
            str::from_utf8(field).unwrap_or_default()
        };
        let (range, permissions, offset, device, inode) = (field(), field(), field(), field(), field());
        let (start, end) = range.split_once('-').ok_or("an address range")?;
        let start = hexadecimal(start).ok_or("a hexadecimal start address")?;
        let end = hexadecimal(end).ok_or("a hexadecimal end address")?;
        let file_offset = hexadecimal(offset).ok_or("a hexadecimal file offset")?;
        let inode = decimal(inode).ok_or("an inode number")?;
        if end < start {
            return Err("an end address above the start address");
        }
        if permissions.as_bytes().get(2) != Some(&b'x') {
            return Ok(None);
        }
        let path = rest.trim_ascii_start();
        let existing = path.strip_suffix(DELETED).filter(|path| path.starts_with(b"/"));
        let path = path_bytes::replaced(existing.unwrap_or(path), ESCAPED_LINE_BREAK, b"\n");
        Ok(Some(Self {
            start,
            end,
            file_offset,
            device: device.to_owned(),
            inode,
            path: path_bytes::path_of(&path),
            is_deleted: existing.is_some(),
            is_program: false,
            build_id: None,
        }))
    }

    /// Formats the mapping as a line of `/proc/PID/maps`.
    pub(crate) fn line(&self) -> Vec<u8> {
        let Self { start, end, file_offset, device, inode, path, is_deleted, is_program: _, build_id: _ } =
            self;
        let device = device.replace(['\n', ' '], "");
        let mut line = format!("{start:x}-{end:x} r-xp {file_offset:08x} {device} {inode} ").into_bytes();
        line.extend(path_bytes::replaced(&path_bytes::bytes_of(path), b"\n", ESCAPED_LINE_BREAK));
        line.extend_from_slice(if *is_deleted { DELETED } else { b"" });
        line.push(b'\n');
        line
    }

    /// The offset of an address in the mapped file. `None` if the address is outside of the mapping.
    pub fn file_offset_of(&self, address: u64) -> Option<u64> {
        (self.start..self.end)
            .contains(&address)
            .then(|| (address - self.start).saturating_add(self.file_offset))
    }
}

/// How the kernel marks the path of a file that was deleted or replaced (`d_path` in fs/d_path.c).
const DELETED: &[u8] = b" (deleted)";

/// How the kernel writes a line break in a path. It escapes no other byte (`show_map_vma` in fs/proc/task_mmu.c).
const ESCAPED_LINE_BREAK: &[u8] = b"\\012";

/// Marks the mappings of the lowest file as the program's. This is a guess, because dumps do not name the program.
/// The kernel maps a program below its libraries, unless the program was started through the dynamic linker.
pub(crate) fn guess_program(mappings: &mut [Mapping]) {
    let lowest = mappings.iter().find(|mapping| mapping.has_file()).cloned();
    for mapping in mappings {
        mapping.is_program = lowest.as_ref().is_some_and(|lowest| lowest.is_of_same_file(mapping));
    }
}

/// The mapping that contains an address. `mappings` must be in ascending order.
pub(crate) fn mapping_of(mappings: &[Mapping], address: u64) -> Option<&Mapping> {
    let after = mappings.partition_point(|mapping| mapping.start <= address);
    mappings[..after].last().filter(|mapping| address < mapping.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: impl AsRef<[u8]>) -> Mapping {
        Mapping::parse(line.as_ref()).unwrap().unwrap()
    }

    #[test]
    fn reads_executable_line() {
        let line = "55e486b64000-55e486cc1000 r-xp 00061000 fe:00 1835  /srv/my app (deleted)\n";
        let mapping = parsed(line);
        assert_eq!((mapping.path.to_str(), mapping.is_deleted), (Some("/srv/my app"), true));
        assert_eq!((mapping.device.as_str(), mapping.inode), ("fe:00", 1835));
        assert_eq!(mapping.file_offset_of(0x55e4_86b6_4010), Some(0x61010));
        assert_eq!(mapping.file_offset_of(mapping.end), None);
    }

    #[cfg(unix)]
    #[test]
    fn keeps_the_bytes_of_a_path() {
        use std::os::unix::ffi::OsStrExt;

        for (text, path, is_deleted) in [
            (&b"/srv/caf\xe9/svc"[..], &b"/srv/caf\xe9/svc"[..], false),
            (b"/srv/a\\012b/svc", b"/srv/a\nb/svc", false),
            (b"/srv/svc ", b"/srv/svc ", false),
            (b"/srv/two  spaces\tand a tab", b"/srv/two  spaces\tand a tab", false),
            (b"/srv/svc (deleted)", b"/srv/svc", true),
            (b"/srv/svc (deleted) (deleted)", b"/srv/svc (deleted)", true),
            (b"/srv/\xff\xfe (deleted)", b"/srv/\xff\xfe", true),
            (b"[vdso]", b"[vdso]", false),
            (b"", b"", false),
        ] {
            let mapping = parsed([b"1000-2000 r-xp 0 fe:00 9  ", text, b"\n"].concat());
            assert_eq!((mapping.path.as_os_str().as_bytes(), mapping.is_deleted), (path, is_deleted));
            assert_eq!(mapping.has_file(), path.starts_with(b"/"));
            assert_eq!(parsed(mapping.line()), mapping);
        }
    }

    #[test]
    fn ignores_mappings_without_code() {
        for line in ["7f00-7f10 rw-p 00000000 00:00 0 ", "7f00-7f10 r--p 0 fe:00 3 /lib/libc.so.6"] {
            assert_eq!(Mapping::parse(line.as_bytes()), Ok(None), "{line}");
        }
    }

    #[test]
    fn error_says_what_was_expected() {
        for (line, expected) in [
            ("", "an address range"),
            ("x-y r-xp 0 0 0 /a", "a hexadecimal start address"),
            ("2-1 r-xp 0 0 0 /a", "an end address above the start address"),
            ("1-2 r-xp 0 0 x /a", "an inode number"),
            ("+1-2 r-xp 0 0 3 /a", "a hexadecimal start address"),
            ("1-+2 r-xp 0 0 3 /a", "a hexadecimal end address"),
            ("1-2 r-xp +0 0 3 /a", "a hexadecimal file offset"),
            ("1-2 r-xp 0 0 +3 /a", "an inode number"),
        ] {
            assert_eq!(Mapping::parse(line.as_bytes()), Err(expected), "{line}");
        }
    }

    #[test]
    fn reads_lines_with_code_in_order() {
        let maps =
            "3000-4000 r-xp 0 fe:00 9 /srv/b\nnoise\n5000-6000 rw-p 0 0:0 0\n1000-2000 r-xp 0 fe:00 8 /srv/a";
        let paths = Mapping::read_all(maps.as_bytes()).unwrap();
        let paths: Vec<_> = paths.iter().map(|mapping| mapping.file_name()).collect();
        assert_eq!(paths, ["a", "b"]);
    }

    #[test]
    fn parts_of_one_file_at_one_place_are_one_object() {
        let first = parsed("1000-2000 r-xp 0 fe:00 9 /srv/a");
        assert!(first.is_of_same_object(&parsed("1800-2000 r-xp 800 fe:00 9 /srv/a")), "a part");
        assert!(!first.is_of_same_object(&parsed("1000-2000 r-xp 800 fe:00 9 /srv/a")), "at another place");
        assert!(
            !first.is_of_same_object(&parsed("1000-2000 r-xp 0 fe:00 8 /srv/a")),
            "another file of that name"
        );
    }

    #[test]
    fn guesses_the_lowest_file_as_the_program() {
        let lines = [
            "500-600 r-xp 0 0:0 0",
            "1000-2000 r-xp 0 fe:00 9 /a",
            "3000-4000 r-xp 0 fe:00 8 /b",
            "5000-6000 r-xp 0 fe:00 9 /a",
        ];
        let mut mappings = lines.map(parsed);
        guess_program(&mut mappings);
        assert_eq!(mappings.map(|mapping| mapping.is_program), [false, true, false, true]);
    }
}
