//! Reads whole files up to a bound, so that a mistaken path (`/dev/zero`, a disk) does not fill the memory.

use std::fs::{File, FileType, Metadata};
use std::io::{self, ErrorKind, Read, stdin};
use std::path::Path;

use memory_debug_report::units::Bytes;

use crate::failure::Failure;

/// The path that stands for standard input.
const STDIN: &str = "-";

/// Whether `path` stands for standard input.
pub(crate) fn is_stdin(path: impl AsRef<Path>) -> bool {
    path.as_ref() == Path::new(STDIN)
}

/// Reads the content of `path`, at most `max_bytes`. The path may name a pipe (`<(command)`), or be `-` for standard
/// input.
///
/// # Errors
///
/// If the file cannot be read, is longer, or is neither a regular file nor a pipe.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let name: &dyn std::fmt::Display = if is_stdin(path) { &"standard input" } else { &shown };
    let content = if is_stdin(path) {
        read_bounded(stdin().lock(), 0, max_bytes)
    } else {
        open(path).and_then(|file| {
            let length = file.metadata()?.len();
            read_bounded(file, length, max_bytes)
        })
    };
    content.map_err(|error| Failure::local(error.to_string()).at(name))
}

/// Opens a regular file or a pipe.
///
/// # Errors
///
/// If the file cannot be opened, or is a folder, a device or a socket.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    // Check before opening, because opening a device may have an effect. Check again afterwards, because the path may
    // name another file by then.
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

/// `length` is the length that the system reports. The file can be longer.
fn read_bounded(file: impl Read, length: u64, max_bytes: u64) -> io::Result<Vec<u8>> {
    let too_long = || {
        let limit = Bytes(max_bytes);
        io::Error::new(
            ErrorKind::InvalidInput,
            format!("is longer than {limit}, the most that this command reads"),
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
    fn rejects_long_file_before_and_while_reading() {
        for (length, is_refused) in [(0, false), (16, false), (17, true), (1 << 20, true)] {
            let content = vec![b'x'; length];
            assert_eq!(read_bounded(&*content, length as u64, 16).is_err(), is_refused, "{length}");
            assert_eq!(read_bounded(&*content, 0, 16).is_err(), is_refused, "{length}, as in a pipe");
        }
        let error = read_bounded(io::repeat(0), 0, 1 << 20).unwrap_err();
        assert_eq!(error.to_string(), "is longer than 1.00 MiB, the most that this command reads");
        // Fails before it reads a byte.
        assert!(read_bounded(io::empty(), u64::MAX, 1 << 20).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn rejects_devices_folders_and_sockets_but_reads_pipes() {
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
