//! Siblings that are nobody's, in a directory of their own; real processes are asked by `scripts/siblings`.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use memory_debug_core::{Collected, MemoryReport, Scope};
use serde_json::{Value, json};

use super::name::Name;
use super::*;
use crate::auth::{Credentials, generate_password};
use crate::collect::Collect;
use crate::fleet::fan_out::FOR_ALL;
use crate::fleet::stranger::{answer, read_request, serve};
use crate::fleet::{Caller, Whom};
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;

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

/// A directory that is not there yet, in one that goes when this does.
pub(super) struct Place(PathBuf);

impl Place {
    pub(super) fn new() -> Self {
        let folder = env::temp_dir().join(format!("siblings-{}", generate_password().unwrap()));
        fs::DirBuilder::new().mode(0o700).create(&folder).unwrap();
        Self(folder)
    }

    pub(super) fn directory(&self) -> PathBuf {
        self.0.join("s")
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Who closes a socket meanwhile takes it out of the directory.
        let _ = fs::remove_dir_all(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

pub(super) fn endpoint(place: &Place) -> Endpoint {
    let credentials = Credentials::new("ops", PASSWORD).unwrap();
    Endpoint::new(credentials).collect_with(Reports).siblings(place.directory())
}

/// An endpoint that listens.
fn listening(place: &Place) -> Endpoint {
    let endpoint = endpoint(place);
    endpoint.listen();
    let siblings = Siblings::of_process(place.directory()).unwrap();
    siblings.listener().wait(Instant::now() + FOR_ALL).unwrap();
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

/// Who is missing and why, by name.
fn missing(fleet: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let missing = fleet["missing"].as_array().unwrap().iter();
    missing.map(|missing| (text(&missing["target"]), text(&missing["reason"]))).collect()
}

/// A name of this process that is not the one it listens under.
fn name(number: u32) -> Name {
    Name { id: format!("{number:08x}"), ..Name::own().unwrap() }
}

/// A sibling that answers each request with `answer`, and tells what it was asked.
fn sibling(place: &Place, name: &Name, answer: Vec<u8>) -> Receiver<String> {
    let listener = UnixListener::bind(place.file(&name.to_string())).unwrap();
    serve(move || listener.accept().map(|(stream, _)| stream), answer)
}

/// What the socket of this process answers to these bytes.
fn raw(place: &Place, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(place.file(&Name::own().unwrap().to_string())).unwrap();
    // Refused early, there is nobody to write to.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn all_who_listen_are_in_the_sums_and_the_one_that_is_asked_too() {
    let place = Place::new();
    let endpoint = listening(&place);
    let asked: Vec<_> = (1..=20)
        .map(|number| sibling(&place, &name(number), answer(200, &report_of(number).to_string())))
        .collect();
    let fleet = fleet(&endpoint);
    assert_eq!((&fleet["complete"], &fleet["scope"]), (&json!(true), &json!("host")));
    assert_eq!(fleet["instances"].as_array().unwrap().len(), 21);
    let sum: u32 = (0..=20).map(|number| 1000 + number).sum();
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], sum);
    assert!(asked.iter().all(|asked| asked.recv().is_ok()));
}

#[test]
fn s16_siblings_are_asked_with_the_callers_own_login_and_for_themselves_alone() {
    let place = Place::new();
    let endpoint = listening(&place);
    let asked = sibling(&place, &name(1), answer(200, &report_of(1).to_string()));
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
    let whom = Whom::Siblings {
        siblings: Siblings::of_process(place.directory()).unwrap(),
        caller: Caller::new(RIGHT.into()),
        base: String::new(),
    };
    let shown = format!("{whom:?}");
    assert!(shown.contains("Caller(..)") && !shown.contains("b3Bz"), "{shown}");
}

#[test]
fn s40_an_answer_is_shared_only_by_those_who_ask_with_the_same_login() {
    let place = Place::new();
    let siblings = Siblings::of_process(place.directory()).unwrap();
    let whom = |login: &str, base: &str| Whom::Siblings {
        siblings: Arc::clone(&siblings),
        caller: Caller::new(login.into()),
        base: base.to_owned(),
    };
    assert_eq!(whom(RIGHT, "/m"), whom(RIGHT, "/m"));
    assert_ne!(whom(RIGHT, "/m"), whom("Basic b3BzOng=", "/m"));
    assert_ne!(whom(RIGHT, "/m"), whom(RIGHT, "/debug/memory"));
}

#[test]
fn the_directory_is_made_private() {
    let place = Place::new();
    let _endpoint = listening(&place);
    let made = fs::symlink_metadata(place.directory()).unwrap();
    assert_eq!((made.is_dir(), made.mode() & 0o777), (true, 0o700));
    let socket = fs::symlink_metadata(place.file(&Name::own().unwrap().to_string())).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o600);
}

#[test]
fn a_directory_that_others_may_enter_or_that_is_a_link_or_none_is_refused() {
    let refused = |prepare: fn(&Path), slash: &str| {
        let place = Place::new();
        prepare(&place.directory());
        let directory = format!("{}{slash}", place.directory().display());
        let endpoint = endpoint(&place).siblings(directory);
        endpoint.listen();
        let reply = get(&endpoint, "/debug/memory/fleet", "format=json");
        assert_eq!(reply.status, 503, "{reply:?}");
        let reason = String::from_utf8(reply.body.into()).unwrap();
        assert!(!reason.contains(&*place.0.to_string_lossy()), "{reason}");
        reason
    };
    fn make(directory: &Path, mode: u32) {
        fs::create_dir(directory).unwrap();
        fs::set_permissions(directory, fs::Permissions::from_mode(mode)).unwrap();
    }
    fn link(directory: &Path) {
        let elsewhere = directory.with_extension("elsewhere");
        make(&elsewhere, 0o700);
        symlink(elsewhere, directory).unwrap();
    }
    let open: [fn(&Path); 3] = [|path| make(path, 0o755), |path| make(path, 0o710), |path| make(path, 0o701)];
    for prepare in open {
        assert!(refused(prepare, "").contains("open to others"));
    }
    for slash in ["", "/", "/."] {
        assert!(refused(link, slash).contains("or is none"));
    }
    assert!(refused(|path| fs::write(path, "").unwrap(), "").contains("or is none"));
}

#[test]
fn a_socket_that_nobody_listens_at_is_cleared_away_by_whoever_looks() {
    let place = Place::new();
    let endpoint = listening(&place);
    let earlier = Name { start: 1, ..name(2) };
    for name in [name(1), earlier] {
        drop(UnixListener::bind(place.file(&name.to_string())).unwrap());
    }
    let fleet = fleet(&endpoint);
    assert_eq!((&fleet["complete"], missing(&fleet)), (&json!(true), Vec::new()));
    assert_eq!(place.names(), [Name::own().unwrap().to_string()]);
}

#[test]
fn whoever_begins_to_listen_clears_away_what_is_left() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o700).create(place.directory()).unwrap();
    drop(UnixListener::bind(place.file(&name(1).to_string())).unwrap());
    fs::write(place.file("9-9-00000009.sock"), "not a socket").unwrap();
    let _endpoint = listening(&place);
    // It clears away before it says that it listens.
    let mut expected = ["9-9-00000009.sock".to_owned(), Name::own().unwrap().to_string()];
    expected.sort();
    assert_eq!(place.names(), expected);
}

