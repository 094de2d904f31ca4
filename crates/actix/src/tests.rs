//! Tests of the page around and inside actix-web applications.

mod mounts;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::{App, HttpRequest, HttpResponse, web};

use super::*;

/// `ops:secret`.
const RIGHT: (&str, &str) = ("authorization", "Basic b3BzOnNlY3JldA==");

/// Counts collections. Each collection waits for a signal from the test, or for the end of the test.
struct Counter {
    collections: Arc<AtomicUsize>,
    go: Mutex<Receiver<()>>,
}

impl Collect for Counter {
    fn collect(&self, _scope: Scope) -> Collected {
        self.collections.fetch_add(1, Ordering::SeqCst);
        let _ = self.go.lock().unwrap().recv();
        serde_json::from_str::<MemoryReport>(
            r#"{"schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
                "collected_at": "", "duration_us": 0, "unavailable": {}}"#,
        )
        .unwrap()
        .into()
    }
}

struct Fixture {
    memory: MemoryDebug,
    collections: Arc<AtomicUsize>,
    go: Sender<()>,
}

impl Fixture {
    fn new() -> Self {
        let collections = Arc::<AtomicUsize>::default();
        let (go, receiver) = channel();
        let counter = Counter { collections: Arc::clone(&collections), go: Mutex::new(receiver) };
        let credentials = Credentials::allow_weak("ops", "secret").unwrap();
        Self {
            memory: MemoryDebug::new(credentials).configure(|endpoint| endpoint.collect_with(counter)),
            collections,
            go,
        }
    }

    fn collections(&self) -> usize {
        self.collections.load(Ordering::SeqCst)
    }
}

/// A page whose collections do not wait: they see that the sender is gone.
fn memory() -> MemoryDebug {
    Fixture::new().memory
}

/// Answers with the method, path and body of the request.
async fn echo(request: HttpRequest, body: web::Bytes) -> HttpResponse {
    HttpResponse::ImATeapot().body(format!("{} {} {body:?}", request.method(), request.uri()))
}

fn get(path: &str) -> TestRequest {
    TestRequest::with_uri(path)
}

async fn shown<B: MessageBody>(response: ServiceResponse<B>) -> String {
    let head = format!("{} {:?} ", response.status(), response.headers());
    head + &String::from_utf8_lossy(&read_body(response).await)
}

#[actix_web::test]
async fn page_is_served_around_an_application_and_inside_it() {
    let around = init_service(App::new().wrap(memory())).await;
    let inside = init_service(App::new().service(memory())).await;
    let in_scope = init_service(App::new().service(web::scope("/internal").service(memory()))).await;
    let page = |path| get(path).insert_header(RIGHT).to_request();
    assert_eq!(call_service(&around, page("/debug/memory")).await.status(), 200);
    assert_eq!(call_service(&inside, page("/debug/memory")).await.status(), 200);
    assert_eq!(call_service(&in_scope, page("/internal/debug/memory/stats")).await.status(), 200);
}

#[actix_web::test]
async fn s13_hidden_page_answers_like_the_application_without_the_page() {
    let hidden = memory().configure(|endpoint| endpoint.hide());
    let with = init_service(App::new().wrap(hidden).default_service(web::to(echo))).await;
    let without = init_service(App::new().default_service(web::to(echo))).await;
    for path in ["/debug/memory", "/debug/memory/types?top=5", "/debug/memory/unknown"] {
        for authorization in [None, Some(("authorization", "Basic b3BzOndyb25n"))] {
            let request = || {
                let request = get(path).method(actix_web::http::Method::POST).set_payload("a body");
                authorization.into_iter().fold(request, TestRequest::insert_header).to_request()
            };
            let hidden = call_service(&with, request()).await;
            let plain = call_service(&without, request()).await;
            assert_eq!(shown(hidden).await, shown(plain).await, "{path}");
        }
    }
    let page = get("/debug/memory").insert_header(RIGHT).to_request();
    assert_eq!(call_service(&with, page).await.status(), 200);
}

#[actix_web::test]
async fn s13_hidden_service_answers_like_actix_for_an_unknown_path() {
    let hidden = memory().configure(|endpoint| endpoint.hide());
    let with = init_service(App::new().service(hidden)).await;
    let without = init_service(App::new()).await;
    let hidden = call_service(&with, get("/debug/memory").to_request()).await;
    let plain = call_service(&without, get("/debug/memory").to_request()).await;
    assert_eq!(shown(hidden).await, shown(plain).await);
}

#[actix_web::test]
async fn s17_client_address_is_the_address_of_the_connection() {
    let memory = memory().configure(|endpoint| endpoint.require_tls());
    let app = init_service(App::new().wrap(memory)).await;
    for (peer, expected) in [("127.0.0.1:1", 200), ("192.0.2.7:1", 403)] {
        // The endpoint is not configured to trust this header.
        let forwarded = ("x-forwarded-for", "127.0.0.1");
        let request = get("/debug/memory").insert_header(RIGHT).insert_header(forwarded);
        let request = request.peer_addr(peer.parse().unwrap()).to_request();
        assert_eq!(call_service(&app, request).await.status(), expected, "{peer}");
    }
}

#[actix_web::test]
async fn s02_every_unauthorized_request_gets_the_same_401() {
    let app = init_service(App::new().wrap(memory()).default_service(web::to(echo))).await;
    let ask = async |request: TestRequest| {
        shown(app.call(request.to_request()).await.unwrap().map_into_boxed_body()).await
    };
    let expected = ask(get("/debug/memory")).await;
    assert!(expected.starts_with("401"), "{expected}");
    for request in [
        get("/debug/memory/unknown?%"),
        get("/debug/memory").method(actix_web::http::Method::POST).set_payload("body"),
        get("/debug/memory").append_header(RIGHT).append_header(RIGHT),
    ] {
        assert_eq!(ask(request).await, expected);
    }
}
