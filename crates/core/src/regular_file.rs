//! Regular files, opened without waiting for another process.

use std::fs::{File, FileType, Metadata, OpenOptions};
use std::io;
use std::path::Path;

/// Opens a regular file for reading. Follows links to it, because Kubernetes mounts secrets as links.
///
/// Opening a pipe waits for a writer, and opening a device can have an effect. So the type is checked before the
/// file is opened. It is checked again on the open file, because another file may have replaced it in between.
///
/// # Errors
///
/// Errors of the system, and [`io::ErrorKind::InvalidInput`] for a folder, pipe, socket or device; the message
/// says which.
pub fn open_regular_file(path: &Path) -> io::Result<File> {
    require_regular(&std::fs::metadata(path)?)?;
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt as _;
        options.custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed());
    }
    let file = options.open(path)?;
    require_regular(&file.metadata()?)?;
    Ok(file)
}

fn require_regular(found: &Metadata) -> io::Result<()> {
    if found.is_file() {
        return Ok(());
    }
    let message = format!("it is {}, not a regular file", name(found.file_type()));
    Err(io::Error::new(io::ErrorKind::InvalidInput, message))
}

fn name(kind: FileType) -> &'static str {
    if kind.is_dir() {
        return "a folder";
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        if kind.is_fifo() {
            return "a pipe";
        } else if kind.is_socket() {
            return "a socket";
        } else if kind.is_char_device() || kind.is_block_device() {
            return "a device";
        }
    }
    "something else"
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::path::PathBuf;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    /// A folder for one test, removed on drop.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("memory-debug-regular-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn s45_opens_only_regular_files_and_never_waits() {
        let folder = Folder::new();
        let path = |name: &str| folder.0.join(name);
        std::fs::write(path("file"), "content").unwrap();
        mknodat(CWD, path("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = UnixListener::bind(path("socket")).unwrap();
        for (link, target) in [("link", "file"), ("link-to-link", "link"), ("link-to-pipe", "pipe")] {
            symlink(path(target), path(link)).unwrap();
        }
        symlink("loop", path("loop")).unwrap();
        for name in ["file", "link", "link-to-link"] {
            let mut text = String::new();
            open_regular_file(&path(name)).unwrap().read_to_string(&mut text).unwrap();
            assert_eq!(text, "content");
        }
        for (refused, what) in [
            (path("pipe"), "it is a pipe, not a regular file"),
            (path("link-to-pipe"), "it is a pipe, not a regular file"),
            (path("socket"), "it is a socket, not a regular file"),
            (folder.0.clone(), "it is a folder, not a regular file"),
            ("/dev/null".into(), "it is a device, not a regular file"),
            ("/dev/zero".into(), "it is a device, not a regular file"),
        ] {
            let error = open_regular_file(&refused).unwrap_err();
            assert_eq!((error.kind(), &*error.to_string()), (io::ErrorKind::InvalidInput, what));
        }
        assert!(open_regular_file(&path("loop")).is_err());
        assert_eq!(open_regular_file(&path("none")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
