//! Every way to mount the page, each with the same application around it.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use axum::Router;
use axum::http::{Request, Response};
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use memory_debug_actix::MemoryDebug;
use memory_debug_axum::{Endpoint, Limits, MemoryDebugLayer, Peers, router_with};
use memory_debug_tests::{self as tests, CountingCollector, credentials, fixed_report};
use memory_debug_tower::serve::Listener;
use tower::{ServiceBuilder, service_fn};

/// The answer outside the page: of the application, or of a listener without one.
pub(super) const APPLICATION: [(u16, &str); 2] = [(200, "the application"), (404, "404 not found\n")];

pub(super) const PEERS_SECRET: &str = "quilted-herons-hum-old-tunes";

/// The address of a peer that does not answer: binding such a low port needs privileges that tests do not
/// have.
const SILENT_PEER: &str = "http://127.0.0.1:1";

const TEXT: &str = "text/plain; charset=utf-8";

/// The decisions that depend on the mount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mount {
    /// The path is checked as sent, before any router.
    Around,
    /// A router decodes the path first. A path that decodes to the page's path is refused like the page.
    DecodingRouter,
    /// There is no application.
    Alone,
}

/// A server with the page in it.
pub(super) struct Server {
    pub(super) name: &'static str,
    pub(super) mount: Mount,
    /// Whether it also supports HTTP/2. actix-web needs a feature for that, which nothing else here needs.
    pub(super) speaks_http2: bool,
    pub(super) collector: CountingCollector,
    server: tests::Server,
}

impl Deref for Server {
    type Target = tests::Server;

    fn deref(&self) -> &tests::Server {
        &self.server
    }
}

/// The server that the others are compared with.
pub(super) async fn first() -> Server {
    first_with(&counted).await
}

async fn first_with(make: &impl Fn() -> (Endpoint, CountingCollector)) -> Server {
    let (layer, collector) = layer(make);
    let server = tests::Server::start(application().layer(layer)).await;
    Server { name: "axum, layer", mount: Mount::Around, speaks_http2: true, collector, server }
}

/// All servers, beginning with [`first`].
pub(super) async fn all() -> Vec<Server> {
    all_with(counted).await
}

/// The page of this process on all servers, beginning with [`first`]. Their collectors count nothing.
pub(super) async fn all_real(make: impl Fn() -> Endpoint) -> Vec<Server> {
    all_with(|| (make(), CountingCollector::default())).await
}

async fn all_with(make: impl Fn() -> (Endpoint, CountingCollector)) -> Vec<Server> {
    let mut servers = vec![first_with(&make).await];
    let mut add = |name: &'static str, mount, (server, collector)| {
        servers.push(Server { name, mount, speaks_http2: !name.starts_with("actix-web"), collector, server });
    };

    let (layer, collector) = layer(&make);
    let server = tests::Server::start(application().merge(router_with(layer))).await;
    add("axum, router", Mount::Around, (server, collector));

    let (layer, collector) = self::layer(&make);
    let service = ServiceBuilder::new().layer(layer).service(service_fn(|_: Request<Incoming>| async {
        let response = Response::builder().header("content-type", TEXT);
        Ok::<_, Infallible>(response.body(Full::<Bytes>::from(APPLICATION[0].1)).unwrap())
    }));
    add("hyper, tower layer", Mount::Around, (tests::Server::hyper(service).await, collector));

    add(
        "actix-web, wrap",
        Mount::Around,
        actix(make(), |listener, memory| {
            let app = move || App::new().default_service(web::to(answer)).wrap(memory.clone());
            HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run()
        }),
    );
    add(
        "actix-web, service",
        Mount::DecodingRouter,
        actix(make(), |listener, memory| {
            let app = move || App::new().service(memory.clone()).default_service(web::to(answer));
            HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap().run()
        }),
    );

    let (layer, collector) = self::layer(&make);
    let listener = Listener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let address = listener.address().to_string().parse().unwrap();
    let serving = tokio::spawn(listener.serve(layer));
    let server = tests::Server::ended_by(address, move || serving.abort());
    add("a separate listener", Mount::Alone, (server, collector));

    servers
}

fn application() -> Router {
    Router::new().fallback(|| async { APPLICATION[0].1 })
}

fn layer(make: &impl Fn() -> (Endpoint, CountingCollector)) -> (MemoryDebugLayer, CountingCollector) {
    let (endpoint, collector) = make();
    (MemoryDebugLayer::from(endpoint), collector)
}

fn counted() -> (Endpoint, CountingCollector) {
    let collector = CountingCollector::of(fixed_report());
    let endpoint = Endpoint::new(credentials()).collect_with(collector.clone()).limits(limits());
    (endpoint.pprof_aliases().peers(peers()), collector)
}

pub(super) fn peers() -> Peers {
    Peers::new(PEERS_SECRET).unwrap().instance(SILENT_PEER).unwrap()
}

/// Every page is collected. Otherwise the number of collections would depend on the time between two cases.
fn limits() -> Limits {
    Limits::default().cache_stats_for(Duration::ZERO)
}

fn actix(
    (endpoint, collector): (Endpoint, CountingCollector),
    serve: impl FnOnce(std::net::TcpListener, MemoryDebug) -> actix_web::dev::Server,
) -> (tests::Server, CountingCollector) {
    (tests::Server::actix(|listener| serve(listener, MemoryDebug::from(endpoint))), collector)
}

async fn answer() -> HttpResponse {
    HttpResponse::Ok().content_type(TEXT).body(APPLICATION[0].1)
}
