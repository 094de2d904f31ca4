use proptest::prelude::*;

use super::*;

fn reason(answer: &[u8]) -> MissingReason {
    read_report(answer, 10).unwrap_err().reason
}

/// The shortest possible report.
const REPORT: &str = r#"{"schema": "memory-debug/v1", "collected_at": "", "duration_us": 0, "unavailable": {},
    "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1}}"#;

fn with_length(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// An answer in chunks of `bytes` bytes.
fn in_chunks(body: &str, bytes: usize) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n".to_vec();
    for chunk in body.as_bytes().chunks(bytes) {
        answer.extend_from_slice(format!("{:x};a=b\r\n", chunk.len()).as_bytes());
        answer.extend_from_slice(chunk);
        answer.extend_from_slice(b"\r\n");
    }
    answer.extend_from_slice(b"0\r\n\r\n");
    answer
}

/// A stream that yields one byte at a time, and then times out.
struct Drips<'a>(&'a [u8]);

impl Read for Drips<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (first, rest) = self.0.split_first().ok_or(ErrorKind::TimedOut)?;
        (buffer[0], self.0) = (*first, rest);
        Ok(1)
    }
}

fn reason_of(stream: impl Read) -> MissingReason {
    read_report(stream, 10).unwrap_err().reason
}

#[test]
fn an_answer_is_read_to_its_end_and_no_further() {
    for answer in [with_length(200, REPORT), in_chunks(REPORT, 7), in_chunks(REPORT, 1000)] {
        assert_eq!(read_report(&answer[..], 10).unwrap().instance.pid, 1);
        // A peer that leaves the connection open does not delay the report.
        assert_eq!(read_report(Drips(&answer), 10).unwrap().instance.pid, 1);
    }
}

#[test]
fn an_incomplete_answer_is_refused() {
    for whole in [with_length(200, REPORT), in_chunks(REPORT, 50)] {
        // The last line break is not waited for.
        for length in 0..whole.len() - 2 {
            assert_eq!(reason(&whole[..length]), MissingReason::NoReport, "{length}");
            assert_eq!(reason_of(Drips(&whole[..length])), MissingReason::Deadline, "{length}");
        }
    }
}

#[test]
fn an_answer_must_announce_its_length_unambiguously() {
    let length = REPORT.len();
    let chunk = format!("{length:x}\r\n{REPORT}\r\n0\r\n\r\n");
    // Each body contains a whole report, so only the length is wrong.
    for (head, body) in [
        (String::new(), REPORT),
        (format!("content-length: {}\r\n", length - 1), REPORT),
        (format!("content-length: {}\r\n", length + 1), REPORT),
        (format!("content-length: +{length}\r\n"), REPORT),
        ("content-length: \r\n".to_owned(), REPORT),
        (format!("content-length: {length}\r\ncontent-length: {length}\r\n"), REPORT),
        (format!("content-length: {length}\r\ntransfer-encoding: chunked\r\n"), REPORT),
        ("transfer-encoding: gzip, chunked\r\n".to_owned(), chunk.as_str()),
        ("transfer-encoding: chunked\r\n".to_owned(), &chunk.replace("}\r\n0", "}x\r\n0")),
        ("transfer-encoding: chunked\r\n".to_owned(), &format!("-{chunk}")),
        ("transfer-encoding: chunked\r\n".to_owned(), REPORT),
    ] {
        let answer = format!("HTTP/1.1 200 \r\n{head}\r\n{body}");
        assert_eq!(reason(answer.as_bytes()), MissingReason::NoReport, "{head}");
    }
    assert_eq!(reason(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), MissingReason::NoReport);
}

/// A stream that yields up to ten bytes at a time, each time after an interruption, and then fails.
struct Fails<'a> {
    rest: &'a [u8],
    was_interrupted: bool,
    end: ErrorKind,
}

impl<'a> Fails<'a> {
    fn new(rest: &'a [u8], end: ErrorKind) -> Self {
        Self { rest, was_interrupted: false, end }
    }
}

impl Read for Fails<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.was_interrupted = !self.was_interrupted;
        if self.was_interrupted {
            return Err(ErrorKind::Interrupted.into());
        }
        if self.rest.is_empty() {
            return Err(self.end.into());
        }
        let length = self.rest.len().min(buffer.len()).min(10);
        self.rest.read(&mut buffer[..length])
    }
}

#[test]
fn an_interrupted_read_is_repeated() {
    for answer in [with_length(200, REPORT), in_chunks(REPORT, 7)] {
        let stream = Fails::new(&answer, ErrorKind::ConnectionReset);
        assert_eq!(read_report(stream, 10).unwrap().instance.pid, 1);
    }
}

