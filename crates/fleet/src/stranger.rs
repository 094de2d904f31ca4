//! Others that are nobody's, for tests: they answer whatever they are told to.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// An answer of that status with that body.
pub(crate) fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Answers each request on `streams` with `answer`, and tells what it was asked.
pub(crate) fn serve<S: Read + Write>(
    mut streams: impl FnMut() -> io::Result<S> + Send + 'static,
    answer: Vec<u8>,
) -> Receiver<String> {
    let (sender, asked) = channel();
    thread::spawn(move || {
        loop {
            let mut stream = streams().unwrap();
            let request = read_request(&mut stream);
            // Whoever does not like the beginning does not wait for the end.
            let _ = stream.write_all(&answer);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    asked
}

/// The head of a request.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    String::from_utf8(request).unwrap()
}
