//! The layer around inner services that notice whatever is done to them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use memory_debug_endpoint::memory_debug_core::{MemoryReport, Scope};
use proptest::prelude::*;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::*;

/// `ops:secret`.
const RIGHT: &str = "Basic b3BzOnNlY3JldA==";

/// Counts collections; each waits for a word of the test.
struct Counter {
    collections: Arc<AtomicUsize>,
    go: Mutex<Receiver<()>>,
}

impl Collect for Counter {
    fn collect(&self, _scope: Scope) -> MemoryReport {
        self.collections.fetch_add(1, Ordering::SeqCst);
        let _ = self.go.lock().unwrap().recv();
        serde_json::from_str(
            r#"{"schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
                "collected_at": "", "duration_us": 0, "unavailable": {}}"#,
        )
        .unwrap()
    }
}

struct Fixture {
    layer: MemoryDebugLayer,
    collections: Arc<AtomicUsize>,
    go: Sender<()>,
}

impl Fixture {
    fn new() -> Self {
        let (collections, (go, receiver)) = (Arc::<AtomicUsize>::default(), channel());
        let counter = Counter { collections: Arc::clone(&collections), go: Mutex::new(receiver) };
        let credentials = Credentials::allow_weak("ops", "secret").unwrap();
        Self { layer: MemoryDebugLayer::new(credentials).collect_with(counter), collections, go }
    }
}

/// A body that must not be touched.
#[derive(Debug, PartialEq)]
struct Untouchable;

impl http_body::Body for Untouchable {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("the body was polled")
    }
}

/// Answers 201 with the path and what it was sent, and panics when called without having been ready.
#[derive(Debug, Default)]
struct Strict {
    ready: bool,
    polls: usize,
}

impl<B> Service<Request<B>> for Strict {
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polls += 1;
        if self.polls % 2 == 1 {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without readiness");
        std::future::ready(Ok(echo(&request)))
    }
}

/// Whatever of a request can be seen, as a response.
fn echo<B>(request: &Request<B>) -> Response<Full<Bytes>> {
    let seen = format!(
        "{} {} {:?} {:?}",
        request.method(),
        request.uri(),
        request.version(),
        request.extensions().get::<u32>()
    );
    let mut response =
        Response::builder().status(StatusCode::CREATED).version(Version::HTTP_2).extension(7_u8);
    *response.headers_mut().unwrap() = request.headers().clone();
    response.body(Full::from(seen)).unwrap()
}

fn request<B>(method: &str, path: &str, authorization: Option<&str>, body: B) -> Request<B> {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(value) = authorization {
        request = request.header("authorization", value);
    }
    request.body(body).unwrap()
}

async fn ready<S: Service<Request<Full<Bytes>>, Error = Infallible>>(service: &mut S) -> &mut S {
    service.ready().await.unwrap()
}

async fn body_of(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}

