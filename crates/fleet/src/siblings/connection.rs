//! One request on the socket, in plain HTTP/1.1.

use std::io::{Read as _, Write as _};
use std::net::Ipv4Addr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use httparse::{EMPTY_HEADER, Request, Status};
use zeroize::Zeroizing;

use super::ask::is_own_user;
use crate::endpoint::Endpoint;
use crate::fleet::HOP;
use crate::fleet::exchange::{MAX_HEAD_BYTES, MAX_HEADERS};
use crate::fleet::timed::Timed;
use crate::fleet::wait::wait;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;

/// Longest time for a head to arrive, and for an answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers the one request of a connection, if it is this user's. What is no HTTP gets no answer; a body is not read.
pub(super) fn answer(stream: UnixStream, endpoint: &Endpoint) {
    if !is_own_user(&stream) {
        return;
    }
    let mut stream = Timed::new(stream, Instant::now() + PATIENCE);
    // Wiped on drop, as it has a password in it, and never moved, which would leave a copy.
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
            Ok(Status::Complete(_)) => break reply(&request, endpoint),
            Ok(Status::Partial) => {}
            Err(_) => return,
        }
    };
    // Whoever has gone away meanwhile needs no answer.
    let _ = write(stream.until(Instant::now() + PATIENCE), &reply);
}

fn reply(request: &Request<'_, '_>, endpoint: &Endpoint) -> Reply {
    let target = request.path.unwrap_or_default();
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    if !endpoint.matches(path) {
        return Reply::not_found();
    }
    let values = |wanted: &str| {
        let named = request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(wanted));
        // Whoever asks here asks for this process alone.
        let hop = (wanted == HOP).then_some(&b"1"[..]);
        named.map(|header| header.value).chain(hop).collect()
    };
    let outcome = endpoint.handle(RequestParts {
        method: request.method.unwrap_or_default(),
        authority: None,
        path,
        query,
        headers: &values,
        connection: Connection { peer: Some(Ipv4Addr::LOCALHOST.into()), tls: None },
    });
    // Its own deadline ends it.
    wait(outcome, None).unwrap_or_else(Reply::not_found)
}

fn write(mut stream: Timed<UnixStream>, reply: &Reply) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {} \r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", reply.body.len()));
    stream.write_all(head.as_bytes())?;
    stream.write_all(&reply.body)
}
