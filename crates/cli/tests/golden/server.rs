//! Instances on loopback that answer with the content of files.

use std::io::{Read as _, Write as _};
use std::mem;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

/// `ops` and `jumbled-otters-sip-cold-tea`.
const AUTHORIZATION: &str = "authorization: basic b3bzomp1bwjszwqtb3r0zxjzlxnpcc1jb2xklxrlyq==";

/// How an instance behaves.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Answers with pages from `data/NAME`: `overview.json`, `types.txt` and so on.
    Service(&'static str),
    /// Has a different password.
    Stranger,
    /// Sends this reply to every request.
    Says(&'static str),
    /// Refuses connections.
    Dead,
}

/// Starts instances, which run until the test ends. Returns their ports in ascending order, the order of the output.
pub(crate) fn start(kinds: &[Kind]) -> Vec<u16> {
    let bind = |_: &Kind| TcpListener::bind("127.0.0.1:0").unwrap();
    let mut listeners: Vec<_> = kinds.iter().map(bind).collect();
    listeners.sort_by_key(port);
    let ports = listeners.iter().map(port).collect();
    for (listener, kind) in listeners.into_iter().zip(kinds.iter().copied()) {
        if matches!(kind, Kind::Dead) {
            // An open connection keeps the port in use, so that no other test gets it. New connections are refused.
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            mem::forget((client, listener.accept().unwrap()));
        } else {
            thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, kind)));
        }
    }
    ports
}

fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// Answers one request. Ignores a client that disconnects.
fn serve(mut stream: TcpStream, kind: Kind) {
    let mut asked = Vec::new();
    let mut part = [0; 4096];
    while !is_whole(&asked) {
        match stream.read(&mut part) {
            Ok(read @ 1..) => asked.extend_from_slice(&part[..read]),
            _ => return,
        }
    }
    let _ = stream.write_all(answer(&String::from_utf8(asked).unwrap(), kind).as_bytes());
}

/// Whether the head and the body have arrived.
fn is_whole(asked: &[u8]) -> bool {
    let text = String::from_utf8_lossy(asked).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn answer(asked: &str, kind: Kind) -> String {
    let page = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    };
    let folder = match kind {
        Kind::Says(answer) => return answer.to_owned(),
        Kind::Stranger => return page("401 Unauthorized", ""),
        Kind::Service(folder) => folder,
        Kind::Dead => unreachable!(),
    };
    if !asked.to_lowercase().contains(AUTHORIZATION) {
        return page("401 Unauthorized", "");
    }
    let line = asked.lines().next().unwrap();
    let mut words = line.split(' ');
    let method = words.next().unwrap();
    let target = words.next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let name = match path.strip_prefix("/debug/memory") {
        Some("") => "overview",
        Some("/types") => "types",
        Some("/doctor") => "doctor",
        Some("/trace") if method == "POST" => {
            assert!(asked.ends_with("\r\n\r\n{\"seconds\":1}"), "{asked}");
            return page("200 OK", "{}");
        }
        Some("/trace") => "trace",
        Some("/holders") => "holders",
        _ => return page("404 Not Found", r#"{"detail": "the pages are listed at /debug/memory"}"#),
    };
    assert_eq!(method, "GET");
    let ending = if query.contains("format=json") { "json" } else { "txt" };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/data").join(folder);
    page("200 OK", &std::fs::read_to_string(file.join(format!("{name}.{ending}"))).unwrap())
}
