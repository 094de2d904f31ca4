//! What one instance is asked, in plain HTTP/1.1, and its answer, of which nothing is believed.

use std::io::{self, BufRead as _, BufReader, Cursor, ErrorKind, Read, Write};

use httparse::{EMPTY_HEADER, Response, Status, parse_chunk_size};
use memory_debug_core::{MemoryReport, MissingReason};
use zeroize::Zeroizing;

use super::{Caller, HOP};

/// Longest head of a request or an answer.
pub(crate) const MAX_HEAD_BYTES: usize = 16 << 10;

pub(crate) const MAX_HEADERS: usize = 64;

/// Longest report, as long as the longest page is by default.
const MAX_BODY_BYTES: u64 = 4 << 20;

/// Longest line before a chunk, with whatever extensions it has.
const MAX_CHUNK_LINE_BYTES: u64 = 1 << 10;

/// What heads, chunks' lengths and their extensions may add to a report.
const MAX_FRAME_BYTES: u64 = 1 << 20;

const TOO_SHORT: &str = "is shorter than it says";

/// Why there is no report, in a word and in a sentence.
pub(crate) type Missing = (MissingReason, String);

/// A whole request for the page at `base` with so many rows. Wiped on drop, as it has a password in it.
pub(crate) fn request(
    host: &str,
    base: &str,
    rows: usize,
    force: bool,
    caller: &Caller,
) -> Zeroizing<Vec<u8>> {
    let force = if force { "&force=true" } else { "" };
    let head = format!("GET {base}?format=json&top={rows}{force} HTTP/1.1\r\nhost: {host}\r\n{HOP}: 1\r\n");
    let parts = [head.as_bytes(), b"connection: close\r\nauthorization: ", caller.expose(), b"\r\n\r\n"];
    // Of its final length at once: a vector that grows leaves a copy.
    let mut request = Zeroizing::new(Vec::with_capacity(parts.iter().map(|part| part.len()).sum()));
    parts.iter().for_each(|part| request.extend_from_slice(part));
    request
}

/// Sends `request` for so many rows, and reads the report that is the answer. `stream` has to end at some time.
pub(crate) fn exchange(
    mut stream: impl Read + Write,
    request: &[u8],
    rows: usize,
) -> Result<MemoryReport, Missing> {
    stream.write_all(request).and_then(|()| stream.flush()).map_err(|error| missing(&error))?;
    read_report(stream.take(MAX_BODY_BYTES + MAX_FRAME_BYTES), rows)
}

/// Why there is no answer where there is an error instead.
pub(crate) fn missing(error: &io::Error) -> Missing {
    match error.kind() {
        ErrorKind::TimedOut => (
            MissingReason::Deadline,
            "no answer in time: it is stopped or busy, or still collects; ask again in a while".to_owned(),
        ),
        // Of connections that may be encrypted, which say it in words of ours.
        ErrorKind::InvalidData => (MissingReason::Tls, error.to_string()),
        kind => (MissingReason::Unreachable, kind.to_string()),
    }
}

/// How long the body of an answer is.
enum Length {
    Bytes(u64),
    Chunks,
}

/// The report in an answer of any bytes. Others than reports are not read beyond their heads.
fn read_report(mut stream: impl Read, rows: usize) -> Result<MemoryReport, Missing> {
    let (status, length, rest) = read_head(&mut stream)?;
    if status != 200 {
        let (reason, why) = refusal(status);
        return Err((reason, format!("status {status}: {why}")));
    }
    let stream = Cursor::new(rest).chain(stream);
    let body = match length {
        Some(Length::Bytes(length)) => read_exactly(stream, length)?,
        Some(Length::Chunks) => read_chunks(stream)?,
        None => return Err(no_report("does not say how long it is")),
    };
    MemoryReport::for_fleet(&body, rows).map_err(|why| no_report(&why))
}

