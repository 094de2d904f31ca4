//! Peers that are nobody's, on this machine; real processes are asked by `scripts/peers`.

mod tls;

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use memory_debug_core::Scope;
use serde_json::{Value, json};

use super::*;
use crate::collect::{Collect, Shortage};
use crate::endpoint::Endpoint;
use crate::fleet::Whom;
use crate::fleet::fan_out::Ask as _;
use crate::flight::Flights;
use crate::limits::Limits;
use crate::outcome::Outcome;
use crate::parts::{Connection, RequestParts};
use crate::reply::Reply;

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

/// Collects a report of that number.
struct Reports(u32);

impl Collect for Reports {
    fn collect(&self, _: Scope) -> MemoryReport {
        serde_json::from_value(report_of(self.0)).unwrap()
    }
}

/// The same where there is too little memory for it.
struct NoRoom;

impl Collect for NoRoom {
    fn collect(&self, scope: Scope) -> MemoryReport {
        Reports(0).collect(scope)
    }

    fn headroom(&self, _: Scope) -> Result<(), Shortage> {
        Err(Shortage { needed_bytes: 7, available_bytes: 5 })
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
    let (sender, asked) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let request = read_request(&mut stream);
            // Whoever does not like the beginning does not wait for the end.
            let _ = stream.write_all(&answer);
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    (url, asked)
}

fn read_request(stream: &mut impl Read) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    String::from_utf8(request).unwrap()
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status} \r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
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
    let expected = [("https://neither.invalid:1", "address"), ("https://nowhere.invalid:443", "address")];
    assert_eq!(missing(&fleet(all)), expected);
}

#[test]
fn s16_peers_are_sent_their_own_secret_and_never_the_callers_login() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(format!("{url}/internal/m")).unwrap());
    let expected = format!(
        "GET /internal/m?format=json&top=1000 HTTP/1.1\r\nhost: {}\r\nmemory-hop: 1\r\nconnection: close\r\n\
         authorization: {}\r\n\r\n",
        url.strip_prefix("http://").unwrap(),
        basic("memory-debug-peer", SECRET)
    );
    // Nothing of the request goes any further, force neither.
    for query in ["", "&top=3&filter=x", "&force=true"] {
        fleet_with(&endpoint, query);
        assert_eq!(asked.recv().unwrap(), expected, "{query}");
    }
}

#[test]
fn s16_nothing_shows_the_secret() {
    let peers = peers().instance("https://10.0.0.7").unwrap();
    let own = Flights::of_process(&None, Limits::default());
    let whom = Whom::Peers { peers: Arc::new(peers.clone()), own };
    let question = Question { caller: peers.caller(), rows: 1, tls: None };
    let shown = format!("{peers:#?} {whom:?} {question:?} {:?}", endpoint(peers.clone()));
    for secret in [SECRET, OPERATOR, &BASE64_STANDARD.encode(format!("{USER}:{SECRET}"))[..]] {
        assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", secret.as_bytes())), "{shown}");
    }
    assert!(shown.contains("10.0.0.7"), "{shown}");
}

#[test]
fn s15_the_secret_opens_the_overview_alone_and_for_peers_alone() {
    let endpoint = endpoint(peers()).types_need(Role::Profile);
    let status = |secret: &str, hop, path: &str, query: &str| {
        ask(&endpoint, &basic("memory-debug-peer", secret), hop, path, query).status
    };
    for hop in ["1", "2", "", "x"] {
        assert_eq!(status(SECRET, Some(hop), "/debug/memory", "format=json&top=1000"), 200, "{hop}");
    }
    assert_eq!(status(SECRET, None, "/debug/memory", "format=json"), 403);
    assert_eq!(status(SECRET, Some("1"), "/debug/memory", "force=true"), 403);
    for page in [
        "stats",
        "types",
        "doctor",
        "heap",
        "snapshots",
        "metrics",
        "profiling",
        "leaks",
        "fleet",
        "diff?base=first",
    ] {
        let (page, query) = page.split_once('?').unwrap_or((page, ""));
        for (hop, query) in [
            (Some("1"), query.to_owned()),
            (None, query.to_owned()),
            (Some("1"), format!("scope=peers&{query}")),
        ] {
            let status = status(SECRET, hop, &format!("/debug/memory/{page}"), &query);
            assert!(status == 403 || status == 400 && query.starts_with("scope"), "{page}?{query}: {status}");
        }
    }
    for wrong in ["", "c6Zt-Qw8_nYr5LmKd2HS", OPERATOR] {
        assert_eq!(status(wrong, Some("1"), "/debug/memory", ""), 401, "{wrong}");
    }
    assert_eq!(ask(&endpoint, &basic("ops", SECRET), Some("1"), "/debug/memory", "").status, 401);
}

