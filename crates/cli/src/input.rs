//! Files that are read whole, up to a length: a mistaken path (`/dev/zero`, a disk) does not fill the memory.

use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read, stdin};
use std::path::Path;

use memory_debug_report::units::Bytes;

use crate::failure::Failure;

/// Name of standard input among paths.
const STDIN: &str = "-";

/// Whether `path` names standard input.
pub(crate) fn is_stdin(path: impl AsRef<Path>) -> bool {
    path.as_ref() == Path::new(STDIN)
}

/// Content of `path`, if it has no more than `max_bytes`. The path may name a pipe (`<(command)`), or be `-` for
/// standard input.
///
/// # Errors
///
/// If it cannot be read, is longer, or is neither a regular file nor a pipe.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let whom: &dyn std::fmt::Display = if is_stdin(path) { &"standard input" } else { &shown };
    let content = if is_stdin(path) {
        read_bounded(stdin().lock(), 0, max_bytes)
    } else {
        open(path).and_then(|file| {
            let length = file.metadata()?.len();
            read_bounded(file, length, max_bytes)
        })
    };
    content.map_err(|error| Failure::local(error.to_string()).at(whom))
}

/// Opens a regular file or a pipe.
///
/// # Errors
///
/// As opening does, and for a folder, a device or a socket.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Before it is opened, because a device may do something when it is. The file may be another one afterwards.
    require_readable(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    require_readable(&file.metadata()?)?;
    Ok(file)
}

fn require_readable(found: &Metadata) -> io::Result<()> {
    let kind = found.file_type();
    if kind.is_file() || is_pipe(kind) {
        return Ok(());
    }
    let what = if kind.is_dir() { "a folder" } else { "a device or a socket" };
    Err(io::Error::new(ErrorKind::InvalidInput, format!("is {what}; name a file or a pipe")))
}

/// `length` is what the system says, which can be less than there is.
fn read_bounded(file: impl Read, length: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    let too_long = || {
        let limit = Bytes(max_bytes);
        io::Error::new(
            ErrorKind::InvalidInput,
            format!("is longer than {limit}, which is the most that is read"),
        )
    };
    if length > max_bytes {
        return Err(too_long());
    }
    let mut content = Vec::new();
    file.take(max_bytes.saturating_add(1)).read_to_end(&mut content)?;
    if content.len() as u64 > max_bytes { Err(too_long()) } else { Ok(content) }
}

#[cfg(unix)]
fn is_pipe(kind: FileType) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&kind)
}

#[cfg(not(unix))]
fn is_pipe(_kind: FileType) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_too_long_is_refused_before_and_while_it_is_read() {
        for (length, is_refused) in [(0, false), (16, false), (17, true), (1 << 20, true)] {
            let content = vec![b'x'; length];
            assert_eq!(read_bounded(&*content, length as u64, 16).is_err(), is_refused, "{length}");
            assert_eq!(read_bounded(&*content, 0, 16).is_err(), is_refused, "{length}, as in a pipe");
        }
        let error = read_bounded(io::repeat(0), 0, 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "is longer than 1.00 MiB, which is the most that is read");
        // Not one byte of it is read.
        assert!(read_bounded(io::empty(), u64::MAX, 1 << 20).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn devices_folders_and_sockets_are_refused_and_pipes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [Path::new("/dev/zero"), Path::new("/dev/null"), Path::new("/dev/tty"), &socket] {
            let message = read(path, 1 << 20).unwrap_err().to_string();
            assert!(message.contains("is a device or a socket; name a file"), "{message}");
            assert!(message.starts_with(&path.display().to_string()), "{message}");
        }
        let message = read(folder.path(), 1 << 20).unwrap_err().to_string();
        assert!(message.ends_with("is a folder; name a file or a pipe"), "{message}");
        let message = read(&folder.path().join("missing"), 1 << 20).unwrap_err().to_string();
        assert!(message.contains("missing: No such file"), "{message}");

        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"content").unwrap();
        drop(writer);
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&reader);
        let path = format!("/dev/fd/{descriptor}");
        assert_eq!(read(Path::new(&path), 7).unwrap(), b"content");
    }
}
