//! Asks one sibling for its report, and believes nothing that it says.

use std::ffi::OsString;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_debug_core::{MemoryReport, MissingReason};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::MAX_ENTRIES;
use super::directory::Directory;
use super::name::Name;
use crate::fleet::exchange::{Missing, exchange, missing};
use crate::fleet::fan_out::Ask;
use crate::fleet::timed::{Timed, left};

/// Longest time for one to be looked at before this process listens.
const FOR_CLEARING: Duration = Duration::from_millis(100);

/// What all are asked, and where they are.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) directory: Directory,
    pub(super) request: Zeroizing<Vec<u8>>,
    pub(super) rows: usize,
}

impl Ask for Question {
    type Whom = OsString;

    fn name(name: &OsString) -> String {
        name.to_string_lossy().into_owned()
    }

    /// The report of the sibling that `name` is of. Clears away what is left of one that is no more.
    fn ask(&self, name: &OsString, end: Instant) -> Option<Result<MemoryReport, Missing>> {
        let stream = match self.connect(name, end) {
            Ok(stream) => stream?,
            Err(missing) => return Some(Err(missing)),
        };
        Some(exchange(Timed::new(stream, end), &self.request, self.rows))
    }
}

impl Question {
    /// A connection to the very process that `name` names, and to this user's.
    fn connect(&self, name: &OsString, end: Instant) -> Result<Option<UnixStream>, Missing> {
        let foreign = |detail: &str| (MissingReason::Foreign, detail.to_owned());
        let path = self.directory.path(name);
        if !is_own_socket(&path)? {
            return Err(foreign("it is no socket of this user; it is left as it is"));
        }
        let parsed = Name::parse(name).ok_or_else(|| foreign("it has not the name of a sibling's socket"))?;
        let stream = match connect_until(&path, end) {
            Ok(stream) => stream,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                // Nobody listens there, and nobody will: a socket has its name once it listens. If it cannot be removed,
                // that is tried again next time.
                let _ = fs::remove_file(&path);
                return Ok(None);
            }
            // It went away on its own.
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(missing(&error)),
        };
        if !parsed.is_alive() {
            return Err(foreign(
                "the process of that name is not here: it has ended and another holds its socket, or it sees other \
                 process ids",
            ));
        }
        if !is_own_user(&stream) {
            return Err(foreign("another user listens there"));
        }
        Ok(Some(stream))
    }
}

/// Clears away the sockets that nobody listens at.
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

/// Whether there is a socket of this user, without following a link. Gone, it may have been one.
fn is_own_socket(path: &Path) -> Result<bool, Missing> {
    match fs::symlink_metadata(path) {
        Ok(found) => Ok(found.file_type().is_socket() && found.uid() == geteuid().as_raw()),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(missing(&error)),
    }
}

/// Whether the process at the other end runs as this user, as the kernel tells it.
pub(super) fn is_own_user(stream: &UnixStream) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid == geteuid())
}

fn connect_until(path: &Path, end: Instant) -> io::Result<UnixStream> {
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // A stopped process accepts nothing, and its queue may be full.
    set_socket_timeout(&socket, Timeout::Send, Some(left(end).ok_or(ErrorKind::TimedOut)?))?;
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
    use crate::fleet::fan_out::FOR_ONE;

    #[test]
    fn what_is_gone_is_no_strangers_and_what_cannot_be_looked_at_is_nobodys() {
        let nowhere = std::env::temp_dir().join("no-sibling");
        assert_eq!(is_own_socket(&nowhere), Ok(true));
        assert_eq!(
            connect_until(&nowhere, Instant::now() + FOR_ONE).unwrap_err().kind(),
            ErrorKind::NotFound
        );
        assert!(is_own_socket(Path::new("/proc/version/below-a-file")).is_err());
    }

    #[test]
    fn one_that_goes_away_before_it_is_asked_is_not_missing() {
        let place = Place::new();
        let directory = Directory::open(&place.directory()).unwrap();
        let (question, gone) =
            (Question { directory, request: Zeroizing::default(), rows: 1 }, Name::own().unwrap());
        assert!(question.ask(&gone.to_string().into(), Instant::now() + FOR_ONE).is_none());
    }
}