#[test]
fn s14_two_secrets_are_accepted_while_they_change() {
    let new = "tB4x_Vh9-JmWq3PsZr7N";
    let endpoint = endpoint(peers().accept(new).unwrap());
    for secret in [SECRET, new] {
        assert_eq!(ask(&endpoint, &basic(USER, secret), Some("1"), "/debug/memory", "").status, 200);
    }
    let many = (0..8).try_fold(peers(), |peers, number| peers.accept(format!("{number}{new}")));
    assert!(many.is_err());
}

#[test]
fn s16_a_secret_that_is_an_operators_password_is_not_sent() {
    let (url, asked) = peer(report(1));
    let operators = Credentials::new("ops", OPERATOR).unwrap();
    let peers = peers().instance(url).unwrap();
    let endpoint = Endpoint::new(operators.clone()).collect_with(Reports(0)).peers(peers);
    let status =
        |password| ask(&endpoint, &basic("ops", password), None, "/debug/memory/fleet", "scope=peers").status;
    assert_eq!(status(OPERATOR), 200);
    asked.recv().unwrap();
    operators.replace(Credentials::new("ops", SECRET).unwrap());
    assert_eq!(status(SECRET), 503);
    assert!(asked.try_recv().is_err());
}

#[test]
fn who_is_asked_for_others_asks_nobody() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(url).unwrap());
    let login = basic("ops", OPERATOR);
    assert_eq!(ask(&endpoint, &login, Some("1"), "/debug/memory/fleet", "scope=peers").status, 400);
    assert!(asked.try_recv().is_err());
}

#[test]
fn peers_are_named_by_the_configuration_alone() {
    let (elsewhere, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance("https://nowhere.invalid").unwrap());
    for parameter in ["peer", "peers", "instance", "url", "target"] {
        let query = format!("scope=peers&{parameter}={elsewhere}");
        let reply = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", &query);
        assert_eq!(reply.status, 400, "{parameter}");
    }
    assert!(asked.try_recv().is_err());
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, asked) = peer(report(1));
    let head = |status| {
        format!("HTTP/1.1 {status} \r\nlocation: {elsewhere}/debug/memory\r\ncontent-length: 0\r\n\r\n")
    };
    let (mut all, mut expected) = (peers(), Vec::new());
    for status in [301, 302, 303, 307, 308] {
        let (url, _) = peer(head(status).into_bytes());
        all = all.instance(&url).unwrap();
        expected.push((url, "refused"));
    }
    expected.sort();
    let fleet = fleet(all);
    assert_eq!(missing(&fleet), expected.iter().map(|(url, why)| (url.as_str(), *why)).collect::<Vec<_>>());
    assert!(asked.try_recv().is_err());
}

#[test]
fn an_answer_that_is_too_long_or_no_report_is_not_taken() {
    let answers = [
        (answer(200, &" ".repeat(5 << 20)), "too-long"),
        (answer(200, &json!({"schema": "memory-debug/v2"}).to_string()), "no-report"),
        (b"\0\xff\r\n\r\n".to_vec(), "no-report"),
        (answer(200, &"[".repeat(100_000)), "no-report"),
        (answer(401, ""), "unauthorized"),
        (answer(403, ""), "forbidden"),
        (answer(503, ""), "refused"),
        (Vec::new(), "no-report"),
    ];
    let (mut all, mut expected) = (peers(), Vec::new());
    for (answer, reason) in answers {
        let (url, _) = peer(answer);
        all = all.instance(&url).unwrap();
        expected.push((url, reason));
    }
    let (nobody, gone) = listen();
    drop(nobody);
    all = all.instance(&gone).unwrap();
    expected.push((gone, "unreachable"));
    expected.sort();
    let fleet = fleet(all);
    assert_eq!(missing(&fleet), expected.iter().map(|(url, why)| (url.as_str(), *why)).collect::<Vec<_>>());
    assert_eq!((targets(&fleet), &fleet["complete"]), (vec!["this instance"], &json!(false)));
}

