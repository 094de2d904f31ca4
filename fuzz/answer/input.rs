//! Answers that are nearly right: a real report with some fields replaced, in valid or nearly valid HTTP framing.

use libfuzzer_sys::arbitrary::{self, Arbitrary};

use crate::REPORT;
use crate::edited::{Edit, edited};

#[derive(Arbitrary, Debug)]
pub struct Answer<'a> {
    edits: Vec<Edit<'a>>,
    is_pretty: bool,
    status: Status,
    framing: Framing<'a>,
    headers: Vec<(&'a str, &'a str)>,
    /// Positions and the bytes written there.
    damage: Vec<(u16, u8)>,
    /// The length after which the answer ends.
    ends_at: Option<u16>,
    /// Bytes that follow the answer endlessly.
    endless: Option<&'a [u8]>,
    /// The numbers of bytes that arrive at a time, in turn.
    pub sizes: Vec<u8>,
    /// The name of the answering instance in the configuration.
    pub target: &'a str,
    pub top: u8,
    pub filter: Option<&'a str>,
}

/// The bytes of an answer, and its body if it is valid.
pub struct Bytes {
    pub answer: Vec<u8>,
    pub endless: Vec<u8>,
    /// The body, if the whole answer is valid.
    pub body: Option<Vec<u8>>,
}

#[derive(Arbitrary, Debug)]
enum Status {
    Ok,
    Other(u16),
}

#[derive(Arbitrary, Debug)]
enum Framing<'a> {
    Length,
    Chunks(Vec<u8>),
    /// Chunks with extensions, and trailers.
    Extended(Vec<u8>, &'a str),
    /// Endless chunks, with the given lengths of data and extensions.
    Endless(u8, u16),
    /// Headers with a wrong length or encoding.
    Wrong(Vec<(bool, &'a str)>),
}

impl Answer<'_> {
    pub fn bytes(&self) -> Bytes {
        let report = edited(&REPORT.0, &REPORT.1, &self.edits);
        let json =
            if self.is_pretty { serde_json::to_vec_pretty(&report) } else { serde_json::to_vec(&report) };
        let body = json.expect("a value of JSON is JSON");
        let status = match self.status {
            Status::Ok => 200,
            Status::Other(status) => status % 1000,
        };
        let mut answer = format!("HTTP/1.1 {status:03} \r\n");
        let others = self.headers.iter().map(|(name, value)| (word(name), word(value)));
        for (name, value) in others.filter(|(name, _)| !name.is_empty()) {
            // The prefix prevents a header that would change the framing.
            answer += &format!("x-{name}: {value}\r\n");
        }
        let framed = self.framing.framed(&body);
        let mut answer = [answer.as_bytes(), &framed].concat();
        let is_right = status == 200
            && self.headers.len() < 16
            && !matches!(self.framing, Framing::Endless(..) | Framing::Wrong(_))
            && self.damage.is_empty()
            && self.ends_at.is_none();
        for (at, byte) in &self.damage {
            let at = usize::from(*at) % answer.len();
            answer[at] = *byte;
        }
        answer.truncate(self.ends_at.map_or(usize::MAX, usize::from));
        let endless = match self.framing {
            Framing::Endless(size, extension) => {
                chunk(&vec![b' '; size.into()], &"x".repeat(extension.into()))
            }
            _ => self.endless.unwrap_or_default().to_vec(),
        };
        Bytes { answer, endless, body: is_right.then_some(body) }
    }
}

impl Framing<'_> {
    /// The headers for the length of the body, the end of the head, and the body.
    fn framed(&self, body: &[u8]) -> Vec<u8> {
        match self {
            Self::Length => [format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes(), body].concat(),
            Self::Chunks(sizes) => chunks(body, sizes, ""),
            Self::Extended(sizes, text) => chunks(body, sizes, &word(text)),
            Self::Endless(..) => b"transfer-encoding: chunked\r\n\r\n".to_vec(),
            Self::Wrong(headers) => {
                let name = |is_length| if is_length { "content-length" } else { "transfer-encoding" };
                let lines =
                    headers.iter().map(|(is_length, value)| format!("{}: {value}\r\n", name(*is_length)));
                [lines.collect::<String>().as_bytes(), b"\r\n", body].concat()
            }
        }
    }
}

fn chunk(bytes: &[u8], extension: &str) -> Vec<u8> {
    let separator = if extension.is_empty() { "" } else { ";" };
    [format!("{:x}{separator}{extension}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat()
}

/// The body in chunks of these sizes in turn, each with `extension`.
fn chunks(body: &[u8], sizes: &[u8], extension: &str) -> Vec<u8> {
    let mut framed = b"transfer-encoding: chunked\r\n\r\n".to_vec();
    // A long body gets larger chunks, because many small chunks would take seconds.
    let least = 1 + (body.len() >> 12);
    let sizes: Vec<_> = sizes.iter().map(|size| usize::from(*size).max(least)).collect();
    let mut sizes = sizes.into_iter().cycle();
    let mut rest = body;
    while !rest.is_empty() {
        let (first, after) = rest.split_at(sizes.next().unwrap_or(usize::MAX).min(rest.len()));
        framed.extend(chunk(first, extension));
        rest = after;
    }
    framed.extend(chunk(b"", extension));
    framed
}

/// The characters of a text that any header may contain.
fn word(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphanumeric).take(60).collect()
}
