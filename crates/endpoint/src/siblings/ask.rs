//! Asks one sibling for its report, and believes nothing that it says.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Response, Status};
use memory_debug_core::{MemoryReport, MissingInstance, MissingReason, SCHEMA};
use rustix::net::sockopt::{Timeout, set_socket_timeout, socket_peercred};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use super::directory::Directory;
use super::name::Name;
use super::timed::{Timed, left};
use super::{MAX_ENTRIES, connection};
use crate::fleet::FleetWanted;

/// Tells that the request was sent for somebody, and is not to be passed on.
pub(super) const HOP: &str = "memory-hop";

/// Longest time for one to answer.
const FOR_ONE: Duration = Duration::from_secs(2);

/// Longest answer, as long as the longest page is by default, with its head.
const MAX_ANSWER_BYTES: u64 = (4 << 20) + connection::MAX_HEAD_BYTES as u64;

/// What all are asked, and where they are.
#[derive(Debug)]
pub(super) struct Question {
    directory: Directory,
    /// The whole request. Wiped on drop, as it has a password in it.
    request: Zeroizing<Vec<u8>>,
}

type Missing = (MissingReason, String);

impl Question {
    pub(super) fn new(directory: Directory, wanted: &FleetWanted, force: bool) -> Self {
        let (base, rows, force) = (&wanted.base, wanted.rows, if force { "&force=true" } else { "" });
        let head =
            format!("GET {base}?format=json&top={rows}{force} HTTP/1.1\r\nhost: localhost\r\n{HOP}: 1\r\n");
        let parts =
            [head.as_bytes(), b"connection: close\r\nauthorization: ", wanted.caller.expose(), b"\r\n\r\n"];
        // Of its final length at once: a vector that grows leaves a copy.
        let mut request = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
        parts.iter().for_each(|part| request.extend_from_slice(part));
        Self { directory, request }
    }

    /// The report of the sibling that `name` is of, or why there is none. Clears away what is left of one that is no
    /// more, which is `None`.
    pub(super) fn ask(&self, name: &OsStr, end: Instant) -> Option<Result<MemoryReport, MissingInstance>> {
        let answer = match self.connect(name, end) {
            Ok(stream) => self.exchange(stream?, end),
            Err(missing) => Err(missing),
        };
        let target = name.to_string_lossy();
        Some(answer.map_err(|(reason, detail)| MissingInstance::new(target, reason, detail)))
    }

