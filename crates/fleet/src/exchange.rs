//! Sends one HTTP/1.1 request to an instance and parses the untrusted reply.

mod limits;
#[cfg(test)]
pub(crate) mod stranger;
mod timed;

use std::io::{self, BufRead as _, BufReader, Cursor, ErrorKind, Read, Write};

use httparse::{EMPTY_HEADER, Response, Status, parse_chunk_size};
use memory_debug_report::{MemoryReport, MissingReason};
use zeroize::Zeroizing;

#[cfg(all(test, feature = "siblings", target_os = "linux"))]
pub(crate) use self::limits::FOR_ALL;
#[cfg(any(test, feature = "peers"))]
pub(crate) use self::limits::FOR_ONE;
pub(crate) use self::limits::fan_out;
pub(crate) use self::timed::Timed;
use crate::caller::{Caller, HOP_HEADER};
use crate::missing::{Missing, Refusal};

/// Maximum length of a head, of a request or an answer, in bytes.
pub(crate) const MAX_HEAD_BYTES: usize = 16 << 10;

/// Maximum number of headers in a request or an answer.
pub(crate) const MAX_HEADERS: usize = 64;

/// Maximum length of a report in bytes. By default, an instance writes no longer pages.
const MAX_BODY_BYTES: u64 = 4 << 20;

/// Maximum length of the line before a chunk, including extensions.
const MAX_CHUNK_LINE_BYTES: u64 = 1 << 10;

/// Maximum number of bytes that an answer has in addition to its report: the head, chunk lengths and extensions.
const MAX_FRAME_BYTES: u64 = 1 << 20;

const TOO_SHORT: &str = "ends before its announced length";

/// Builds a request for `rows` rows of the page at `base`. Wiped on drop, because it contains a password.
pub(crate) fn request(
    host: &str,
    base: &str,
    rows: usize,
    force: bool,
    caller: &Caller,
) -> Zeroizing<Vec<u8>> {
    let force = if force { "&force=true" } else { "" };
    let head =
        format!("GET {base}?format=json&top={rows}{force} HTTP/1.1\r\nhost: {host}\r\n{HOP_HEADER}: 1\r\n");
    let parts = [head.as_bytes(), b"connection: close\r\nauthorization: ", caller.expose(), b"\r\n\r\n"];
    // Allocated at its full length, because a vector that grows leaves copies behind.
    let mut request = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| request.extend_from_slice(part));
    request
}

/// Sends `request` for `rows` rows and reads the report in the answer. `stream` must have a deadline.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    request: &[u8],
    rows: usize,
) -> Result<MemoryReport, Missing> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(|error| missing(&error))?;
    read_report(stream.take(MAX_BODY_BYTES + MAX_FRAME_BYTES), rows)
}

/// Converts an error of the connection into the reason why there is no answer.
pub(crate) fn missing(error: &io::Error) -> Missing {
    match error.kind() {
        ErrorKind::TimedOut => Missing::new(
            MissingReason::Deadline,
            "no answer in time: the instance is stopped, busy or still collecting; try again in a while",
        ),
        // Encrypted connections report TLS errors with this kind and our own message.
        ErrorKind::InvalidData => Missing::new(MissingReason::Tls, error.to_string()),
        kind => Missing::new(MissingReason::Unreachable, kind.to_string()),
    }
}

/// The announced length of an answer's body.
enum Length {
    Bytes(u64),
    Chunks,
}

/// Parses the report in an answer. The bytes may be anything. If the answer is not a report, only its head is read.
fn read_report(mut stream: impl Read, rows: usize) -> Result<MemoryReport, Missing> {
    let (status, length, rest) = read_head(&mut stream)?;
    if status != 200 {
        let refusal = Refusal::of(status);
        return Err(Missing::new(refusal.reason(), format!("status {status}: {}", refusal.advice())));
    }
    let stream = Cursor::new(rest).chain(stream);
    let body = match length {
        Some(Length::Bytes(length)) => read_exactly(stream, length)?,
        Some(Length::Chunks) => read_chunks(stream)?,
        None => return Err(Missing::no_report("does not announce its length")),
    };
    MemoryReport::for_fleet(&body, rows).map_err(Missing::no_report)
}

