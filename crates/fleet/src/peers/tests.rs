//! Tests with simulated peers on this machine. `scripts/peers` asks real processes.

mod limits;
mod secret;
mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use memory_debug_core::instance_id;
use memory_debug_report::MissingReason;
use serde_json::{Value, json};

use super::*;
use crate::exchange::stranger::{answer, read_request, serve};
use crate::fan_out::Ask as _;
use crate::missing::Missing;
use crate::neighbours::{FleetQuery, Neighbours as _, PendingReport};

const SECRET: &str = "c6Zt-Qw8_nYr5LmKd2Hs";

fn report_of(number: u32) -> Value {
    let mut report = report_as(&format!("{number:08x}-0000-4000-8000-000000000000"), 1);
    report["process"]["resident_bytes"] = json!(1000 + number);
    report
}

/// The report of a process with the instance id `id` and the process id `pid`.
fn report_as(id: &str, pid: u32) -> Value {
    json!({
        "schema": "memory-debug/v1", "instance": {"id": id, "pid": pid, "host": "node-7"},
        "collected_at": "", "duration_us": 0, "unavailable": {}, "process": {"resident_bytes": 1000},
    })
}

fn caller() -> Caller {
    Caller::basic("memory-debug-peer", SECRET)
}

fn peers() -> Peers {
    Peers::new(caller())
}

/// The merged report of all peers as JSON, with `own` as the report of this process.
fn ask(peers: &Peers, own: impl Fn() -> PendingReport) -> Value {
    let query = FleetQuery {
        caller: None,
        base: "",
        rows: 1000,
        force: false,
        shows_host: true,
        deadline: Duration::from_secs(30),
    };
    serde_json::to_value(peers.ask(&query, &|| Ok(own())).unwrap()).unwrap()
}

fn ready(report: Value) -> PendingReport {
    Box::pin(async move { Ok(serde_json::from_value(report).unwrap()) })
}

fn fleet(peers: Peers) -> Value {
    ask(&peers, || ready(report_of(0)))
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
fn the_sums_include_all_peers_and_the_asked_instance() {
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
fn an_instance_that_lists_itself_as_a_peer_is_counted_once() {
    let (url, _asked) = peer(report(0));
    let fleet = fleet(peers().instance(&url).unwrap());
    assert_eq!(targets(&fleet), [url.as_str(), "this instance"]);
    assert_eq!(fleet["numbers"]["process.resident_bytes"]["sum"], 1000);
}

#[test]
fn a_peer_cannot_impersonate_the_asked_instance() {
    let own = instance_id().to_string();
    let mut lie = report_as(&own, 2);
    lie["process"]["resident_bytes"] = json!(7);
    let (url, _asked) = peer(answer(200, &lie.to_string()));
    let fleet = ask(&peers().instance(&url).unwrap(), || ready(report_as(&own, 1)));
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
    assert!(asked.recv().unwrap().contains(&format!("\r\nhost: {host}\r\n")), "`Host` has the name");
}

#[test]
fn a_name_without_addresses_is_missing() {
    let all = peers().dns("https://nowhere.invalid").unwrap().instance("https://neither.invalid:1").unwrap();
    let fleet = fleet(all);
    let missing = missing(&fleet);
    let names: Vec<_> = missing.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["https://neither.invalid:1", "https://nowhere.invalid:443"]);
    // Without a name server, the lookup may take longer than the deadline.
    assert!(missing.iter().all(|(_, reason)| ["address", "deadline"].contains(reason)), "{missing:?}");
}

#[test]
fn s43_s47_an_own_report_that_hangs_or_fails_does_not_hide_the_peers() {
    let hangs: fn() -> PendingReport = || Box::pin(std::future::pending());
    let fails: fn() -> PendingReport =
        || Box::pin(async { Err(Missing::new(MissingReason::Refused, "a failure")) });
    for (own, reason) in [(hangs, "deadline"), (fails, "refused")] {
        let (url, _asked) = peer(report(1));
        let fleet = ask(&peers().instance(&url).unwrap(), own);
        assert_eq!((missing(&fleet), targets(&fleet)), (vec![("this instance", reason)], vec![url.as_str()]));
    }
}