    /// A connection to the very process that `name` names, and to this user's.
    fn connect(&self, name: &OsStr, end: Instant) -> Result<Option<UnixStream>, Missing> {
        let foreign = |detail: &str| (MissingReason::Foreign, detail.to_owned());
        let path = self.directory.path(name);
        if !is_own_socket(&path)? {
            return Err(foreign("it is no socket of this user; it is left as it is"));
        }
        let parsed = Name::parse(name).ok_or_else(|| foreign("it has not the name of a sibling's socket"))?;
        let end = end.min(Instant::now() + FOR_ONE);
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

    fn exchange(&self, stream: UnixStream, end: Instant) -> Result<MemoryReport, Missing> {
        let mut stream = Timed::new(stream, end.min(Instant::now() + FOR_ONE));
        stream.write_all(&self.request).map_err(|error| missing(&error))?;
        let mut answer = Vec::new();
        stream.take(MAX_ANSWER_BYTES + 1).read_to_end(&mut answer).map_err(|error| missing(&error))?;
        if answer.len() as u64 > MAX_ANSWER_BYTES {
            let detail = format!("its answer is longer than {MAX_ANSWER_BYTES} bytes");
            return Err((MissingReason::TooLong, detail));
        }
        report(&answer)
    }
}

/// Clears away the sockets that nobody listens at.
pub(super) fn clear(directory: &Directory) {
    for name in directory.names().unwrap_or_default().into_iter().take(MAX_ENTRIES) {
        let path = directory.path(&name);
        if Name::parse(&name).is_none() || !is_own_socket(&path).unwrap_or(false) {
            continue;
        }
        let end = Instant::now() + FOR_ONE / 20;
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

fn missing(error: &io::Error) -> Missing {
    match error.kind() {
        ErrorKind::TimedOut => (
            MissingReason::Deadline,
            "no answer in time: it is stopped or busy, or still collects; ask again in a while".to_owned(),
        ),
        kind => (MissingReason::Unreachable, kind.to_string()),
    }
}

/// The report in an answer of any bytes.
fn report(answer: &[u8]) -> Result<MemoryReport, Missing> {
    let (status, body) =
        read(answer).map_err(|why| (MissingReason::NoReport, format!("its answer {why}")))?;
    let refused = |reason, why: &str| Err((reason, format!("status {status}: {why}")));
    match status {
        200 => {}
        401 => return refused(MissingReason::Unauthorized, "the login is not one of its own"),
        403 => return refused(MissingReason::Forbidden, "the login's role does not suffice there"),
        _ => return refused(MissingReason::Refused, "it gives no report"),
    }
    serde_json::from_slice(body)
        .map_err(|_| (MissingReason::NoReport, format!("its answer is no report of {SCHEMA}")))
}

/// Status and body of an answer that is whole.
fn read(answer: &[u8]) -> Result<(u16, &[u8]), &'static str> {
    let mut headers = [EMPTY_HEADER; connection::MAX_HEADERS];
    let mut response = Response::new(&mut headers);
    let head = match response.parse(answer) {
        Ok(Status::Complete(head)) => head,
        Ok(Status::Partial) => return Err("ends within its head"),
        Err(_) => return Err("is no HTTP"),
    };
    let body = &answer[head..];
    let values = |name: &str| -> Vec<&[u8]> {
        let named = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value).collect()
    };
    let lengths = values("content-length");
    if !values("transfer-encoding").is_empty() || lengths != [body.len().to_string().as_bytes()] {
        return Err("is not as long as it says");
    }
    Ok((response.code.unwrap_or_default(), body))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(answer: &[u8]) -> MissingReason {
        report(answer).unwrap_err().0
    }

    #[test]
    fn an_answer_is_taken_only_whole() {
        assert_eq!(read(b"HTTP/1.1 200 \r\ncontent-length: 2\r\n\r\n{}"), Ok((200, &b"{}"[..])));
        for answer in [
            &b""[..],
            b"HTTP/1.1 200",
            b"HTTP/1.1 200 \r\ncontent-length: 3\r\n\r\n{}",
            b"HTTP/1.1 200 \r\ncontent-length: 1\r\n\r\n{}",
            b"HTTP/1.1 200 \r\n\r\n{}",
            b"HTTP/1.1 200 \r\ncontent-length: 2\r\ncontent-length: 2\r\n\r\n{}",
            b"HTTP/1.1 200 \r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        ] {
            assert_eq!(reason(answer), MissingReason::NoReport, "{}", answer.escape_ascii());
        }
    }

    #[test]
    fn a_refusal_is_told_apart() {
        for (status, expected) in [
            (401, MissingReason::Unauthorized),
            (403, MissingReason::Forbidden),
            (404, MissingReason::Refused),
            (503, MissingReason::Refused),
            (200, MissingReason::NoReport),
        ] {
            let answer = format!("HTTP/1.1 {status} \r\ncontent-length: 2\r\n\r\n{{}}");
            assert_eq!(reason(answer.as_bytes()), expected, "{status}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_panics(bytes: Vec<u8>, status in 0..1000_u16, body in "[\\[{\":a0,}\\]]{0,64}") {
            let _ = report(&bytes);
            let head = format!("HTTP/1.1 {status:03} \r\ncontent-length: {}\r\n\r\n", body.len());
            let _ = report(&[head.as_bytes(), body.as_bytes()].concat());
        }
    }
}