#[test]
fn a_later_process_with_the_same_id_is_not_taken_for_the_one_that_ended() {
    let place = Place::new();
    let endpoint = listening(&place);
    let later = Name { start: 1, ..name(1) };
    let asked = sibling(&place, &later, answer(200, &report_of(1).to_string()));
    assert_eq!(missing(&fleet(&endpoint)), [(later.to_string(), "foreign".to_owned())]);
    assert!(asked.try_recv().is_err(), "it is told no password");
    assert!(place.names().contains(&later.to_string()), "somebody listens there");
}

#[test]
fn what_somebody_planted_is_named_and_neither_followed_nor_removed() {
    let place = Place::new();
    let endpoint = listening(&place);
    let elsewhere = place.0.join("elsewhere");
    let outside = UnixListener::bind(&elsewhere).unwrap();
    outside.set_nonblocking(true).unwrap();
    symlink(&elsewhere, place.file(&name(1).to_string())).unwrap();
    symlink("nowhere", place.file(&name(2).to_string())).unwrap();
    fs::write(place.file(&name(3).to_string()), "").unwrap();
    fs::create_dir(place.file(&name(4).to_string())).unwrap();
    let unnamed = UnixListener::bind(place.file("other.sock")).unwrap();
    unnamed.set_nonblocking(true).unwrap();
    let before = place.names();
    let fleet = fleet(&endpoint);
    let mut named: Vec<_> = missing(&fleet);
    named.sort();
    let mut expected: Vec<_> = (1..=4).map(|number| name(number).to_string()).collect();
    expected.push("other.sock".to_owned());
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|name| (name, "foreign".to_owned())).collect();
    assert_eq!(named, expected);
    assert_eq!(place.names(), before);
    assert!(outside.accept().is_err() && unnamed.accept().is_err(), "nobody was asked");
}

