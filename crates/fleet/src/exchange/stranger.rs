//! Simulated instances for tests. They give prepared answers.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

/// An HTTP answer with `status` and `body`.
pub(crate) fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Answers each request on `streams` with `answer`. Returns the requests as they arrive.
pub(crate) fn serve<S: Read + Write>(
    mut streams: impl FnMut() -> io::Result<S> + Send + 'static,
    answer: Vec<u8>,
) -> Receiver<String> {
    let (sender, asked) = channel();
    thread::spawn(move || {
        loop {
            let mut stream = streams().unwrap();
            let request = read_request(&mut stream);
            // A client that rejects the head closes the connection before the end.
            let _ = stream.write_all(&answer);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    asked
}

/// Reads the head of a request.
pub(crate) fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    String::from_utf8(request).unwrap()
}