/// Reads the head. Returns the status, the length of the body, and the part of the body that arrived with the head.
fn read_head(stream: &mut impl Read) -> Result<(u16, Option<Length>, Vec<u8>), Missing> {
    let mut bytes = vec![0; MAX_HEAD_BYTES];
    let mut length = 0;
    loop {
        length += match stream.read(&mut bytes[length..]) {
            Ok(0) if length == MAX_HEAD_BYTES => {
                return Err(Missing::no_report(format!("has a head of more than {MAX_HEAD_BYTES} bytes")));
            }
            Ok(0) => return Err(Missing::no_report("ends within its head")),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(failed(&error, "ends within its head")),
        };
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        match response.parse(&bytes[..length]) {
            Ok(Status::Complete(head)) => {
                let status = response.code.unwrap_or_default();
                return Ok((status, body_length(&response)?, bytes[head..length].to_vec()));
            }
            Ok(Status::Partial) => {}
            Err(_) => return Err(Missing::no_report("is not HTTP")),
        }
    }
}

/// Reads the length of the body from the head. Fails if the head contradicts itself.
fn body_length(response: &Response<'_, '_>) -> Result<Option<Length>, Missing> {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Ok(None),
        ([length], []) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            // A number too large to parse is also too large to read.
            let length = str::from_utf8(length).ok().and_then(|length| length.parse().ok());
            Ok(Some(Length::Bytes(length.unwrap_or(u64::MAX))))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Length::Chunks)),
        _ => Err(Missing::no_report("has contradictory or invalid headers for its length")),
    }
}

fn read_exactly(stream: impl Read, length: u64) -> Result<Vec<u8>, Missing> {
    if length > MAX_BODY_BYTES {
        return Err(too_long());
    }
    let mut body = Vec::new();
    read_to(stream, length, &mut body)?;
    Ok(body)
}

/// Reads a body in chunks. Ignores all bytes after the last chunk.
fn read_chunks(stream: impl Read) -> Result<Vec<u8>, Missing> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let mut body = Vec::new();
    let mut left = MAX_BODY_BYTES;
    loop {
        line.clear();
        let read = (&mut stream).take(MAX_CHUNK_LINE_BYTES).read_until(b'\n', &mut line);
        read.map_err(|error| failed(&error, TOO_SHORT))?;
        let Ok(Status::Complete((_, size))) = parse_chunk_size(&line) else {
            return Err(Missing::no_report("announces chunks, but they are malformed"));
        };
        if size == 0 {
            return Ok(body);
        }
        left = left.checked_sub(size).ok_or_else(too_long)?;
        read_to(&mut stream, size, &mut body)?;
        line.clear();
        read_to(&mut stream, 2, &mut line)?;
        if line != b"\r\n" {
            return Err(Missing::no_report("announces chunks, but they are malformed"));
        }
    }
}

/// Reads exactly `length` more bytes.
fn read_to(stream: impl Read, length: u64, body: &mut Vec<u8>) -> Result<(), Missing> {
    match stream.take(length).read_to_end(body) {
        Ok(read) if read as u64 == length => Ok(()),
        Ok(_) => Err(Missing::no_report(TOO_SHORT)),
        Err(error) => Err(failed(&error, TOO_SHORT)),
    }
}

/// Converts an error while an answer was read. TLS reports a connection that ends without notice as an error; it
/// means the same as an answer that is too short.
fn failed(error: &io::Error, reason_if_ended: &str) -> Missing {
    if error.kind() == ErrorKind::UnexpectedEof {
        Missing::no_report(reason_if_ended)
    } else {
        missing(error)
    }
}

fn too_long() -> Missing {
    Missing::new(MissingReason::TooLong, format!("its answer is longer than {MAX_BODY_BYTES} bytes"))
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