#[tokio::test]
async fn the_page_is_served_with_the_right_credentials() {
    let fixture = Fixture::new();
    fixture.go.send(()).unwrap();
    let service = fixture.layer.layer(Strict::default());
    let response = service
        .oneshot(request("GET", "/debug/memory?format=json", Some(RIGHT), Full::<Bytes>::default()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/json");
    assert!(body_of(response).await.contains("memory-debug/v1"));
}

#[tokio::test]
async fn s02_without_credentials_the_answer_is_401_and_the_body_is_never_polled() {
    let fixture = Fixture::new();
    for method in ["GET", "POST", "OPTIONS", "TRACE"] {
        for path in ["/debug/memory", "/debug/memory/unknown", "http://host/debug/memory/types?top=0"] {
            let service = fixture.layer.layer(Strict::default());
            let response = service.oneshot(request(method, path, None, Untouchable)).await.unwrap();
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
            let challenge = "Basic realm=\"memory\", charset=\"UTF-8\"";
            assert_eq!(response.headers()["www-authenticate"], challenge);
        }
    }
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn s03_all_authorization_headers_are_looked_at() {
    let service = Fixture::new().layer.layer(Strict::default());
    let mut twice = request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default());
    twice.headers_mut().append("authorization", RIGHT.parse().unwrap());
    assert_eq!(service.oneshot(twice).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn s17_the_peer_is_found_where_the_layer_is_told_to_look() {
    let peer = |extensions: &http::Extensions| Connection { peer: extensions.get().copied(), tls: None };
    let fixture = Fixture::new();
    let layer = fixture.layer.clone().configure(Endpoint::require_tls).connection(peer);
    fixture.go.send(()).unwrap();
    for (address, expected) in [("127.0.0.1", 200), ("192.0.2.7", 403)] {
        let mut request = request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default());
        request.extensions_mut().insert::<std::net::IpAddr>(address.parse().unwrap());
        let response = layer.layer(Strict::default()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), expected, "{address}");
    }
    let unknown = layer.layer(Strict::default()).oneshot(request(
        "GET",
        "/debug/memory",
        Some(RIGHT),
        Full::<Bytes>::default(),
    ));
    assert_eq!(unknown.await.unwrap().status(), 403);
}

#[tokio::test]
async fn s20_every_spelling_is_authenticated_or_the_applications() {
    let fixture = Fixture::new();
    for (target, expected) in [
        ("/debug/memory", 401),
        ("/debug/memory/", 401),
        ("/debug/memory/stats", 401),
        ("/debug/memory?x", 401),
        ("http://host/debug/memory", 401),
        ("/debug//memory", 201),
        ("/debug/./memory", 201),
        ("/debug/x/../memory", 201),
        ("/%64ebug/memory", 201),
        ("/debug%2Fmemory", 201),
        ("/Debug/Memory", 201),
        ("/debug/memory;x", 201),
        ("/debug/memory%00", 201),
        ("//debug/memory", 201),
        ("*", 201),
        ("/", 201),
    ] {
        let service = fixture.layer.layer(Strict::default());
        let response = service.oneshot(request("GET", target, None, Full::<Bytes>::default())).await.unwrap();
        assert_eq!(response.status(), expected, "{target}");
    }
    let long = format!("/debug/memory/{}", "x".repeat(60_000));
    let response = fixture
        .layer
        .layer(Strict::default())
        .oneshot(request("GET", &long, None, Full::<Bytes>::default()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn s21_services_of_one_layer_and_its_clones_share_one_collection() {
    let fixture = Fixture::new();
    let ask = |layer: MemoryDebugLayer| async move {
        let service = layer.layer(Strict::default());
        service
            .oneshot(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default()))
            .await
            .unwrap()
            .status()
    };
    let asking: Vec<_> = (0..10).map(|_| tokio::spawn(ask(fixture.layer.clone()))).collect();
    // On this single-threaded runtime, all of them run up to their waiting once this task yields.
    tokio::task::yield_now().await;
    fixture.go.send(()).unwrap();
    for asking in asking {
        assert_eq!(asking.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s21_applied_twice_the_outer_layer_answers() {
    let (outer, inner) = (Fixture::new(), Fixture::new());
    outer.go.send(()).unwrap();
    let service = outer.layer.layer(inner.layer.layer(Strict::default()));
    let response = service
        .oneshot(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default()))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let counts = [outer, inner].map(|fixture| fixture.collections.load(Ordering::SeqCst));
    assert_eq!(counts, [1, 0]);
}

#[tokio::test]
async fn s22_the_inner_service_is_called_exactly_when_it_is_ready() {
    let mut service = Fixture::new().layer.layer(Strict::default());
    for path in ["/", "/debug/memory", "/debug/memory", "/other", "/debug/memory", "/"] {
        let response = ready(&mut service)
            .await
            .call(request("GET", path, None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status() == StatusCode::CREATED, !path.starts_with("/debug"), "{path}");
    }
}

#[tokio::test]
async fn s22_errors_of_readiness_and_of_calls_pass() {
    #[derive(Clone)]
    struct Failing {
        ready: bool,
    }
    impl Service<Request<Full<Bytes>>> for Failing {
        type Response = Response<Full<Bytes>>;
        type Error = &'static str;
        type Future = std::future::Ready<Result<Self::Response, Self::Error>>;
        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            Poll::Ready(if self.ready { Ok(()) } else { Err("not ready") })
        }
        fn call(&mut self, _request: Request<Full<Bytes>>) -> Self::Future {
            std::future::ready(Err("failed"))
        }
    }
    let layer = Fixture::new().layer;
    let ask =
        |ready| layer.layer(Failing { ready }).oneshot(request("GET", "/", None, Full::<Bytes>::default()));
    assert_eq!(ask(false).await.unwrap_err(), "not ready");
    assert_eq!(ask(true).await.unwrap_err(), "failed");
}

#[tokio::test]
async fn s22_a_permit_that_the_page_did_not_use_serves_the_next_request() {
    let limited =
        ConcurrencyLimit::new(service_fn(|request| async move { Ok::<_, Infallible>(echo(&request)) }), 1);
    let mut service = Fixture::new().layer.layer(limited);
    for path in ["/debug/memory", "/", "/debug/memory", "/debug/memory", "/"] {
        let response = ready(&mut service)
            .await
            .call(request("GET", path, None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status() == StatusCode::CREATED, path == "/", "{path}");
    }
}

/// Two headers may have one name.
fn headers() -> impl Strategy<Value = HeaderMap> {
    proptest::collection::vec(("[a-c]{1,2}", "[ -~]{0,8}"), 0..5).prop_map(|pairs| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(http::HeaderName::try_from(name).unwrap(), value.trim().parse().unwrap());
        }
        headers
    })
}

proptest! {
    #[test]
    fn s22_other_requests_are_answered_as_without_the_layer(
        method in "[A-Z]{1,7}",
        path in "(/|/debug|/debug/memor|/debug/memoryx|/Debug/memory)?[a-z0-9%2F._~-]{0,12}",
        headers in headers(),
        extension: Option<u32>,
    ) {
        let target = if path.starts_with('/') { path } else { format!("/{path}") };
        prop_assume!(!target.starts_with("/debug/memory/") && target != "/debug/memory");
        let make = || {
            let mut made = request(&method, &target, None, Full::<Bytes>::default());
            *made.headers_mut() = headers.clone();
            extension.map(|value| made.extensions_mut().insert(value));
            made
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let with = runtime.block_on(Fixture::new().layer.layer(Strict::default()).oneshot(make())).unwrap();
        let without = runtime.block_on(Strict::default().oneshot(make())).unwrap();
        prop_assert_eq!(with.status(), without.status());
        prop_assert_eq!(with.version(), without.version());
        prop_assert_eq!(with.headers(), without.headers());
        prop_assert_eq!(with.extensions().get::<u8>(), Some(&7));
        prop_assert_eq!(runtime.block_on(body_of(with)), runtime.block_on(body_of(without)));
    }
}

#[tokio::test]
async fn s23_head_has_no_body_and_other_methods_are_405() {
    let fixture = Fixture::new();
    let ask = |method| {
        fixture.layer.layer(Strict::default()).oneshot(request(
            method,
            "/debug/memory",
            Some(RIGHT),
            Full::<Bytes>::default(),
        ))
    };
    let head = ask("HEAD").await.unwrap();
    assert_eq!(head.status(), StatusCode::OK);
    assert_eq!(body_of(head).await, "");
    for method in ["POST", "OPTIONS", "TRACE"] {
        let response = ask(method).await.unwrap();
        assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
    }
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn s33_the_headers_of_a_reply_arrive() {
    let service = Fixture::new().layer.layer(Strict::default());
    let response =
        service.oneshot(request("GET", "/debug/memory", None, Full::<Bytes>::default())).await.unwrap();
    for (name, value) in [
        ("cache-control", "no-store"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
        ("x-frame-options", "DENY"),
        ("vary", "Accept, Authorization"),
        ("x-robots-tag", "noindex"),
        ("content-type", "text/plain; charset=utf-8"),
    ] {
        assert_eq!(response.headers()[name], value);
    }
    assert!(response.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
}

#[tokio::test]
async fn s41_a_dropped_request_does_not_admit_a_second_collection() {
    let fixture = Fixture::new();
    let mut service = fixture.layer.layer(Strict::default());
    for _ in 0..100 {
        let ready = ready(&mut service).await;
        drop(ready.call(request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default())));
    }
    // The first collection has not been let go, so this request joins it.
    let last = ready(&mut service).await.call(request(
        "GET",
        "/debug/memory",
        Some(RIGHT),
        Full::<Bytes>::default(),
    ));
    fixture.go.send(()).unwrap();
    assert_eq!(last.await.unwrap().status(), StatusCode::OK);
    assert_eq!(fixture.collections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s42_a_single_threaded_runtime_serves_others_while_a_collection_runs() {
    let fixture = Fixture::new();
    let mut service = fixture.layer.layer(Strict::default());
    let page = ready(&mut service).await.call(request(
        "GET",
        "/debug/memory",
        Some(RIGHT),
        Full::<Bytes>::default(),
    ));
    let page = tokio::spawn(page);
    for _ in 0..10 {
        let response = ready(&mut service)
            .await
            .call(request("GET", "/", None, Full::<Bytes>::default()))
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
    }
    assert!(!page.is_finished());
    fixture.go.send(()).unwrap();
    assert_eq!(page.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[test]
fn s42_the_future_is_send() {
    fn assert_send<T: Send>(_: &T) {}
    let mut service = Fixture::new().layer.layer(service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    assert_send(&service.call(request("GET", "/", None, Full::<Bytes>::default())));
}

#[test]
fn the_future_is_hardly_larger_than_the_inner_one() {
    type Inner = [usize; 16];
    assert!(size_of::<ResponseFuture<Inner>>() <= size_of::<Inner>() + 2 * size_of::<usize>());
    assert!(size_of::<ResponseFuture<()>>() <= 4 * size_of::<usize>());
}

#[cfg(target_os = "linux")]
#[test]
fn s49_building_the_layer_opens_and_starts_nothing() {
    fn entries(directory: &str) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }
    // In a process of its own: the other tests of this one do start threads.
    if std::env::var_os("MEMORY_DEBUG_TEST_ALONE").is_some() {
        let before = [entries("/proc/self/task"), entries("/proc/self/fd")];
        let layer =
            MemoryDebugLayer::new(Credentials::allow_weak("ops", "secret").unwrap()).service("shop", "1");
        let _service = layer.layer(Strict::default());
        assert_eq!([entries("/proc/self/task"), entries("/proc/self/fd")], before);
        return;
    }
    let this_test = thread::current().name().unwrap().to_owned();
    let status = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &this_test, "--test-threads=1"])
        .env("MEMORY_DEBUG_TEST_ALONE", "1")
        .status();
    assert!(status.unwrap().success());
}

/// A body in parts that are not contiguous, with trailers, that may break off.
struct Frames(VecDeque<Result<Frame<VecDeque<u8>>, &'static str>>);

impl http_body::Body for Frames {
    type Data = VecDeque<u8>;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<VecDeque<u8>>, &'static str>>> {
        Poll::Ready(self.0.pop_front())
    }
}

#[tokio::test]
async fn s26_a_body_arrives_whole_whatever_its_frames_and_one_that_breaks_off_does_not() {
    let data = |text: &str| {
        // Ends before it begins, in the ring that it lies in.
        let mut data = VecDeque::new();
        let (begin, end) = text.as_bytes().split_at(text.len() / 2);
        data.extend(end);
        begin.iter().rev().for_each(|&byte| data.push_front(byte));
        Ok(Frame::data(data))
    };
    let trailers = || Ok(Frame::trailers(HeaderMap::new()));
    for (frames, expected) in [
        // Understood: but there is no profiler to change in this process.
        (vec![data("{\"active\""), data(""), trailers(), data(":false}"), trailers()], "501 not built in"),
        (vec![data("{\"active\":false}"), Err("reset")], "400 invalid body: the body ended too early"),
        (vec![trailers()], "400 invalid body: the body is empty"),
        (vec![data(&" ".repeat(9000)), data(&" ".repeat(9000))], "413 body too large"),
    ] {
        let service = Fixture::new().layer.layer(service_fn(|_: Request<Frames>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }));
        let mut request = request("PUT", "/debug/memory/profiling", Some(RIGHT), Frames(frames.into()));
        request.headers_mut().insert("content-type", "application/json".parse().unwrap());
        let answer = body_of(service.oneshot(request).await.unwrap()).await;
        assert!(answer.starts_with(expected), "{answer}");
    }
}
