//! Read-only files in memory.

use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::process::read_address_room;
use crate::regular_file::open_regular_file;

/// A file whose bytes are read from the page cache as they are used, not copied.
///
/// Used for executables and shared libraries. A lookup in hundreds of megabytes touches a few pages.
#[derive(Debug)]
pub(crate) struct MappedFile(Option<Mmap>);

impl MappedFile {
    /// Maps the file at `path`, privately and read-only.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened or mapped, or is not a regular file. An empty file is allowed, although the
    /// kernel does not map one.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = open_regular_file(path)?;
        let length = file.metadata()?.len();
        if length == 0 {
            return Ok(Self(None));
        }
        require_addresses(read_address_room(Path::new("/proc")).space, length)?;
        // SAFETY: nothing in this process writes to the files given here. If another process *truncates* a
        // mapped file, touching the lost pages raises SIGBUS. That risk is accepted because the files are the
        // running program, which the kernel protects from writing (ETXTBSY), and its libraries, which installers
        // replace by renaming and not by truncating. Bytes that change in place are parsed as untrusted input
        // anyway.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self(Some(map)))
    }
}

/// Bytes of address space that mapped files leave free for everything else.
const SPARED_BYTES: u64 = 64 << 20;

/// Refuses a file that would take addresses that the rest of a collection needs. Better no symbols than no process.
fn require_addresses(room: Option<u64>, length: u64) -> io::Result<()> {
    match room {
        Some(room) if room < length.saturating_add(SPARED_BYTES) => {
            Err(io::Error::new(io::ErrorKind::OutOfMemory, "too few addresses are left (`ulimit -v`)"))
        }
        _ => Ok(()),
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_the_bytes_of_the_file() {
        let map = MappedFile::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/mapped.rs")).unwrap();
        assert!(map.starts_with(b"//! Read-only files in memory."));
    }

    #[test]
    fn refuses_a_file_that_is_not_regular() {
        let error = MappedFile::open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.to_string(), "it is a device, not a regular file");
        assert_eq!(MappedFile::open(Path::new("/")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn s44_does_not_map_a_file_that_would_leave_too_few_addresses() {
        assert!(require_addresses(None, u64::MAX).is_ok());
        assert!(require_addresses(Some(SPARED_BYTES + 9), 9).is_ok());
        let error = require_addresses(Some(SPARED_BYTES + 8), 9).unwrap_err();
        assert_eq!(error.to_string(), "too few addresses are left (`ulimit -v`)");
    }

    #[test]
    fn an_empty_file_is_an_empty_slice() {
        let path = std::env::temp_dir().join(format!("memory-debug-empty-{}", std::process::id()));
        std::fs::File::create(&path).unwrap();
        let map = MappedFile::open(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(&*map, b"");
    }
}
