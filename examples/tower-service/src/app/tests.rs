use http::{Method, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use shop::{Config, Population};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;

use super::*;
use crate::server::serve;

fn credentials() -> Credentials {
    Credentials::new("ops", "jumbled-otters-sip-cold-tea").unwrap()
}

/// A shop and a client for it.
struct Client(AppState);

impl Client {
    fn new() -> Self {
        Self(AppState::start(&Config::small()))
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response<AppBody> {
        let body = Full::<Bytes>::from(body.map(|body| body.to_string()).unwrap_or_default());
        let request = Request::builder().method(method).uri(path).body(body).unwrap();
        app(self.0.clone(), credentials()).oneshot(request).await.unwrap()
    }

    async fn get(&self, path: &str) -> Response<AppBody> {
        self.send(Method::GET, path, None).await
    }
}

async fn value(response: Response<AppBody>) -> Value {
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn a_session_is_opened_read_and_ended() {
    let shop = Client::new();
    let basket = json!([{"sku": "SKU-1", "quantity": 2, "price_cents": 1999}]);
    let new = json!({"user": "ada", "basket": basket});
    let opened = shop.send(Method::POST, "/sessions", Some(new)).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let path = opened.headers()[header::LOCATION].to_str().unwrap().to_owned();

    let session = value(shop.get(&path).await).await;
    assert_eq!(session["profile"]["name"], "ada");
    assert_eq!(session["basket"], basket);

    assert_eq!(shop.send(Method::DELETE, &path, None).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(shop.get(&path).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(shop.send(Method::DELETE, &path, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_are_listed_with_their_total() {
    let population = Population::small();
    let listing = value(Client::new().get("/sessions").await).await;
    assert_eq!(listing["total"], population.sessions);
    assert_eq!(listing["latest"].as_array().unwrap().len(), population.sessions as usize);
}

#[tokio::test]
async fn a_report_is_rendered_once_and_then_from_the_cache() {
    let shop = Client::new();
    assert_eq!(shop.get("/reports/100").await.headers()["x-cache"], "miss");
    assert_eq!(shop.get("/reports/100").await.headers()["x-cache"], "hit");
    assert_eq!(shop.get("/reports/99999").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(shop.get("/reports/today").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn the_result_of_a_job_appears() {
    let shop = Client::new();
    let submitted = shop.send(Method::POST, "/jobs", Some(json!({"text": "to be or not to be"}))).await;
    assert_eq!(submitted.status(), StatusCode::ACCEPTED);
    let path = submitted.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let done = loop {
        let status = value(shop.get(&path).await).await;
        if status["state"] == "done" {
            break status;
        }
        // The workers share this thread, so let them run.
        tokio::task::yield_now().await;
    };
    assert_eq!(done["words"], json!({"be": 2, "not": 1, "or": 1, "to": 2}));
    assert_eq!(shop.get("/jobs/99999").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_body_that_is_too_long_or_not_json_is_refused() {
    let shop = Client::new();
    let text = "x".repeat(AppState::MAX_BODY);
    for (body, status) in [
        (json!({"text": text}), StatusCode::PAYLOAD_TOO_LARGE),
        (json!({"words": 1}), StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(shop.send(Method::POST, "/jobs", Some(body)).await.status(), status);
    }
    assert_eq!(shop.get("/nowhere").await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_memory_page_needs_credentials() {
    assert_eq!(Client::new().get("/debug/memory").await.status(), StatusCode::UNAUTHORIZED);
}

async fn status(answer: impl Future<Output = hyper::Result<Response<Incoming>>>) -> StatusCode {
    answer.await.unwrap().status()
}

#[tokio::test]
async fn both_versions_of_http_are_served_on_one_port_until_shutdown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = app(AppState::start(&Config::small()), credentials());
    let serving = tokio::spawn(serve(listener, app, async { drop(stopped.await) }));
    let connect = async || TokioIo::new(TcpStream::connect(address).await.unwrap());
    let request =
        |path| Request::get(path).header("host", "localhost").body(Full::<Bytes>::default()).unwrap();

    let (mut http1, connection) = hyper::client::conn::http1::handshake(connect().await).await.unwrap();
    let first = tokio::spawn(connection);
    let (mut http2, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), connect().await).await.unwrap();
    let second = tokio::spawn(connection);
    for (path, expected) in [("/", StatusCode::OK), ("/debug/memory", StatusCode::UNAUTHORIZED)] {
        assert_eq!(status(http1.send_request(request(path))).await, expected, "{path}");
        assert_eq!(status(http2.send_request(request(path))).await, expected, "{path}");
    }

    stop.send(()).unwrap();
    serving.await.unwrap();
    // The server closes idle connections of both protocols in an orderly way.
    first.await.unwrap().unwrap();
    second.await.unwrap().unwrap();
}
