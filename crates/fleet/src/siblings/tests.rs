//! Tests with simulated siblings in a temporary directory. `scripts/siblings` asks real processes.

use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde_json::{Value, json};

use super::name::Name;
use super::*;
use crate::caller::Caller;
use crate::exchange::FOR_ALL;
use crate::exchange::stranger::{answer, read_request, serve};
use crate::missing::Missing;
use crate::random::generate_password;
use crate::serve::{SiblingReply, SiblingRequest};

/// `ops:9vKq3x-PzL7_mT2wRb4y`
const RIGHT: &str = "Basic b3BzOjl2S3EzeC1Qekw3X21UMndSYjR5";

fn report_of(number: u32) -> Value {
    json!({
        "schema": "memory-debug/v1",
        "instance": {"id": format!("{number:08x}-0000-4000-8000-000000000000"), "pid": 1}, "collected_at": "",
        "duration_us": 0, "unavailable": {}, "process": {"resident_bytes": 1000 + number},
    })
}

/// Answers requests for this process with its report, if the login is right.
struct Own;

impl AnswerSiblings for Own {
    fn has_path(&self, path: &str) -> bool {
        path.starts_with("/debug/memory")
    }

    fn answer(&self, request: &SiblingRequest<'_>) -> SiblingReply {
        assert!(!(request.headers)("memory-hop").is_empty(), "the request must not be forwarded");
        let is_right = (request.headers)("authorization") == [RIGHT.as_bytes()];
        let (status, body) = if is_right { (200, report_of(0).to_string()) } else { (401, String::new()) };
        SiblingReply { status, headers: Vec::new(), body: Box::new(body) }
    }

    fn cannot_listen(&self, _: &str) {}
}

pub(super) fn own() -> Arc<dyn AnswerSiblings> {
    Arc::new(Own)
}

/// A path for a directory that does not exist yet, in a temporary folder that is removed on drop.
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
        // The second try also removes a socket that was closed in the meantime.
        let _ = fs::remove_dir_all(&self.0).or_else(|_| fs::remove_dir_all(&self.0));
    }
}

/// The siblings in the directory, with a listener in this process.
fn listening(place: &Place) -> Arc<Siblings> {
    let siblings = Siblings::of_process(place.directory()).unwrap();
    siblings.start(own);
    siblings.listener().wait(Instant::now() + FOR_ALL).unwrap();
    siblings
}

fn ask(siblings: &Siblings, force: bool) -> Result<FleetReport, CannotAsk> {
    let caller = Caller::new(RIGHT.into());
    let query = FleetQuery {
        caller: Some(&caller),
        base: "/debug/memory",
        rows: 1000,
        force,
        shows_host: true,
        deadline: Duration::from_secs(30),
    };
    siblings.ask(&query, &|| Err(Missing::no_report("is asked over the socket")))
}

fn fleet(siblings: &Siblings) -> Value {
    serde_json::to_value(ask(siblings, false).unwrap()).unwrap()
}

/// The names of the missing instances, and the reasons.
fn missing(fleet: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let missing = fleet["missing"].as_array().unwrap().iter();
    missing.map(|missing| (text(&missing["target"]), text(&missing["reason"]))).collect()
}

/// Another socket name of this process, different from the name that it listens under.
fn name(number: u32) -> Name {
    Name { id: format!("{number:08x}"), ..Name::own().unwrap() }
}

/// Starts a sibling that answers each request with `answer`. Returns the requests that arrive.
fn sibling(place: &Place, name: &Name, answer: Vec<u8>) -> Receiver<String> {
    let listener = UnixListener::bind(place.file(&name.to_string())).unwrap();
    serve(move || listener.accept().map(|(stream, _)| stream), answer)
}

/// The reply of this process's socket to a raw request.
fn raw(place: &Place, request: &[u8]) -> String {
    let mut stream = UnixStream::connect(place.file(&Name::own().unwrap().to_string())).unwrap();
    // Fails if the connection is closed early.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[test]
fn the_sums_include_all_siblings_and_the_asked_process() {
    let place = Place::new();
    let siblings = listening(&place);
    let asked: Vec<_> = (1..=20)
        .map(|number| sibling(&place, &name(number), answer(200, &report_of(number).to_string())))
        .collect();
    let fleet = fleet(&siblings);
    assert_eq!((&fleet["complete"], &fleet["scope"]), (&json!(true), &json!("host")));
    assert_eq!(fleet["instances"].as_array().unwrap().len(), 21);
    let sum: u32 = (0..=20).map(|number| 1000 + number).sum();
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], sum);
    assert!(asked.iter().all(|asked| asked.recv().is_ok()));
}