#[test]
fn more_names_than_are_looked_at_are_counted_and_the_own_is_among_those_that_are() {
    let place = Place::new();
    let endpoint = listening(&place);
    (0..300).for_each(|number| fs::write(place.file(&format!("!{number}")), "").unwrap());
    let fleet = fleet(&endpoint);
    assert_eq!(fleet["instances"].as_array().unwrap().len(), 1);
    let missing = missing(&fleet);
    assert_eq!(missing.len(), 255 + 1);
    assert!(missing.contains(&("the directory".to_owned(), "too-many".to_owned())));
    assert!(fleet.to_string().contains("45 more names are there than the 256 that are looked at"));
}

#[test]
fn one_that_does_not_answer_or_never_ends_is_missing_by_its_deadline() {
    let place = Place::new();
    let endpoint = listening(&place);
    let (stopped, slow) = (name(1), name(2));
    let _stopped = UnixListener::bind(place.file(&stopped.to_string())).unwrap();
    let trickling = UnixListener::bind(place.file(&slow.to_string())).unwrap();
    thread::spawn(move || {
        let (mut stream, _) = trickling.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let fleet = fleet(&endpoint);
    let expected = [stopped, slow].map(|name| (name.to_string(), "deadline".to_owned()));
    assert_eq!((fleet["instances"].as_array().unwrap().len(), missing(&fleet)), (1, expected.to_vec()));
}

#[test]
fn one_whose_queue_is_full_is_missing_by_its_deadline() {
    let place = Place::new();
    let endpoint = listening(&place);
    let path = place.file(&name(1).to_string());
    let stopped = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&stopped, 0).unwrap();
    let _queued = UnixStream::connect(&path).unwrap();
    assert_eq!(missing(&fleet(&endpoint)), [(name(1).to_string(), "deadline".to_owned())]);
}

#[test]
fn an_answer_that_is_too_long_or_no_report_is_not_taken() {
    let place = Place::new();
    let endpoint = listening(&place);
    let of_another = json!({"schema": "memory-debug/v2"}).to_string();
    for (number, answer, _) in answers(&of_another) {
        sibling(&place, &name(number), answer);
    }
    let expected: Vec<_> = answers(&of_another)
        .map(|(number, _, reason)| (name(number).to_string(), reason.to_owned()))
        .into_iter()
        .collect();
    assert_eq!(missing(&fleet(&endpoint)), expected);

    fn answers(of_another: &str) -> [(u32, Vec<u8>, &'static str); 6] {
        [
            (1, answer(200, &" ".repeat(5 << 20)), "too-long"),
            (2, answer(200, of_another), "no-report"),
            (3, b"\0\xff\r\n\r\n".to_vec(), "no-report"),
            (4, answer(200, &"[".repeat(100_000)), "no-report"),
            (5, answer(401, ""), "unauthorized"),
            (6, Vec::new(), "no-report"),
        ]
    }
}

#[test]
fn at_most_eight_are_asked_at_once() {
    let place = Place::new();
    let endpoint = listening(&place);
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for number in 1..=24 {
        let listener = UnixListener::bind(place.file(&name(number).to_string())).unwrap();
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            read_request(&mut stream);
            thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            stream.write_all(&answer(200, &report_of(number).to_string())).unwrap();
        });
    }
    assert_eq!(fleet(&endpoint)["instances"].as_array().unwrap().len(), 25);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most}");
}

