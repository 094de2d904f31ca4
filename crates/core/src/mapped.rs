//! Read-only files in memory.

use std::io;
use std::ops::Deref;
use std::path::Path;

use memmap2::Mmap;

use crate::regular_file::open_regular_file;

/// A file whose bytes are read from the page cache as they are touched, not copied.
///
/// Used for executables and shared libraries: of hundreds of megabytes a lookup touches a few pages.
#[derive(Debug)]
pub(crate) struct MappedFile(Option<Mmap>);

impl MappedFile {
    /// Maps the file at `path`, privately and read-only.
    ///
    /// # Errors
    ///
    /// As opening and mapping do, and if it is anything but a regular file. An empty file is no error, although the
    /// kernel will not map one.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = open_regular_file(path)?;
        if file.metadata()?.len() == 0 {
            return Ok(Self(None));
        }
        // SAFETY: nobody in this process writes to the files given here. Another process that *truncates* a mapped
        // file makes touching the lost pages raise SIGBUS; that risk is taken because the files are the running
        // program, which the kernel protects from writing (ETXTBSY), and its libraries, which installers replace by
        // renaming, not by truncating. Bytes that change in place are parsed as untrusted input anyway.
        let map = unsafe { Mmap::map(&file) }?;
        Ok(Self(Some(map)))
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
    fn what_is_no_regular_file_is_refused() {
        let error = MappedFile::open(Path::new("/dev/null")).unwrap_err();
        assert_eq!(error.to_string(), "it is a device, not a regular file");
        assert_eq!(MappedFile::open(Path::new("/")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
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