#[test]
fn s16_siblings_are_asked_with_the_callers_login_and_only_for_themselves() {
    let place = Place::new();
    let siblings = listening(&place);
    let asked = sibling(&place, &name(1), answer(200, &report_of(1).to_string()));
    ask(&siblings, false).unwrap();
    let expected = format!(
        "GET /debug/memory?format=json&top=1000 HTTP/1.1\r\nhost: localhost\r\nmemory-hop: 1\r\n\
         connection: close\r\nauthorization: {RIGHT}\r\n\r\n"
    );
    assert_eq!(asked.recv().unwrap(), expected);
    ask(&siblings, true).unwrap();
    assert!(
        asked.recv().unwrap().starts_with("GET /debug/memory?format=json&top=1000&force=true HTTP/1.1\r\n")
    );
}

#[test]
fn the_directory_is_created_private() {
    let place = Place::new();
    let _siblings = listening(&place);
    let made = fs::symlink_metadata(place.directory()).unwrap();
    assert_eq!((made.is_dir(), made.mode() & 0o777), (true, 0o700));
    let socket = fs::symlink_metadata(place.file(&Name::own().unwrap().to_string())).unwrap();
    assert_eq!(socket.mode() & 0o777, 0o600);
}

#[test]
fn a_directory_that_is_open_to_others_or_is_a_link_or_a_file_is_refused() {
    let refused = |prepare: fn(&Path), slash: &str| {
        let place = Place::new();
        prepare(&place.directory());
        let directory = format!("{}{slash}", place.directory().display());
        let siblings = Siblings::of_process(directory.into()).unwrap();
        siblings.start(own);
        let Err(CannotAsk::Unavailable(reason)) = ask(&siblings, false) else {
            panic!("the directory was accepted")
        };
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
        assert!(refused(link, slash).contains("or is not a directory"));
    }
    assert!(refused(|path| fs::write(path, "").unwrap(), "").contains("or is not a directory"));
}

#[test]
fn the_next_request_removes_the_socket_of_a_process_that_has_ended() {
    let place = Place::new();
    let siblings = listening(&place);
    let earlier = Name { start: 1, ..name(2) };
    for name in [name(1), earlier] {
        drop(UnixListener::bind(place.file(&name.to_string())).unwrap());
    }
    let fleet = fleet(&siblings);
    assert_eq!((&fleet["complete"], missing(&fleet)), (&json!(true), Vec::new()));
    assert_eq!(place.names(), [Name::own().unwrap().to_string()]);
}

#[test]
fn a_process_that_starts_to_listen_removes_leftover_sockets() {
    let place = Place::new();
    fs::DirBuilder::new().mode(0o700).create(place.directory()).unwrap();
    drop(UnixListener::bind(place.file(&name(1).to_string())).unwrap());
    fs::write(place.file("9-9-00000009.sock"), "not a socket").unwrap();
    let _siblings = listening(&place);
    // The leftover socket is removed before the new socket gets its final name.
    let mut expected = ["9-9-00000009.sock".to_owned(), Name::own().unwrap().to_string()];
    expected.sort();
    assert_eq!(place.names(), expected);
}

#[test]
fn a_later_process_with_the_same_id_is_not_mistaken_for_the_earlier_one() {
    let place = Place::new();
    let siblings = listening(&place);
    let later = Name { start: 1, ..name(1) };
    let asked = sibling(&place, &later, answer(200, &report_of(1).to_string()));
    assert_eq!(missing(&fleet(&siblings)), [(later.to_string(), "foreign".to_owned())]);
    assert!(asked.try_recv().is_err(), "no password is sent to it");
    assert!(place.names().contains(&later.to_string()), "a process still listens on it");
}

#[test]
fn planted_files_are_reported_and_neither_followed_nor_removed() {
    let place = Place::new();
    let siblings = listening(&place);
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
    let fleet = fleet(&siblings);
    let mut named: Vec<_> = missing(&fleet);
    named.sort();
    let mut expected: Vec<_> = (1..=4).map(|number| name(number).to_string()).collect();
    expected.push("other.sock".to_owned());
    expected.sort();
    let expected: Vec<_> = expected.into_iter().map(|name| (name, "foreign".to_owned())).collect();
    assert_eq!(named, expected);
    assert_eq!(place.names(), before);
    assert!(outside.accept().is_err() && unnamed.accept().is_err(), "neither socket was asked");
}