#[test]
fn one_that_does_not_answer_or_never_ends_is_missing_by_its_deadline() {
    let ((_stopped, silent), (trickling, slow)) = (listen(), listen());
    thread::spawn(move || {
        let (mut stream, _) = trickling.accept().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nx: ").unwrap();
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(10));
        }
    });
    let fleet = fleet(peers().instance(&silent).unwrap().instance(&slow).unwrap());
    let mut expected = [(silent.as_str(), "deadline"), (slow.as_str(), "deadline")];
    expected.sort();
    assert_eq!(missing(&fleet), expected);
}

#[test]
fn at_most_eight_are_asked_at_once() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut all = peers();
    for number in 1..=24 {
        let (listener, url) = listen();
        let (now, most) = (Arc::clone(&now), Arc::clone(&most));
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            read_request(&mut stream);
            thread::sleep(Duration::from_millis(20));
            now.fetch_sub(1, Ordering::SeqCst);
            stream.write_all(&report(number)).unwrap();
        });
        all = all.instance(url).unwrap();
    }
    assert_eq!(fleet(all)["instances"].as_array().unwrap().len(), 25);
    let most = most.load(Ordering::SeqCst);
    assert!((1..=8).contains(&most), "{most}");
}

#[test]
fn no_more_are_named_than_are_asked() {
    let name = |peers: Peers, number: usize| {
        peers.instance(format!("https://10.0.{}.{}", number / 256, number % 256))
    };
    let all = (0..MAX_PEERS).try_fold(peers(), name).unwrap();
    assert_eq!(name(all, MAX_PEERS).unwrap_err().kind(), ConfigErrorKind::InvalidPeer);
}

#[test]
fn more_addresses_than_are_asked_are_counted() {
    let address = Address::parse("https://shop-headless").unwrap();
    let named = Named { address, is_each: true, may_leave: false };
    let of = |number: usize| Peer::new(number.to_string(), &named, None);
    for (found, detail) in
        [(MAX_PEERS, None), (MAX_PEERS + 7, Some("7 more were found than the 256 that are asked"))]
    {
        let (mut peers, mut fleet) = ((0..found).map(of).collect(), Fleet::new("peers"));
        limit(&mut peers, &mut fleet);
        assert_eq!(peers.len(), MAX_PEERS);
        let missing = fleet.finish().missing;
        assert_eq!(missing.first().map(|missing| missing.detail.as_str()), detail);
    }
}

#[test]
fn s40_an_answer_is_shared_by_those_who_ask_the_same_peers() {
    let (one, other) = (Arc::new(peers()), Arc::new(peers()));
    let flights = |rows| Flights::of_process(&None, Limits::default().max_rows(rows));
    let (here, elsewhere) = (flights(1), flights(2));
    let whom =
        |peers: &Arc<Peers>, own: &Arc<Flights>| Whom::Peers { peers: peers.clone(), own: own.clone() };
    assert_eq!(whom(&one, &here), whom(&one, &here));
    assert_ne!(whom(&one, &here), whom(&other, &here));
    assert_ne!(whom(&one, &here), whom(&one, &elsewhere));
}

