//! Tests of an endpoint with siblings. `memory-debug-fleet` tests the rest.

use std::env;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::thread;

use memory_debug_core::{Collected, MemoryReport, Scope};
use memory_debug_fleet::{Neighbours as _, Siblings};
use serde_json::{Value, json};

use super::*;
use crate::auth::{Credentials, generate_password};
use crate::collect::Collect;
use crate::endpoint::Endpoint;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;
use crate::stranger::{answer, serve};

/// `ops:9vKq3x-PzL7_mT2wRb4y`
const RIGHT: &str = "Basic b3BzOjl2S3EzeC1Qekw3X21UMndSYjR5";

const PASSWORD: &str = "9vKq3x-PzL7_mT2wRb4y";

fn report_of(number: u32) -> Value {
    json!({
        "schema": "memory-debug/v1",
        "instance": {"id": format!("{number:08x}-0000-4000-8000-000000000000"), "pid": 1}, "collected_at": "",
        "duration_us": 0, "unavailable": {}, "process": {"resident_bytes": 1000 + number},
    })
}

struct Reports;

impl Collect for Reports {
    fn collect(&self, _: Scope) -> Collected {
        serde_json::from_value::<MemoryReport>(report_of(0)).unwrap().into()
    }
}

/// A path for a directory that does not exist yet, in a temporary folder that is removed on drop.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let folder = env::temp_dir().join(format!("siblings-{}", generate_password().unwrap()));
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        Self(folder)
    }

    fn directory(&self) -> PathBuf {
        self.0.join("s")
    }

    /// The names of the sockets that are ready.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The second try also removes a socket that was closed in the meantime.
        let _ = fs::remove_dir_all(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

fn endpoint(place: &Place) -> Endpoint {
    let credentials = Credentials::new("ops", PASSWORD).unwrap();
    Endpoint::new(credentials).collect_with(Reports).siblings(place.directory())
}

/// An endpoint that is listening.
fn listening(place: &Place) -> Endpoint {
    let endpoint = endpoint(place);
    endpoint.listen();
    while place.names().is_empty() {
        thread::yield_now();
    }
    endpoint
}

fn get(endpoint: &Endpoint, path: &str, query: &str) -> Reply {
    let headers = |name: &str| if name == "authorization" { vec![RIGHT.as_bytes()] } else { Vec::new() };
    let outcome = endpoint.handle(RequestParts {
        method: "GET",
        authority: None,
        path,
        query: Some(query),
        headers: &headers,
        connection: Connection::default(),
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome)
}

fn fleet(endpoint: &Endpoint) -> Value {
    let reply = get(endpoint, "/debug/memory/fleet", "format=json");
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

/// Starts a sibling that answers each request with `answer`. Returns the requests that arrive.
fn sibling(place: &Place, answer: Vec<u8>) -> std::sync::mpsc::Receiver<String> {
    // The name of this process's socket with another instance id.
    let own = place.names().remove(0);
    let (process, _) = own.rsplit_once('-').unwrap();
    let listener = UnixListener::bind(place.directory().join(format!("{process}-00000001.sock"))).unwrap();
    serve(move || listener.accept().map(|(stream, _)| stream), answer)
}

fn members(siblings: &Siblings, login: &str, base: &str) -> FleetMembers {
    FleetMembers {
        scope: FleetScope::Host,
        neighbours: siblings.id(),
        caller: Some(Caller::new(login.into())),
        base: base.to_owned(),
    }
}

/// The reply of this process's socket to a raw request.
fn raw(place: &Place, request: &[u8]) -> String {
    let name = place.names().into_iter().find(|name| !name.ends_with("-00000001.sock")).unwrap();
    let mut stream = UnixStream::connect(place.directory().join(name)).unwrap();
    stream.write_all(request).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn s16_siblings_are_asked_with_the_callers_login_and_only_for_themselves() {
    let place = Place::new();
    let endpoint = listening(&place);
    let asked = sibling(&place, answer(200, &report_of(1).to_string()));
    get(&endpoint, "/debug/memory/fleet", "top=3&filter=x");
    let expected = format!(
        "GET /debug/memory?format=json&top=1000 HTTP/1.1\r\nhost: localhost\r\nmemory-hop: 1\r\n\
         connection: close\r\nauthorization: {RIGHT}\r\n\r\n"
    );
    assert_eq!(asked.recv().unwrap(), expected);
    get(&endpoint, "/debug/memory/fleet", "force=true");
    assert!(
        asked.recv().unwrap().starts_with("GET /debug/memory?format=json&top=1000&force=true HTTP/1.1\r\n")
    );
}

#[test]
fn s16_nothing_shows_the_login() {
    let place = Place::new();
    let siblings = Siblings::of_process(place.directory()).unwrap();
    let shown = format!("{:?} {siblings:?}", members(&siblings, RIGHT, ""));
    assert!(shown.contains("Caller(..)") && !shown.contains("b3Bz"), "{shown}");
}

#[test]
fn s40_only_requests_with_the_same_login_share_an_answer() {
    let place = Place::new();
    let siblings = Siblings::of_process(place.directory()).unwrap();
    let other = Place::new();
    let others = Siblings::of_process(other.directory()).unwrap();
    assert_eq!(members(&siblings, RIGHT, "/m"), members(&siblings, RIGHT, "/m"));
    assert_ne!(members(&siblings, RIGHT, "/m"), members(&siblings, "Basic b3BzOng=", "/m"));
    assert_ne!(members(&siblings, RIGHT, "/m"), members(&siblings, RIGHT, "/debug/memory"));
    assert_ne!(members(&siblings, RIGHT, "/m"), members(&others, RIGHT, "/m"));
}

#[test]
fn a_refused_directory_makes_the_fleet_unavailable() {
    let place = Place::new();
    fs::write(place.directory(), "").unwrap();
    let endpoint = endpoint(&place);
    endpoint.listen();
    let reply = get(&endpoint, "/debug/memory/fleet", "format=json");
    assert_eq!(reply.status, 503, "{reply:?}");
    let reason = String::from_utf8(reply.body.into()).unwrap();
    assert!(!reason.contains(&*place.0.to_string_lossy()), "{reason}");
}

#[test]
fn a_forwarded_request_cannot_ask_for_the_fleet() {
    let place = Place::new();
    let endpoint = listening(&place);
    let asked = sibling(&place, answer(200, &report_of(1).to_string()));
    let request = format!("GET /debug/memory/fleet HTTP/1.1\r\nauthorization: {RIGHT}\r\n\r\n");
    assert!(raw(&place, request.as_bytes()).ends_with(
        "400 second hop: a forwarded request cannot ask for the fleet; send it to this instance directly\n"
    ));
    let headers = |name: &str| match name {
        "authorization" => vec![RIGHT.as_bytes()],
        "memory-hop" => vec![&b"1"[..]],
        _ => Vec::new(),
    };
    let outcome = endpoint.handle(RequestParts {
        method: "GET",
        authority: None,
        path: "/debug/memory/fleet",
        query: None,
        headers: &headers,
        connection: Connection::default(),
    });
    assert_eq!(outcome.status(), Some(400));
    assert!(asked.try_recv().is_err());
}

#[test]
fn the_socket_requires_the_password_too() {
    let place = Place::new();
    let _endpoint = listening(&place);
    let paths = ["/debug/memory", "/debug/memory/stats?top=0", "/debug/memory/fleet", "/debug/memory/x"];
    let answers = paths.map(|path| raw(&place, format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes()));
    assert!(answers[0].starts_with("HTTP/1.1 401 \r\n"), "{}", answers[0]);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    let request = |path| format!("GET {path} HTTP/1.1\r\nAuthorization: {RIGHT}\r\n\r\n");
    assert!(raw(&place, request("/debug/memory").as_bytes()).starts_with("HTTP/1.1 200 \r\n"));
    assert!(raw(&place, request("/").as_bytes()).starts_with("HTTP/1.1 404 \r\n"));
}

#[test]
fn s21_a_process_has_one_socket_in_a_directory_and_removes_it() {
    let place = Place::new();
    let first = listening(&place);
    let second = endpoint(&place).siblings(place.0.join("./s/"));
    second.listen();
    assert_eq!(place.names().len(), 1);
    drop(first);
    assert_eq!(place.names().len(), 1, "the second endpoint still uses the socket");
    assert_eq!(fleet(&second)["complete"], true);
    drop(second);
    // A collecting thread may hold the endpoint a moment longer.
    while !place.names().is_empty() {
        thread::yield_now();
    }
}

#[test]
fn s49_the_directory_is_created_only_by_the_first_authorized_request() {
    let place = Place::new();
    let endpoint = endpoint(&place);
    assert!(!place.directory().exists());
    let wrong = RequestParts {
        method: "GET",
        authority: None,
        path: "/debug/memory/fleet",
        query: None,
        headers: &|_| Vec::new(),
        connection: Connection::default(),
    };
    assert_eq!(endpoint.handle(wrong).status(), Some(401));
    assert!(!place.directory().exists());
    assert_eq!(
        fleet(&endpoint)["instances"].as_array().unwrap().len(),
        1,
        "it listens from its first request on"
    );
}
