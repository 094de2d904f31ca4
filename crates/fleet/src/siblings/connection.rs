//! The connection of a sibling: one HTTP/1.1 request and its reply.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Request, Status};
use zeroize::Zeroizing;

use super::ask::is_own_user;
use crate::caller::HOP_HEADER;
use crate::exchange::Timed;
use crate::exchange::{MAX_HEAD_BYTES, MAX_HEADERS};
use crate::serve::{AnswerSiblings, SiblingReply, SiblingRequest};

/// Maximum time for the head of a request to arrive, and for the reply to be read.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers the request on a connection from a process of this user. Bytes that are not HTTP get no reply. Bodies are
/// not read.
pub(super) fn answer(stream: UnixStream, service: &dyn AnswerSiblings) {
    if !is_own_user(&stream) {
        return;
    }
    let mut stream = Timed::new(stream, Instant::now() + PATIENCE);
    // Wiped on drop, because it contains a password. Never moved, because a move would leave a copy.
    let mut head = Zeroizing::new(vec![0; MAX_HEAD_BYTES]);
    let mut length = 0;
    let reply = loop {
        match stream.read(&mut head[length..]) {
            Ok(0) | Err(_) => return,
            Ok(read) => length += read,
        }
        let mut headers = [EMPTY_HEADER; MAX_HEADERS];
        let mut request = Request::new(&mut headers);
        match request.parse(&head[..length]) {
            Ok(Status::Complete(_)) => break reply(&request, service),
            Ok(Status::Partial) => {}
            Err(_) => return,
        }
    };
    // Fails if the client has closed the connection, and then the reply does not matter.
    let _ = write(stream.until(Instant::now() + PATIENCE), &reply);
}

fn reply(request: &Request<'_, '_>, service: &dyn AnswerSiblings) -> SiblingReply {
    let target = request.path.unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    if !service.has_path(path) {
        return SiblingReply::not_found();
    }
    let values = |wanted: &str| {
        let named = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(wanted));
        // A request over the socket must not be forwarded to other instances.
        let hop = (wanted == HOP_HEADER).then_some(&b"1"[..]);
        named.map(|header| header.value).chain(hop).collect()
    };
    service.answer(&SiblingRequest {
        method: request.method.unwrap_or_default(),
        path,
        query,
        headers: &values,
    })
}

fn write(mut stream: Timed<UnixStream>, reply: &SiblingReply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} \r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = (*reply.body).as_ref();
    head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(body)
}
