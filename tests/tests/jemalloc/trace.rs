//! Requests that a tracer counts, through real servers.

use std::hint::black_box;
use std::io::Read;

use actix_web::{App, HttpServer, web};
use axum::Router;
use axum::routing::get;
use flate2::read::GzDecoder;
use memory_debug_actix::{MemoryDebug, TraceRoutes};
use memory_debug_axum::tracer::{TraceExt, Tracer};
use memory_debug_axum::{Endpoint, MemoryDebugLayer, trace_routes};
use memory_debug_tests::{Connection, Request, Server, credentials};
use serde_json::Value;
use tokio::sync::Mutex;

/// A size class of jemalloc, which rounds it to itself.
const MIB: u64 = 1 << 20;

const REQUESTS: u64 = 10;

/// What extractors, responses and servers may allocate for a request besides.
const MOST: u64 = MIB + (64 << 10);

const PATHS: [&str; 3] = ["/mib/hunter1?token=hunter2", "/hunter3", "/mib/hunter4/hunter5"];

/// Allocates 1 MiB in two parts, with a wait between them.
async fn mib() -> &'static str {
    let allocate = || black_box(Vec::<u8>::with_capacity(MIB as usize / 2));
    let first = allocate();
    tokio::task::yield_now().await;
    drop((first, async { allocate() }.traced("second half").await));
    "1 MiB"
}

fn endpoint(tracer: &Tracer) -> Endpoint {
    Endpoint::new(credentials()).tracer(tracer)
}

/// Checks the same application on each server. They take turns, because a named future counts in the tracer that was
/// installed last.
async fn check_each(check: impl AsyncFn(&Server)) {
    static TURN: Mutex<()> = Mutex::const_new(());
    let _turn = TURN.lock().await;

    let tracer = Tracer::new();
    tracer.install();
    let app = Router::new().route("/mib/{id}", get(mib)).layer(trace_routes(&tracer));
    check(&Server::start(app.layer(MemoryDebugLayer::from(endpoint(&tracer)))).await).await;
    tracer.uninstall();

    let tracer = Tracer::new();
    tracer.install();
    let (counting, memory) = (tracer.clone(), MemoryDebug::from(endpoint(&tracer)));
    let app = move || {
        let app = App::new().route("/mib/{id}", web::get().to(mib));
        app.wrap(TraceRoutes::new(&counting)).wrap(memory.clone())
    };
    let serve = |listener| HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run();
    check(&Server::actix(serve)).await;
    tracer.uninstall();
}

async fn page(server: &Server, format: &str) -> Vec<u8> {
    let request = Request::get(format!("/debug/memory/trace?format={format}")).authorized();
    let response = Connection::open(server.address()).await.exchange(request).await;
    assert_eq!(response.status, 200, "{format}: {response}");
    let mut body = response.body;
    if body.starts_with(&[0x1f, 0x8b]) {
        let compressed = std::mem::take(&mut body);
        GzDecoder::new(&*compressed).read_to_end(&mut body).unwrap();
    }
    body
}

async fn request_all(server: &Server) {
    let mut connection = Connection::open(server.address()).await;
    for _ in 0..REQUESTS {
        for path in PATHS {
            connection.exchange(Request::get(path).header("x-token", "hunter6")).await;
        }
    }
}

#[tokio::test]
async fn a_route_that_allocates_1_mib_per_request_shows_1_mib() {
    check_each(async |server| {
        request_all(server).await;
        let trace: Value = serde_json::from_slice(&page(server, "json").await).unwrap();
        let routes = trace["trace"]["routes"].as_array().unwrap();
        let names: Vec<_> = routes.iter().map(|route| route["route"].as_str().unwrap()).collect();
        // What lives without any route has no request.
        assert_eq!(names, ["GET /mib/{id}", "GET (no route)", "(no route)"], "{trace:#}");
        assert_eq!((&routes[2]["requests"], &routes[2]["allocated"]), (&0.into(), &Value::Null));
        assert_eq!((&routes[0]["requests"], &routes[0]["in_flight"]), (&REQUESTS.into(), &0.into()));
        assert_eq!(routes[1]["requests"], 2 * REQUESTS);
        let allocated = &routes[0]["allocated"];
        assert!((MIB..MOST).contains(&allocated["mean"].as_u64().unwrap()), "{allocated}");
        assert!(
            (REQUESTS * MIB..REQUESTS * MOST).contains(&allocated["total"].as_u64().unwrap()),
            "{allocated}"
        );
        let nodes = trace["trace"]["nodes"].as_array().unwrap();
        let at = nodes.iter().position(|node| node["name"] == "second half").expect("below the route");
        assert_eq!((&nodes[at]["depth"], &nodes[at - 1]["name"]), (&1.into(), &"GET /mib/{id}".into()));
        assert_eq!(nodes[at]["allocated"], REQUESTS * MIB / 2, "{:#}", nodes[at]);
    })
    .await;
}

#[tokio::test]
async fn s61_s68_no_format_shows_a_path_a_parameter_or_a_header() {
    check_each(async |server| {
        request_all(server).await;
        for format in ["text", "json", "html", "callgrind", "cpuprofile", "speedscope", "collapsed", "pprof"]
        {
            let body = String::from_utf8_lossy(&page(server, format).await).into_owned();
            assert!(body.contains("/mib/{id}"), "{format}: {body}");
            assert!(!body.contains("hunter"), "{format}: {body}");
        }
    })
    .await;
}
