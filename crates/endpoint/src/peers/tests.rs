//! Peers that are nobody's, on this machine; real processes are asked by `scripts/peers`.

mod limits;
mod secret;
mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use memory_debug_core::{Collected, MemoryReport, Scope, instance_id};
use serde_json::{Value, json};

use super::*;
use crate::collect::{Collect, Shortage};
use crate::endpoint::Endpoint;
use crate::fleet::Whom;
use crate::fleet::fan_out::Ask as _;
use crate::fleet::stranger::{answer, read_request, serve};
use crate::flight::Flights;
use crate::limits::Limits;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;
use crate::reply_future::Outcome;

const OPERATOR: &str = "9vKq3x-PzL7_mT2wRb4y";
const SECRET: &str = "c6Zt-Qw8_nYr5LmKd2Hs";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

fn report_of(number: u32) -> Value {
    let mut report = report_as(&format!("{number:08x}-0000-4000-8000-000000000000"), 1);
    report["process"]["resident_bytes"] = json!(1000 + number);
    report
}

/// What the process of that id and number says.
fn report_as(id: &str, pid: u32) -> Value {
    json!({
        "schema": "memory-debug/v1", "instance": {"id": id, "pid": pid, "host": "node-7"},
        "collected_at": "", "duration_us": 0, "unavailable": {}, "process": {"resident_bytes": 1000},
    })
}

/// Collects a report of that number.
struct Reports(u32);

impl Collect for Reports {
    fn collect(&self, _: Scope) -> Collected {
        serde_json::from_value::<MemoryReport>(report_of(self.0)).unwrap().into()
    }
}

fn peers() -> Peers {
    Peers::new(SECRET).unwrap()
}

fn endpoint(peers: Peers) -> Endpoint {
    Endpoint::new(Credentials::new("ops", OPERATOR).unwrap()).collect_with(Reports(0)).peers(peers)
}

/// What an operator asks for all, not waited for yet.
fn begin(endpoint: &Endpoint, query: &str) -> Outcome {
    handle(endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", query)
}

/// What the endpoint replies to whom.
fn ask(endpoint: &Endpoint, login: &str, hop: Option<&str>, path: &str, query: &str) -> Reply {
    let outcome = handle(endpoint, login, hop, path, query);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome)
}

fn handle(endpoint: &Endpoint, login: &str, hop: Option<&str>, path: &str, query: &str) -> Outcome {
    let headers = |name: &str| match name {
        "authorization" => vec![login.as_bytes()],
        "memory-hop" => hop.iter().map(|hop| hop.as_bytes()).collect(),
        _ => Vec::new(),
    };
    endpoint.handle(RequestParts {
        method: "GET",
        authority: None,
        path,
        query: Some(query),
        headers: &headers,
        connection: Connection::default(),
    })
}

/// What an operator gets to know of all.
fn fleet_with(endpoint: &Endpoint, query: &str) -> Value {
    let query = format!("scope=peers&format=json{query}");
    let reply = ask(endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", &query);
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

fn fleet(peers: Peers) -> Value {
    fleet_with(&endpoint(peers), "")
}

/// Who is missing and why, by name.
fn missing(fleet: &Value) -> Vec<(&str, &str)> {
    let missing = fleet["missing"].as_array().unwrap().iter();
    missing
        .map(|missing| (missing["target"].as_str().unwrap(), missing["reason"].as_str().unwrap()))
        .collect()
}

/// The addresses of those that are in the sums.
fn targets(fleet: &Value) -> Vec<&str> {
    let instances = fleet["instances"].as_array().unwrap().iter();
    instances
        .flat_map(|one| one["targets"].as_array().unwrap())
        .map(|target| target.as_str().unwrap())
        .collect()
}

fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (listener, url)
}

/// A peer that answers each request with `answer`, and tells what it was asked.
fn peer(answer: Vec<u8>) -> (String, Receiver<String>) {
    let (listener, url) = listen();
    let asked = serve(move || listener.accept().map(|(stream, _)| stream), answer);
    (url, asked)
}

fn report(number: u32) -> Vec<u8> {
    answer(200, &report_of(number).to_string())
}

#[test]
fn all_who_are_named_are_in_the_sums_and_the_one_that_is_asked_too() {
    let (mut all, mut asked) = (peers(), Vec::new());
    for number in 1..=20 {
        let (url, peer) = peer(report(number));
        all = all.instance(url).unwrap();
        asked.push(peer);
    }
    let fleet = fleet(all);
    assert_eq!((&fleet["complete"], &fleet["scope"]), (&json!(true), &json!("peers")));
    assert_eq!(fleet["instances"].as_array().unwrap().len(), 21);
    let sum: u32 = (0..=20).map(|number| 1000 + number).sum();
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], sum);
    assert!(asked.iter().all(|asked| asked.recv().is_ok()));
}

