//! The heap in the formats of other tools: with and without addresses, as growth, and at the paths of Go.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use axum::Router;
use axum_service::{AppState, Config, OptIns, app_with};
use memory_debug_axum::{Collect, Collected, Collector, MemoryDebugLayer, Scope};
use memory_debug_core::HeapProfile;
use memory_debug_tests::{Connection, OwnProcess, Request, Response, Server, credentials, within_limit};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

use crate::protobuf::Message;
use crate::secrets::{assert_no_address, mapped_ranges};
use crate::shop;
use crate::snapshots::unpacked;

const ALIASES: [&str; 2] = ["/debug/pprof/heap", "/debug/pprof/allocs"];

/// The shop with all optional pages enabled.
async fn open_shop() -> Server {
    let opt_ins = OptIns { raw_addresses: true, pprof_aliases: true, ..OptIns::default() };
    Server::start(app_with(&AppState::start(&Config::small()), credentials(), opt_ins)).await
}

async fn get(server: &Server, target: &str) -> Response {
    let response = server.send(Request::get(target).authorized()).await;
    assert_eq!(response.status, 200, "{target}: {response}");
    response
}

/// The names of the values, and the value that readers show first.
fn value_names(profile: &Message) -> (Vec<String>, String) {
    let strings = profile.strings();
    let names = profile.messages(1).map(|value| strings[value.number(1) as usize].clone()).collect();
    (names, strings[profile.number(14) as usize].clone())
}

/// Whether the bytes contain an address of this process in any encoding that a format could use: a varint or
/// eight bytes.
fn has_address(bytes: &[u8]) -> bool {
    let ranges = mapped_ranges();
    let is_address = |number: u64| ranges.iter().any(|range| range.contains(&number));
    (0..bytes.len()).any(|at| {
        let rest = &bytes[at..];
        let fixed = rest.first_chunk().is_some_and(|bytes| is_address(u64::from_le_bytes(*bytes)));
        let length = rest.iter().take_while(|byte| **byte >= 0x80).count() + 1;
        let varint = rest.get(..length.min(10)).unwrap_or_default().iter().rev();
        let varint = varint.fold(0_u64, |number, byte| number << 7 | u64::from(byte & 0x7f));
        fixed || is_address(varint)
    })
}

#[tokio::test]
async fn s60_no_profile_for_pprof_has_an_address_of_this_process() {
    let own = s60_no_profile_for_pprof_has_an_address_of_this_process as *const () as u64;
    assert!(has_address(&own.to_le_bytes()), "the search finds an address");
    for target in ["?symbols=inline", "?symbols=functions", "?symbols=none", "?seconds=1&symbols=none"] {
        let profile = shop::get(&format!("/debug/memory/heap{target}")).await;
        let unpacked = unpacked(&profile);
        let locations = Message::parse(&unpacked).messages(4).count();
        // Nothing allocates, so nothing grows.
        assert!(locations > 0 || target.contains("seconds"), "{target} has positions in files");
        assert!(!has_address(&unpacked), "{target}");
    }
    let json = shop::get("/debug/memory/heap?seconds=1&format=json").await;
    assert_no_address(&json.to_string());
}

#[tokio::test]
async fn s60_the_raw_dump_has_addresses_and_is_available_only_if_enabled() {
    let refused = shop::send(Request::get("/debug/memory/heap?format=raw").authorized()).await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("Endpoint::allow_raw_addresses()"), "{refused}");

    let server = open_shop().await;
    let raw = get(&server, "/debug/memory/heap?format=raw").await;
    assert_eq!(raw.header("content-disposition").as_deref(), Some("attachment; filename=\"jeprof.heap\""));
    let profile = HeapProfile::parse(&raw.body[..]).unwrap();
    assert_eq!(profile.sample_rate().bytes(), 4096);
    let ranges = mapped_ranges();
    for stack in profile.stacks() {
        for address in stack.addresses {
            assert!(ranges.iter().any(|range| range.contains(address)), "{address:#x}");
        }
    }
    // Every stack has code in a file that the dump names, so that `jeprof` finds it.
    assert!(profile.stacks().len() > 10);
    let has_file = |address: &u64| profile.mapping_of(*address).is_some();
    assert!(profile.stacks().all(|stack| stack.addresses.iter().any(has_file)));
    let mut again = Vec::new();
    profile.write_raw(&mut again).unwrap();
    assert_eq!(again, raw.body);
}

#[tokio::test]
async fn aliases_serve_the_heap_for_pprof_if_enabled() {
    let server = open_shop().await;
    for alias in ALIASES {
        assert_eq!(shop::send(Request::get(alias).authorized()).await.status, 404, "the application answers");
        assert_eq!(server.send(Request::get(alias)).await.status, 401);
        let profile = get(&server, alias).await;
        assert_eq!(profile.header("content-type").as_deref(), Some("application/octet-stream"));
        let (names, first) = value_names(&Message::parse(&unpacked(&profile)));
        assert_eq!(
            (names, first.as_str()),
            (vec!["inuse_objects".into(), "inuse_space".into()], "inuse_space")
        );
        let text = get(&server, &format!("{alias}?debug=1")).await;
        assert!(text.text().contains(" stacks · sampled 1 per 4 KiB"), "{text}");
    }
    assert_eq!(server.send(Request::get("/debug/pprof/profile").authorized()).await.status, 404);
}