#[test]
fn s17_the_secret_crosses_no_network_in_the_clear_unless_it_is_meant_to() {
    for url in ["http://10.0.0.7", "http://shop-1.internal:8080", "http://[2001:db8::7]"] {
        let refused = peers().instance(url).unwrap_err();
        assert!(refused.to_string().contains("allow_plain_http"), "{refused}");
        assert!(peers().dns(url).is_err() && peers().allow_plain_http().instance(url).is_ok(), "{url}");
    }
    // A name server that says that `localhost` is elsewhere is not believed.
    let address = Address::parse("http://localhost:1").unwrap();
    let named = Named { address, is_each: true, may_leave: false };
    let elsewhere = Peer::new(String::new(), &named, Some(([192, 0, 2, 7], 1).into()));
    let question = Question { caller: peers().caller(), rows: 1, tls: None };
    let answer = question.ask(&elsewhere, Instant::now() + Duration::from_secs(60));
    assert_eq!(answer.unwrap().unwrap_err().0, MissingReason::Tls);
    // What may leave is what was named after it was allowed to.
    let both = peers().instance("http://localhost:1").unwrap().allow_plain_http();
    let both = both.instance("http://localhost:2").unwrap();
    assert_eq!(both.named.iter().map(|named| named.may_leave).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn s17_by_plain_http_only_this_machine_is_asked_unless_it_is_meant_to_be() {
    let asked = |url: &str, may_leave, found: [u8; 4]| {
        let named = Named { address: Address::parse(url).unwrap(), is_each: true, may_leave };
        Peer::new(String::new(), &named, None).may_be_asked_at(found.into())
    };
    let (here, elsewhere) = ([127, 0, 0, 1], [192, 0, 2, 7]);
    assert!(asked("http://localhost", false, here) && !asked("http://localhost", false, elsewhere));
    assert!(asked("http://shop", true, elsewhere));
    assert!(asked("https://shop", false, elsewhere));
}

#[test]
fn s63_a_login_in_an_address_is_refused_and_not_repeated() {
    let refused = peers().instance("https://ops:hunter2hunter2@shop").unwrap_err();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}

#[test]
fn s62_addresses_are_named_only_where_the_host_may_be() {
    let (url, _asked) = peer(report(1));
    let all = peers().instance(&url).unwrap().dns("https://nowhere.invalid").unwrap();
    let all = all.dns(url.replace("127.0.0.1", "localhost")).unwrap();
    let hidden = fleet_with(&endpoint(all.clone()).show_host(false), "");
    let shown = hidden.to_string();
    for host in ["127.0.0.1", "localhost", "nowhere", "node-7", "::1"] {
        assert!(!shown.contains(host), "{host}: {shown}");
    }
    assert!(
        targets(&hidden).contains(&"peer 1") && missing(&hidden).contains(&("peers 2", "address")),
        "{shown}"
    );
    assert!(fleet(all).to_string().contains("127.0.0.1"));
}

#[test]
fn s44_with_too_little_memory_here_nobody_is_asked_unless_it_is_forced() {
    let (url, asked) = peer(report(1));
    let endpoint = endpoint(peers().instance(&url).unwrap()).collect_with(NoRoom);
    let reply = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers");
    assert_eq!(reply.status, 503);
    assert!(asked.try_recv().is_err());
    assert_eq!(missing(&fleet_with(&endpoint, "&force=true")), []);
}

/// Never comes to an end.
struct Hangs;

impl Collect for Hangs {
    fn collect(&self, _: Scope) -> MemoryReport {
        loop {
            thread::park();
        }
    }
}

/// Fails.
struct Fails;

impl Collect for Fails {
    fn collect(&self, _: Scope) -> MemoryReport {
        panic!("as a test wants it");
    }
}

#[test]
fn s43_s47_a_collection_here_that_hangs_or_fails_keeps_nobody_from_the_others() {
    for (collector, reason) in [(0, "deadline"), (1, "refused")] {
        let (url, _asked) = peer(report(1));
        let endpoint = endpoint(peers().instance(&url).unwrap());
        let endpoint =
            if collector == 0 { endpoint.collect_with(Hangs) } else { endpoint.collect_with(Fails) };
        let fleet = fleet_with(&endpoint, "");
        assert_eq!((missing(&fleet), targets(&fleet)), (vec![("this instance", reason)], vec![url.as_str()]));
    }
}

#[test]
fn s40_those_who_ask_together_are_answered_from_one_look_at_the_peers() {
    let (listener, url) = listen();
    let (sender, asked) = channel();
    let go_on = Arc::new(std::sync::Barrier::new(2));
    let waits = Arc::clone(&go_on);
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            read_request(&mut stream);
            sender.send(()).unwrap();
            if number == 0 {
                waits.wait();
            }
            stream.write_all(&report(1)).unwrap();
        }
    });
    let endpoint = endpoint(peers().instance(&url).unwrap());
    thread::scope(|scope| {
        let first = scope.spawn(|| fleet_with(&endpoint, ""));
        // While that one waits for the peer, others come who want other parts of it.
        asked.recv().unwrap();
        let others: Vec<_> = (1..8)
            .map(|top| {
                let endpoint = endpoint.clone();
                let asked_for = begin(&endpoint, &format!("scope=peers&format=json&top={top}"));
                (top, asked_for)
            })
            .collect();
        go_on.wait();
        assert_eq!(targets(&first.join().unwrap()).len(), 2);
        for (_, outcome) in others {
            let reply = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome);
            assert_eq!(reply.status, 200);
        }
    });
    assert_eq!(asked.try_iter().count(), 1, "seven views of one look");
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

#[test]
fn s15_names_of_types_are_for_those_who_may_know_them_here() {
    let readers = Credentials::new("ops", OPERATOR).unwrap().role(Role::Read);
    let endpoint = Endpoint::new(readers).collect_with(Reports(0)).peers(peers()).types_need(Role::Profile);
    let status = ask(&endpoint, &basic("ops", OPERATOR), None, "/debug/memory/fleet", "scope=peers").status;
    assert_eq!(status, 403);
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
