//! The request to one sibling, whose answer is not trusted.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_debug_report::{MemoryReport, MissingReason};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::MAX_ENTRIES;
use super::directory::Directory;
use super::name::Name;
use crate::deadline::time_left;
use crate::exchange::Timed;
use crate::exchange::{exchange, missing};
use crate::fan_out::{Ask, Unanswered};
use crate::missing::Missing;

/// Maximum time to connect to one socket while the directory is cleared, before this process listens.
const FOR_CLEARING: Duration = Duration::from_millis(100);

/// Asks the siblings in one directory.
#[derive(Debug)]
pub(super) struct AskSibling {
    pub(super) directory: Directory,
    pub(super) request: Zeroizing<Vec<u8>>,
    pub(super) rows: usize,
}

impl Ask for AskSibling {
    /// The name of a socket.
    type Instance = OsString;

    /// The sibling's report. `None` if its process has ended.
    type Answer = Option<Result<MemoryReport, Missing>>;

    /// Asks the sibling whose socket is `name`. Removes the socket of a process that has ended.
    fn ask(&self, name: &OsString, end: Instant) -> Self::Answer {
        let stream = match self.connect(name, end) {
            Ok(stream) => stream?,
            Err(missing) => return Some(Err(missing)),
        };
        Some(exchange(Timed::new(stream, end), &self.request, self.rows))
    }

    fn unanswered(&self, _: &OsString, why: Unanswered) -> Self::Answer {
        Some(Err(why.into()))
    }
}

impl AskSibling {
    /// Connects to the process behind `name`, if it runs as this user. `None` if the process has ended.
    fn connect(&self, name: &OsString, end: Instant) -> Result<Option<UnixStream>, Missing> {
        let foreign = |detail: &str| Missing::new(MissingReason::Foreign, detail);
        let path = self.directory.path(name);
        if !is_own_socket(&path)? {
            return Err(foreign("it is not a socket of this user; it was left alone"));
        }
        let parsed =
            Name::parse(name).ok_or_else(|| foreign("its name is not the name of a sibling's socket"))?;
        let stream = match connect_until(&path, end) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                // The process has ended, because a socket gets its name only once it listens. If the socket cannot be
                // removed, the next request tries again.
                let _ = fs::remove_file(&path);
                return Ok(None);
            }
            // The socket was removed in the meantime.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(missing(&error)),
        };
        if !parsed.is_alive() {
            return Err(foreign(
                "no process matches its name: the process has ended and another one holds the socket, or it runs in \
                 another PID namespace",
            ));
        }
        if !is_own_user(&stream) {
            return Err(foreign("a process of another user listens on it"));
        }
        Ok(Some(stream))
    }
}

/// Removes the sockets of processes that have ended.
pub(super) fn clear(directory: &Directory) {
    for name in directory.names().unwrap_or_default().into_iter().take(MAX_ENTRIES) {
        let path = directory.path(&name);
        if Name::parse(&name).is_none() || !is_own_socket(&path).unwrap_or(false) {
            continue;
        }
        let end = Instant::now() + FOR_CLEARING;
        if connect_until(&path, end).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// Whether `path` is a socket of this user. Does not follow links. Returns true if nothing exists at `path`: it may
/// have been such a socket until a moment ago.
fn is_own_socket(path: &Path) -> Result<bool, Missing> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.file_type().is_socket() && found.uid() == geteuid().as_raw()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(missing(&error)),
    }
}

/// Whether the kernel says that the process at the other end runs as this user.
pub(super) fn is_own_user(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid == geteuid())
}

fn connect_until(path: &Path, end: Instant) -> io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // A stopped process accepts no connections, and its queue may be full.
    set_socket_timeout(&socket, Timeout::Send, Some(time_left(end).ok_or(ErrorKind::TimedOut)?))?;
    match connect(&socket, &SocketAddrUnix::new(path)?) {
        Ok(()) => Ok(socket.into()),
        Err(rustix::io::Errno::AGAIN) => Err(ErrorKind::TimedOut.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::Place;
    use super::*;
    use crate::exchange::FOR_ONE;

    #[test]
    fn a_missing_socket_counts_as_own_and_an_unreadable_one_is_an_error() {
        let nowhere = std::env::temp_dir().join("no-sibling");
        assert_eq!(is_own_socket(&nowhere), Ok(true));
        assert_eq!(
            connect_until(&nowhere, Instant::now() + FOR_ONE).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert!(is_own_socket(Path::new("/proc/version/below-a-file")).is_err());
    }

    #[test]
    fn a_process_that_ends_before_it_is_asked_is_not_missing() {
        let place = Place::new();
        let directory = Directory::open(&place.directory()).unwrap();
        let ask = AskSibling { directory, request: Zeroizing::default(), rows: 1 };
        let gone = Name::own().unwrap();
        assert!(ask.ask(&gone.to_string().into(), Instant::now() + FOR_ONE).is_none());
    }
}
