//! Tests of an endpoint with peers, which are simulated on this machine. `memory-debug-fleet` tests the rest.

mod fleet;
mod secret;

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use memory_debug_core::{Collected, MemoryReport, Scope};
use serde_json::{Value, json};

use super::*;
use crate::collect::{Collect, Shortage};
use crate::endpoint::Endpoint;
use crate::fleet::{FleetMembers, FleetScope};
use crate::limits::Limits;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;
use crate::reply_future::ReplyFuture;
use crate::stranger::{answer, read_request, serve};

const OPERATOR: &str = "9vKq3x-PzL7_mT2wRb4y";

const SECRET: &str = "c6Zt-Qw8_nYr5LmKd2Hs";

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
}

fn report_of(number: u32) -> Value {
    json!({
        "schema": "memory-debug/v1",
        "instance": {"id": format!("{number:08x}-0000-4000-8000-000000000000"), "pid": 1, "host": "node-7"},
        "collected_at": "", "duration_us": 0, "unavailable": {}, "process": {"resident_bytes": 1000 + number},
    })
}

/// A collector whose report has this number.
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

/// Starts an operator's request for all peers, without waiting for the reply.
fn begin(endpoint: &Endpoint, query: &str) -> ReplyFuture {
    handle(endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", query)
}

/// The reply to a request with `login`.
fn ask(endpoint: &Endpoint, login: &str, hop: Option<&str>, path: &str, query: &str) -> Reply {
    let outcome = handle(endpoint, login, hop, path, query);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome)
}

fn handle(endpoint: &Endpoint, login: &str, hop: Option<&str>, path: &str, query: &str) -> ReplyFuture {
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

/// The merged report of all peers for an operator, as JSON.
fn fleet_with(endpoint: &Endpoint, query: &str) -> Value {
    let query = format!("scope=peers&format=json{query}");
    let reply = ask(endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", &query);
    assert_eq!(reply.status, 200, "{reply:?}");
    serde_json::from_slice(&reply.body).unwrap()
}

fn fleet(peers: Peers) -> Value {
    fleet_with(&endpoint(peers), "")
}

/// The names of the missing instances, and the reasons.
fn missing(fleet: &Value) -> Vec<(&str, &str)> {
    let missing = fleet["missing"].as_array().unwrap().iter();
    missing
        .map(|missing| (missing["target"].as_str().unwrap(), missing["reason"].as_str().unwrap()))
        .collect()
}

/// The addresses of the instances that answered.
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

/// Starts a peer that answers each request with `answer`. Returns its URL and the requests that arrive.
fn peer(answer: Vec<u8>) -> (String, Receiver<String>) {
    let (listener, url) = listen();
    let asked = serve(move || listener.accept().map(|(stream, _)| stream), answer);
    (url, asked)
}

fn report(number: u32) -> Vec<u8> {
    answer(200, &report_of(number).to_string())
}

#[test]
fn without_peers_the_fleet_of_peers_is_not_built_in() {
    let reply = ask(&endpoint(peers()), &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers");
    assert_eq!(reply.status, 501);
}

#[test]
fn a_peer_with_a_lower_row_limit_answers_with_fewer_rows() {
    let endpoint = endpoint(peers()).limits(Limits::default().max_rows(5));
    let status =
        |login: &str| ask(&endpoint, login, Some("1"), "/debug/memory", "format=json&top=1000").status;
    assert_eq!((status(&basic(USER, SECRET)), status(&basic("ops", OPERATOR))), (200, 400));
}

/// Two instances with real pages that name each other as peers.
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
