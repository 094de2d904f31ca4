//! Mappings: which file each code address comes from.

use serde::{Deserialize, Serialize};

use crate::build_id::BuildId;
use crate::number::{decimal, hexadecimal};

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
    /// Path of the file when it was mapped, without the mark ` (deleted)`. Not UTF-8 bytes are replaced.
    pub path: String,
    /// Whether the file was deleted or replaced since; another file may stand at its path now.
    pub is_deleted: bool,
    /// Which program the file is, if that was read: [`HeapProfile::read_build_ids`](crate::HeapProfile::read_build_ids).
    pub build_id: Option<BuildId>,
}

impl Mapping {
    /// Whether it is the same file at the same place, as far as both know which file it is.
    pub(crate) fn agrees_with(&self, other: &Self) -> bool {
        let Self { start, end, file_offset, device, inode, path, is_deleted, build_id } = other;
        (self.start, self.end, self.file_offset, self.inode, self.is_deleted)
            == (*start, *end, *file_offset, *inode, *is_deleted)
            && (&self.device, &self.path) == (device, path)
            && self.build_id.as_ref().zip(build_id.as_ref()).is_none_or(|(known, other)| known == other)
    }

    /// Reads one line of `/proc/PID/maps`. `Ok(None)` if it is a mapping without code or without a file, `Err` with
    /// what was expected if the line is malformed.
    pub(crate) fn parse(line: &str) -> Result<Option<Self>, &'static str> {
        let mut rest = line.trim_end();
        let mut field = || {
            let text = rest.trim_start();
            let end = text.find(' ').unwrap_or(text.len());
            let (field, tail) = text.split_at(end);
            rest = tail;
            field
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
        let path = rest.trim_start();
        if permissions.as_bytes().get(2) != Some(&b'x') || !path.starts_with('/') {
            return Ok(None);
        }
        let existing = path.strip_suffix(" (deleted)");
        let (path, is_deleted) = (existing.unwrap_or(path).to_owned(), existing.is_some());
        let (device, build_id) = (device.to_owned(), None);
        Ok(Some(Self { start, end, file_offset, device, inode, path, is_deleted, build_id }))
    }

    /// The offset in the mapped file of an address; `None` if the address is elsewhere.
    pub fn file_offset_of(&self, address: u64) -> Option<u64> {
        (self.start..self.end)
            .contains(&address)
            .then(|| (address - self.start).saturating_add(self.file_offset))
    }
}

/// The one of `mappings`, which are in order, that an address lies in.
pub(crate) fn mapping_of(mappings: &[Mapping], address: u64) -> Option<&Mapping> {
    let after = mappings.partition_point(|mapping| mapping.start <= address);
    mappings[..after].last().filter(|mapping| address < mapping.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_line_is_a_mapping() {
        let line = "55e486b64000-55e486cc1000 r-xp 00061000 fe:00 1835  /srv/my app (deleted)\n";
        let mapping = Mapping::parse(line).unwrap().unwrap();
        assert_eq!((mapping.path.as_str(), mapping.is_deleted), ("/srv/my app", true));
        assert_eq!((mapping.device.as_str(), mapping.inode), ("fe:00", 1835));
        assert_eq!(mapping.file_offset_of(0x55e4_86b6_4010), Some(0x61010));
        assert_eq!(mapping.file_offset_of(mapping.end), None);
    }

    #[test]
    fn data_and_anonymous_mappings_are_no_code() {
        for line in [
            "7f00-7f10 rw-p 00000000 00:00 0 ",
            "7f00-7f10 r-xp 00000000 00:00 0  [vdso]",
            "7f00-7f10 r--p 0 fe:00 3 /lib/libc.so.6",
        ] {
            assert_eq!(Mapping::parse(line), Ok(None), "{line}");
        }
    }

    #[test]
    fn a_malformed_line_says_what_was_expected() {
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
            assert_eq!(Mapping::parse(line), Err(expected), "{line}");
        }
    }
}