#[test]
fn who_is_named_as_well_is_counted_once() {
    let (url, _asked) = peer(report(0));
    let fleet = fleet(peers().instance(&url).unwrap());
    assert_eq!(targets(&fleet), [url.as_str(), "this instance"]);
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], 1000);
}

#[test]
fn nobody_takes_the_place_of_the_one_that_is_asked() {
    /// Reports this process's own id.
    struct Own;
    impl Collect for Own {
        fn collect(&self, _: Scope) -> Collected {
            serde_json::from_value::<MemoryReport>(report_as(&instance_id().to_string(), 1)).unwrap().into()
        }
    }
    let mut lie = report_as(&instance_id().to_string(), 2);
    lie["process"]["resident_bytes"] = json!(7);
    let (url, _asked) = peer(answer(200, &lie.to_string()));
    let fleet = fleet_with(&endpoint(peers().instance(&url).unwrap()).collect_with(Own), "");
    assert_eq!((targets(&fleet), missing(&fleet)), (vec!["this instance"], vec![(url.as_str(), "foreign")]));
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], 1000);
}

#[test]
fn a_name_stands_for_each_of_its_addresses() {
    let (url, asked) = peer(report(1));
    let name = url.replace("127.0.0.1", "localhost");
    let fleet = fleet(peers().dns(&name).unwrap());
    let target = format!("{name} (127.0.0.1)");
    assert!(targets(&fleet).contains(&target.as_str()), "{fleet}");
    let host = name.strip_prefix("http://").unwrap();
    assert!(asked.recv().unwrap().contains(&format!("\r\nhost: {host}\r\n")), "it is asked by its name");
}

#[test]
fn a_name_without_addresses_is_missing() {
    let all = peers().dns("https://nowhere.invalid").unwrap().instance("https://neither.invalid:1").unwrap();
    let fleet = fleet(all);
    let missing = missing(&fleet);
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["https://neither.invalid:1", "https://nowhere.invalid:443"]);
    // Where no name server answers, that is only known in time if it says so.
    assert!(missing.iter().all(|(_, reason)| ["address", "deadline"].contains(reason)), "{missing:?}");
}

#[test]
fn who_names_nobody_has_no_peers() {
    let reply = ask(&endpoint(peers()), &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers");
    assert_eq!(reply.status, 501);
}

#[test]
fn a_peer_that_gives_fewer_rows_answers_with_those() {
    let endpoint = endpoint(peers()).limits(Limits::default().max_rows(5));
    let status =
        |login: &str| ask(&endpoint, login, Some("1"), "/debug/memory", "format=json&top=1000").status;
    assert_eq!((status(&basic(USER, SECRET)), status(&basic("ops", OPERATOR))), (200, 400));
}

/// Two instances that name each other, by their own pages.
#[test]
fn instances_answer_each_other() {
    let listeners = [listen(), listen()];
    let urls = listeners.each_ref().map(|(_, url)| url.clone());
    let named = |peers: Peers| urls.iter().try_fold(peers, |peers, url| peers.instance(url)).unwrap();
    let log = Arc::new(Mutex::new(Vec::new()));
    let mut endpoints = Vec::new();
    for (number, (listener, _)) in (0..).zip(listeners) {
        let endpoint = endpoint(named(peers())).collect_with(Reports(number));
        endpoints.push(endpoint.clone());
        let log = Arc::clone(&log);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (endpoint, log, mut stream) = (endpoint.clone(), Arc::clone(&log), stream.unwrap());
                thread::spawn(move || {
                    let request = read_request(&mut stream);
                    let login =
                        request.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap();
                    let target = request.split(' ').nth(1).unwrap();
                    let (path, query) = target.split_once('?').unwrap();
                    let reply = ask(&endpoint, login, Some("1"), path, query);
                    log.lock().unwrap().push(reply.status);
                    stream.write_all(&answer(reply.status, str::from_utf8(&reply.body).unwrap())).unwrap();
                });
            }
        });
    }
    for endpoint in &endpoints {
        let fleet = fleet_with(endpoint, "");
        assert_eq!((&fleet["complete"], fleet["instances"].as_array().unwrap().len()), (&json!(true), 2));
        assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], 2001);
    }
    assert_eq!(*log.lock().unwrap(), [200; 4]);
}
