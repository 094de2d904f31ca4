//! A Unix socket that only the process's own user can connect to.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, Metadata, Permissions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use tokio::net::{UnixListener, UnixStream};

/// Binds a socket of mode 0600 at `path`. Replaces a socket whose process has ended.
///
/// The mode of a new socket depends on the process's umask, which other threads rely on. So this binds the socket in a
/// folder that only this user can enter, sets the mode, and then moves the socket to `path`.
pub(super) fn bind(path: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let folder = PrivateFolder::beside(path)?;
    let bound = folder.0.join("s");
    let listener = UnixListener::bind(&bound)?;
    fs::set_permissions(&bound, Permissions::from_mode(0o600))?;
    remove_stale(path, &folder)?;
    // Unlike a rename, a link does not replace a file that appeared at `path` in the meantime.
    fs::hard_link(&bound, path).map_err(in_use_if_exists)?;
    let file = SocketFile { path: path.to_owned(), identity: identity(&fs::symlink_metadata(&bound)?) };
    fs::remove_file(&bound)?;
    Ok((listener, file))
}

/// A socket in the file system. Dropping it removes the socket, unless another file has taken its place.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            // If this fails, the next process to bind finds that no process answers, and replaces the socket.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// A folder of mode 0700 that exists while a socket is bound.
struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// Creates it in the same folder as `path`, because links do not cross file systems.
    fn beside(path: &Path) -> io::Result<Self> {
        let parent = path.parent().unwrap_or(Path::new(""));
        // Short, because the path of a socket has at most 107 bytes. Random, so that two processes can bind at once.
        let name = format!(".{:08x}", RandomState::new().build_hasher().finish() as u32);
        let folder = parent.join(name);
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes the socket at `path` if no process answers at it.
///
/// # Errors
///
/// `AddrInUse` if a process answers, `AlreadyExists` if the file is not a socket.
fn remove_stale(path: &Path, folder: &PrivateFolder) -> io::Result<()> {
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        found => found?,
    };
    if !found.file_type().is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is not a socket"));
    }
    match connect_now(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
        // Its process has removed it by now.
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        // The connection was not refused, so a process may be listening. A full queue is an error too.
        _ => return Err(in_use()),
    }
    // Another process may have replaced the stale socket by now. So move the socket away first, and then check that it
    // is the stale one.
    let moved = folder.0.join("stale");
    match fs::rename(path, &moved) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    if identity(&fs::symlink_metadata(&moved)?) != identity(&found) {
        fs::hard_link(&moved, path)?;
        return Err(in_use());
    }
    Ok(())
}

/// Connects without waiting. The kernel accepts or refuses a Unix socket immediately, and tokio's sockets never
/// block. A connection that is still pending means that the queue is full.
fn connect_now(path: &Path) -> io::Result<()> {
    let mut connecting = pin!(UnixStream::connect(path));
    match connecting.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(connected) => connected.map(drop),
        Poll::Pending => Ok(()),
    }
}

fn in_use_if_exists(error: io::Error) -> io::Error {
    if error.kind() == ErrorKind::AlreadyExists { in_use() } else { error }
}

fn in_use() -> io::Error {
    io::Error::new(ErrorKind::AddrInUse, "another process listens on it")
}

/// The device and inode of a file.
fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}