#[test]
fn who_is_asked_for_others_asks_nobody() {
    let place = Place::new();
    let endpoint = listening(&place);
    let asked = sibling(&place, &name(1), answer(200, &report_of(1).to_string()));
    let request = format!("GET /debug/memory/fleet HTTP/1.1\r\nauthorization: {RIGHT}\r\n\r\n");
    assert!(
        raw(&place, request.as_bytes())
            .ends_with("400 second hop: who is asked for others answers for itself only\n")
    );
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
fn the_socket_asks_for_the_password_as_everywhere() {
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
fn what_is_no_request_or_too_long_gets_no_answer_and_the_next_one_does() {
    let place = Place::new();
    let _endpoint = listening(&place);
    let long = format!("GET /debug/memory HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(16 << 10));
    let many = format!("GET /debug/memory HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(65));
    for request in
        [&b"\0\r\n\r\n"[..], b"", b"GET /debug/memory HTTP/1.1\r\n", long.as_bytes(), many.as_bytes()]
    {
        assert_eq!(raw(&place, request), "", "{}", request.escape_ascii());
    }
    assert!(raw(&place, b"GET /debug/memory HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 \r\n"));
}

#[test]
fn connections_that_say_nothing_do_not_keep_others_out_for_ever() {
    let place = Place::new();
    let _endpoint = listening(&place);
    let path = place.file(&Name::own().unwrap().to_string());
    let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert!(raw(&place, b"GET /debug/memory HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 \r\n"));
}

#[test]
fn s21_a_process_has_one_socket_in_a_directory_and_takes_it_away() {
    let place = Place::new();
    let first = listening(&place);
    let second = endpoint(&place).siblings(place.0.join("./s/"));
    second.listen();
    assert_eq!(place.names().len(), 1);
    drop(first);
    assert_eq!(place.names().len(), 1, "the second is there");
    assert_eq!(fleet(&second)["complete"], true);
    drop(second);
    // Whoever collected for it may hold it for a moment longer.
    while !place.names().is_empty() {
        thread::yield_now();
    }
}

#[test]
fn siblings_that_nobody_uses_are_forgotten() {
    let mut known = Vec::new();
    let one = Siblings::among(&mut known, "/one".into());
    drop(Siblings::among(&mut known, "/another".into()));
    assert!(Arc::ptr_eq(&one, &Siblings::among(&mut known, "/one".into())));
    assert_eq!(known.len(), 1);
}

#[test]
fn a_socket_that_another_has_taken_the_place_of_is_left_alone() {
    let place = Place::new();
    let endpoint = listening(&place);
    let own = place.file(&Name::own().unwrap().to_string());
    fs::remove_file(&own).unwrap();
    let _other = UnixListener::bind(&own).unwrap();
    drop(endpoint);
    assert_eq!(place.names().len(), 1);
}

#[test]
fn s49_without_being_applied_nothing_is_there() {
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