#[test]
fn names_beyond_the_limit_are_counted_and_the_own_socket_is_asked_first() {
    let place = Place::new();
    let siblings = listening(&place);
    (0..300).for_each(|number| fs::write(place.file(&format!("!{number}")), "").unwrap());
    let fleet = fleet(&siblings);
    assert_eq!(fleet["instances"].as_array().unwrap().len(), 1);
    let missing = missing(&fleet);
    assert_eq!(missing.len(), 255 + 1);
    assert!(missing.contains(&("the directory".to_owned(), "too-many".to_owned())));
    assert!(fleet.to_string().contains("it has 45 names more than the limit of 256"));
}

#[test]
fn a_sibling_that_never_answers_or_never_finishes_is_missing_after_its_deadline() {
    let place = Place::new();
    let siblings = listening(&place);
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
    let fleet = fleet(&siblings);
    let expected = [stopped, slow].map(|name| (name.to_string(), "deadline".to_owned()));
    assert_eq!((fleet["instances"].as_array().unwrap().len(), missing(&fleet)), (1, expected.to_vec()));
}

#[test]
fn a_sibling_whose_queue_is_full_is_missing_after_its_deadline() {
    let place = Place::new();
    let siblings = listening(&place);
    let path = place.file(&name(1).to_string());
    let stopped = UnixListener::bind(&path).unwrap();
    rustix::net::listen(&stopped, 0).unwrap();
    let _queued = UnixStream::connect(&path).unwrap();
    assert_eq!(missing(&fleet(&siblings)), [(name(1).to_string(), "deadline".to_owned())]);
}

#[test]
fn an_answer_that_is_too_long_or_not_a_report_is_refused() {
    let place = Place::new();
    let siblings = listening(&place);
    let other_schema = json!({"schema": "memory-debug/v2"}).to_string();
    for (number, answer, _) in answers(&other_schema) {
        sibling(&place, &name(number), answer);
    }
    let expected: Vec<_> = answers(&other_schema)
        .map(|(number, _, reason)| (name(number).to_string(), reason.to_owned()))
        .into_iter()
        .collect();
    assert_eq!(missing(&fleet(&siblings)), expected);

    fn answers(other_schema: &str) -> [(u32, Vec<u8>, &'static str); 6] {
        [
            (1, answer(200, &" ".repeat(5 << 20)), "too-long"),
            (2, answer(200, other_schema), "no-report"),
            (3, b"\0\xff\r\n\r\n".to_vec(), "no-report"),
            (4, answer(200, &"[".repeat(100_000)), "no-report"),
            (5, answer(401, ""), "unauthorized"),
            (6, Vec::new(), "no-report"),
        ]
    }
}

#[test]
fn at_most_eight_siblings_are_asked_at_once() {
    let place = Place::new();
    let siblings = listening(&place);
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
    assert_eq!(fleet(&siblings)["instances"].as_array().unwrap().len(), 25);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most}");
}

#[test]
fn a_malformed_or_overlong_request_gets_no_reply_but_the_next_request_does() {
    let place = Place::new();
    let _siblings = listening(&place);
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
fn silent_connections_do_not_block_others_forever() {
    let place = Place::new();
    let _siblings = listening(&place);
    let path = place.file(&Name::own().unwrap().to_string());
    let _silent: Vec<_> = (0..20).map(|_| UnixStream::connect(&path).unwrap()).collect();
    assert!(raw(&place, b"GET /debug/memory HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 401 \r\n"));
}

#[test]
fn unused_siblings_are_forgotten() {
    let mut known = Vec::new();
    let one = Siblings::find_or_add(&mut known, "/one".into());
    drop(Siblings::find_or_add(&mut known, "/another".into()));
    assert!(Arc::ptr_eq(&one, &Siblings::find_or_add(&mut known, "/one".into())));
    assert_eq!(known.len(), 1);
}

#[test]
fn a_socket_that_replaced_the_own_socket_is_left_alone() {
    let place = Place::new();
    let siblings = listening(&place);
    let own = place.file(&Name::own().unwrap().to_string());
    fs::remove_file(&own).unwrap();
    let _other = UnixListener::bind(&own).unwrap();
    drop(siblings);
    assert_eq!(place.names().len(), 1);
}
