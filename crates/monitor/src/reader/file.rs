//! Small text files of the kernel, read into a buffer that is there already.

use std::ffi::CString;
use std::fmt;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, RawDir};
use rustix::io::Errno;

/// A file, by a path that is ready for the kernel.
#[derive(Debug)]
pub(crate) struct KernelFile {
    path: CString,
    name: &'static str,
}

impl KernelFile {
    pub(crate) fn new(folder: &Path, name: &'static str) -> Self {
        let path = folder.join(name);
        // No path of the kernel has a NUL. An empty path does not exist, which is then the reason.
        Self { path: CString::new(path.as_os_str().as_bytes()).unwrap_or_default(), name }
    }

    /// Reads the file, as far as the buffer goes.
    pub(crate) fn read<'b>(&self, buffer: &'b mut [u8]) -> Result<&'b [u8], Failed> {
        let failed = |errno| Failed { file: self.name, why: Why::System(errno) };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let file = rustix::fs::open(self.path.as_c_str(), flags, Mode::empty()).map_err(failed)?;
        let mut length = 0;
        while length < buffer.len() {
            let read = rustix::io::retry_on_intr(|| rustix::io::read(&file, &mut buffer[length..]));
            match read.map_err(failed)? {
                0 => break,
                bytes => length += bytes,
            }
        }
        Ok(&buffer[..length])
    }
}

/// Counts the entries of a folder, without the descriptor that reads it.
pub(super) fn count_entries(folder: &KernelFile) -> Result<u64, Failed> {
    let failed = |errno| Failed { file: folder.name, why: Why::System(errno) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder.path.as_c_str(), flags, Mode::empty()).map_err(failed)?;
    let mut entries = [MaybeUninit::uninit(); 2048];
    let mut entries = RawDir::new(opened, &mut entries);
    let mut count = 0_u64;
    while let Some(entry) = entries.next() {
        count += u64::from(!entry.map_err(failed)?.file_name().to_bytes().starts_with(b"."));
    }
    Ok(count.saturating_sub(1))
}

/// Why a number could not be read. It needs no heap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    file: &'static str,
    why: Why,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    NotRead,
    System(Errno),
    Odd,
}

impl Failed {
    pub(crate) const NOT_READ: Self = Self { file: "", why: Why::NotRead };

    /// Whether the file does not exist.
    pub(super) fn is_missing(self) -> bool {
        self.why == Why::System(Errno::NOENT)
    }

    /// The file was read, but it does not have what was expected.
    pub(crate) const fn odd(file: &'static str) -> Self {
        Self { file, why: Why::Odd }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.why {
            Why::NotRead => f.write_str("it was not read yet"),
            Why::System(errno) => write!(f, "{}: {}", self.file, io::Error::from(errno).kind()),
            Why::Odd => write!(f, "{} has no such number", self.file),
        }
    }
}

/// The number at `index` of a line of numbers. White space before and after it is fine, and nothing else.
pub(super) fn field(line: &[u8], index: usize) -> Option<u64> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let digits = fields.nth(index)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The number after `key` on the line that begins with it: `oom_kill 3`, `Threads:\t3`.
pub(super) fn number(text: &[u8], key: &str, file: &'static str) -> Result<u64, Failed> {
    let lines = text.split(|byte| *byte == b'\n');
    let value = lines.filter_map(|line| line.strip_prefix(key.as_bytes())).find_map(|rest| {
        let rest = rest.strip_prefix(b":").unwrap_or(rest);
        rest.first().is_some_and(u8::is_ascii_whitespace).then(|| field(rest, 0))
    });
    value.flatten().ok_or(Failed::odd(file))
}

/// The size after `key`, in bytes: `Private_Dirty:  2500 kB`. The kernel's `kB` are 1024 bytes.
pub(super) fn size(text: &[u8], key: &str, file: &'static str) -> Result<u64, Failed> {
    number(text, key, file)?.checked_mul(1024).ok_or(Failed::odd(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_their_whole_key() {
        let text = b"oom 1\noom_kill 2\noom_group_kill 3\nThreads:\t4\n";
        let number = |key| number(text, key, "memory.events");
        assert_eq!((number("oom"), number("oom_kill"), number("Threads")), (Ok(1), Ok(2), Ok(4)));
        assert_eq!(number("max"), Err(Failed::odd("memory.events")));
        assert_eq!(super::number(b"max -\n", "max", "x"), Err(Failed::odd("x")));
    }

    #[test]
    fn sizes_are_bytes_and_never_overflow() {
        assert_eq!(size(b"PssX:   5 kB\n", "Pss", "x"), Err(Failed::odd("x")));
        assert_eq!(size(b"Pss:   5 kB\n", "Pss", "x"), Ok(5120));
        assert!(size(b"Pss: 18446744073709551615 kB\n", "Pss", "x").is_err());
    }

    #[test]
    fn a_missing_file_and_a_path_with_nul_have_a_reason() {
        for folder in ["/nonexistent", "/a\0b"] {
            let failed = KernelFile::new(Path::new(folder), "statm").read(&mut [0; 8]).unwrap_err();
            assert_eq!(failed.to_string(), "statm: entity not found");
        }
    }

    #[test]
    fn this_process_has_open_files() {
        let folder = KernelFile::new(Path::new("/proc/self"), "fd");
        let before = count_entries(&folder).unwrap();
        let files = [(); 3].map(|()| std::fs::File::open("/dev/null").unwrap());
        // Other tests open files, too.
        assert!(before >= 2 && files.len() == 3);
    }
}