#[test]
fn an_answer_that_breaks_off_differs_from_a_connection_that_fails() {
    for whole in [with_length(200, REPORT), in_chunks(REPORT, 50)] {
        for length in 0..whole.len() - 2 {
            let cut = |kind| reason_of(Fails::new(&whole[..length], kind));
            // Over TLS, the connection ended without notice.
            assert_eq!(cut(ErrorKind::UnexpectedEof), MissingReason::NoReport, "{length}");
            assert_eq!(cut(ErrorKind::ConnectionReset), MissingReason::Unreachable, "{length}");
        }
    }
}

#[test]
fn s45_reading_stops_at_the_maximum_length_of_a_report() {
    for length in ["4194305", "18446744073709551615", "99999999999999999999999"] {
        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
        assert_eq!(reason(answer.as_bytes()), MissingReason::TooLong, "{length}");
    }
    for size in ["400001", "ffffffffffffffff"] {
        let answer = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{size}\r\n");
        assert_eq!(reason(answer.as_bytes()), MissingReason::TooLong, "{size}");
    }
    assert_eq!(reason(&in_chunks(&"[".repeat((4 << 20) + 1), 1 << 16)), MissingReason::TooLong);
    let endless_head = b"HTTP/1.1 200 OK\r\n".iter().copied().chain(std::iter::repeat_n(b'a', 1 << 20));
    let endless_head = read_report(&endless_head.collect::<Vec<_>>()[..], 10).unwrap_err();
    assert_eq!(endless_head, Missing::no_report("has a head of more than 16384 bytes"));
    assert_eq!(
        read_report(&b"HTTP/1.1 200 OK\r\na"[..], 10).unwrap_err(),
        Missing::no_report("ends within its head")
    );
    let endless_line =
        [&b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;"[..], &[b'a'; 1 << 16]].concat();
    assert_eq!(reason(&endless_line), MissingReason::NoReport);
    // Nested more deeply than any report.
    assert_eq!(reason(&with_length(200, &"[".repeat(1 << 20))), MissingReason::NoReport);
}

/// A stream that yields `first` once, and then repeats `then` without end.
struct Endless {
    first: Vec<u8>,
    then: Vec<u8>,
    read: usize,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for byte in buffer.iter_mut() {
            let after = || self.then[(self.read - self.first.len()) % self.then.len()];
            *byte = self.first.get(self.read).copied().unwrap_or_else(after);
            self.read += 1;
        }
        Ok(buffer.len())
    }
}

impl Write for Endless {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn s45_an_endless_stream_is_given_up() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    // Each chunk has one byte and the longest possible extensions.
    let wordy = format!("1;{}\r\nx\r\n", "a".repeat(1000));
    for (first, then) in [("", "x"), (chunked, "1"), (chunked, &wordy)] {
        let mut stream = Endless { first: first.into(), then: then.into(), read: 0 };
        assert_eq!(
            exchange(&mut stream, b"", 10).unwrap_err().reason,
            MissingReason::NoReport,
            "{first}{then}"
        );
        assert!(stream.read as u64 <= MAX_BODY_BYTES + MAX_FRAME_BYTES, "{}", stream.read);
    }
}

#[test]
fn s45_a_report_of_the_maximum_length_is_read() {
    let longest = format!("{REPORT}{}", " ".repeat((4 << 20) - REPORT.len()));
    assert_eq!(read_report(&with_length(200, &longest)[..], 10).unwrap().instance.pid, 1);
}

#[test]
fn each_refusal_has_its_own_reason() {
    for (status, expected) in [
        (301, MissingReason::Refused),
        (401, MissingReason::Unauthorized),
        (403, MissingReason::Forbidden),
        (404, MissingReason::Refused),
        (503, MissingReason::Refused),
        (200, MissingReason::NoReport),
    ] {
        assert_eq!(reason(&with_length(status, "{}")), expected, "{status}");
    }
    let without_length = reason(b"HTTP/1.1 401 Unauthorized\r\n\r\n");
    assert_eq!(without_length, MissingReason::Unauthorized);
    for (status, expected) in
        [(302, "elsewhere"), (403, "requires TLS"), (503, "try again"), (500, "gives no report")]
    {
        let detail = read_report(&with_length(status, "")[..], 10).unwrap_err().detail;
        assert!(detail.starts_with(&format!("status {status}: ")) && detail.contains(expected), "{detail}");
    }
}

proptest! {
    #[test]
    fn no_answer_panics(bytes: Vec<u8>, status in 0..1000_u16, body in "[\\[{\":a0,}\\]]{0,64}") {
        let _ = read_report(&bytes[..], 10);
        let _ = read_report(&with_length(status, &body)[..], 10);
        let _ = read_report(&in_chunks(&body, 3)[..], 10);
        let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let _ = read_report(&[head, &bytes[..]].concat()[..], 10);
    }
}