#[test]
fn allocs_shows_total_allocations_first_only_if_jemalloc_counts_them() {
    let test = "heap_formats::serves_with_accumulated_counts";
    OwnProcess::of(test).env("_RJEM_MALLOC_CONF", "prof_accum:true").run();
}

#[tokio::test]
#[ignore = "part of allocs_begins_with_what_was_allocated, which sets jemalloc's configuration"]
async fn serves_with_accumulated_counts() {
    let server = open_shop().await;
    for (alias, expected) in ALIASES.into_iter().zip(["inuse_space", "alloc_space"]) {
        let profile = Message::parse(&unpacked(&get(&server, alias).await));
        let (names, first) = value_names(&profile);
        assert_eq!(names, ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]);
        assert_eq!(first, expected, "{alias}");
    }
    let growth = get(&server, "/debug/pprof/allocs?seconds=1").await;
    let (names, first) = value_names(&Message::parse(&unpacked(&growth)));
    assert_eq!(
        (names, first.as_str()),
        (vec!["growth_objects".into(), "growth_space".into()], "growth_space")
    );
}

/// The collector of this process, which waits for permission before each collection and reports it
/// afterwards.
struct InSteps {
    collector: Collector,
    may: Mutex<Receiver<()>>,
    done: UnboundedSender<()>,
}

/// Controls the collector step by step. Dropping it lets the collector run freely.
struct Steps {
    may: Sender<()>,
    done: UnboundedReceiver<()>,
}

impl Collect for InSteps {
    fn collect(&self, scope: Scope) -> Collected {
        let _ = self.may.lock().unwrap().recv();
        let collected = self.collector.collect(scope);
        let _ = self.done.send(());
        collected
    }
}

impl Steps {
    /// Runs one collection.
    async fn step(&mut self) {
        self.may.send(()).unwrap();
        within_limit(self.done.recv()).await.unwrap();
    }
}

async fn serve_in_steps() -> (Server, Steps) {
    let ((may, receiver), (sender, done)) = (channel(), unbounded_channel());
    let collect = InSteps { collector: Collector::new(), may: Mutex::new(receiver), done: sender };
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collect));
    (Server::start(Router::new().layer(layer)).await, Steps { may, done })
}

async fn ask(server: &Server, target: &str) -> Connection {
    let mut connection = Connection::open(server.address()).await;
    connection.send_head(Request::get(target).authorized()).await;
    connection
}

#[expect(dead_code, reason = "only its size counts")]
struct Grows([u8; 4096]);
#[expect(dead_code, reason = "only its size counts")]
struct Shrinks([u8; 4096]);

/// 8 MiB in boxes.
fn boxes<T>(one: impl Fn() -> T) -> Vec<Box<T>> {
    (0..2048).map(|_| Box::new(std::hint::black_box(one()))).collect()
}

#[tokio::test]
async fn growth_is_the_signed_difference_of_two_collections() {
    let (server, mut steps) = serve_in_steps().await;
    let shrinks = boxes(|| Shrinks([1; 4096]));
    let mut asked = ask(&server, "/debug/memory/heap?seconds=1&top=1000&format=json").await;
    steps.step().await;
    let grows = boxes(|| Grows([1; 4096]));
    drop(shrinks);
    steps.step().await;
    let response = within_limit(asked.receive()).await;
    let growth = &response.json()["growth"];
    assert!(growth["seconds"].as_f64().unwrap() >= 1.0, "{growth}");
    let change = |name: &str| -> i64 {
        let stacks = growth["stacks"].as_array().unwrap();
        let stacks = stacks.iter().filter(|stack| stack["type"] == name);
        stacks.map(|stack| stack["bytes_change"].as_i64().unwrap()).sum()
    };
    assert!(change("Box<Grows>") > 4 << 20, "{growth}");
    assert!(change("Box<Shrinks>") < -(4 << 20), "{growth}");
    drop(grows);
}

#[tokio::test]
async fn growth_for_pprof_names_its_values_and_its_duration() {
    let server = open_shop().await;
    for target in ["/debug/memory/heap?seconds=1", "/debug/pprof/heap?seconds=1&gc=1"] {
        let growth = get(&server, target).await;
        let profile = Message::parse(&unpacked(&growth));
        let (names, first) = value_names(&profile);
        assert_eq!(
            (names, first),
            (["growth_objects", "growth_space"].map(String::from).into(), "growth_space".into())
        );
        assert!(profile.number(10) >= 1_000_000_000, "nanoseconds of a second or more");
    }
}

#[tokio::test]
async fn s41_clients_that_hang_up_make_room_for_other_growths() {
    let server = open_shop().await;
    let mut asked = JoinSet::new();
    for _ in 0..5 {
        let mut connection = ask(&server, "/debug/memory/heap?seconds=60").await;
        asked.spawn(async move { connection.receive().await });
    }
    let refused = within_limit(asked.join_next()).await.unwrap().unwrap();
    assert_eq!((refused.status, refused.header("x-go-pprof").as_deref()), (429, Some("1")), "{refused}");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{refused}");
    asked.shutdown().await;
    within_limit(async {
        let target = "/debug/memory/heap?seconds=1";
        while server.send(Request::get(target).authorized()).await.status == 429 {}
    })
    .await;
}