/// What a status says, and what to do.
fn refusal(status: u16) -> (MissingReason, &'static str) {
    match status {
        300..=399 => {
            (MissingReason::Refused, "it points elsewhere, where nobody is asked; name that address")
        }
        401 => (
            MissingReason::Unauthorized,
            "the login is not one of its own; all have to accept it, also while it is being changed",
        ),
        403 => (
            MissingReason::Forbidden,
            "the login's role does not suffice there, or it requires TLS and does not know that of this connection",
        ),
        404 => (MissingReason::Refused, "there is no page, or it hides from this login; is the path right?"),
        429 | 503 | 504 => {
            (MissingReason::Refused, "it is busy, or short of something; ask again in a while")
        }
        _ => (MissingReason::Refused, "it gives no report; asked directly, it says why"),
    }
}

/// Status, length of the body, and what of it came with the head.
fn read_head(stream: &mut impl Read) -> Result<(u16, Option<Length>, Vec<u8>), Missing> {
    let (mut bytes, mut length) = (vec![0; MAX_HEAD_BYTES], 0);
    loop {
        length += match stream.read(&mut bytes[length..]) {
            Ok(0) if length == MAX_HEAD_BYTES => {
                return Err(no_report(&format!("has a head of more than {MAX_HEAD_BYTES} bytes")));
            }
            Ok(0) => return Err(no_report("ends within its head")),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(failed(&error, "ends within its head")),
        };
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut response = Response::new(&mut headers);
        match response.parse(&bytes[..length]) {
            Ok(Status::Complete(head)) => {
                let (status, body) = (response.code.unwrap_or_default(), body_length(&response)?);
                return Ok((status, body, bytes[head..length].to_vec()));
            }
            Ok(Status::Partial) => {}
            Err(_) => return Err(no_report("is no HTTP")),
        }
    }
}

/// As the head says it, if it says one thing.
fn body_length(response: &Response<'_, '_>) -> Result<Option<Length>, Missing> {
    let values = |name: &str| -> Vec<&[u8]> {
        let named = response.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value).collect()
    };
    match (&values("content-length")[..], &values("transfer-encoding")[..]) {
        ([], []) => Ok(None),
        ([length], []) if !length.is_empty() && length.iter().all(u8::is_ascii_digit) => {
            // More than can be counted is more than is read.
            let length = str::from_utf8(length).ok().and_then(|length| length.parse().ok());
            Ok(Some(Length::Bytes(length.unwrap_or(u64::MAX))))
        }
        ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Some(Length::Chunks)),
        _ => Err(no_report("does not say for certain how long it is")),
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

/// Reads chunk by chunk. What follows the last of them is not looked at.
fn read_chunks(stream: impl Read) -> Result<Vec<u8>, Missing> {
    let (mut stream, mut line, mut body) = (BufReader::new(stream), Vec::new(), Vec::new());
    let mut left = MAX_BODY_BYTES;
    loop {
        line.clear();
        let read = (&mut stream).take(MAX_CHUNK_LINE_BYTES).read_until(b'\n', &mut line);
        read.map_err(|error| failed(&error, TOO_SHORT))?;
        let Ok(Status::Complete((_, size))) = parse_chunk_size(&line) else {
            return Err(no_report("is not in chunks, as it says"));
        };
        if size == 0 {
            return Ok(body);
        }
        left = left.checked_sub(size).ok_or_else(too_long)?;
        read_to(&mut stream, size, &mut body)?;
        line.clear();
        read_to(&mut stream, 2, &mut line)?;
        if line != b"\r\n" {
            return Err(no_report("is not in chunks, as it says"));
        }
    }
}

/// Reads `length` bytes more.
fn read_to(stream: impl Read, length: u64, body: &mut Vec<u8>) -> Result<(), Missing> {
    match stream.take(length).read_to_end(body) {
        Ok(read) if read as u64 == length => Ok(()),
        Ok(_) => Err(no_report(TOO_SHORT)),
        Err(error) => Err(failed(&error, TOO_SHORT)),
    }
}

/// Why the rest of an answer cannot be read. Over TLS, an end without notice is an error too.
fn failed(error: &io::Error, why_if_it_ended: &str) -> Missing {
    if error.kind() == ErrorKind::UnexpectedEof { no_report(why_if_it_ended) } else { missing(error) }
}

fn no_report(why: &str) -> Missing {
    (MissingReason::NoReport, format!("its answer {why}"))
}

fn too_long() -> Missing {
    (MissingReason::TooLong, format!("its answer is longer than {MAX_BODY_BYTES} bytes"))
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
