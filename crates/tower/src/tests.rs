//! The layer around inner services that notice whatever is done to them.

mod bodies;
mod collecting;
mod inner;
mod page;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, StatusCode, Version};
use http_body::Frame;
use http_body_util::{BodyExt, Full};
use memory_debug_endpoint::memory_debug_core::{Collected, MemoryReport, Scope};
use tower::{Layer, Service, ServiceExt};

use super::*;

/// `ops:secret`.
const RIGHT: &str = "Basic b3BzOnNlY3JldA==";

/// Counts collections; each waits for a word of the test.
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
    layer: MemoryDebugLayer,
    collections: Arc<AtomicUsize>,
    go: Sender<()>,
}

impl Fixture {
    fn new() -> Self {
        let (collections, (go, receiver)) = (Arc::<AtomicUsize>::default(), channel());
        let counter = Counter { collections: Arc::clone(&collections), go: Mutex::new(receiver) };
        let credentials = Credentials::allow_weak("ops", "secret").unwrap();
        Self {
            layer: MemoryDebugLayer::new(credentials).configure(|endpoint| endpoint.collect_with(counter)),
            collections,
            go,
        }
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

async fn body_of<B>(response: Response<B>) -> String
where
    B: http_body::Body<Error: std::fmt::Debug>,
{
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().into()).unwrap()
}
