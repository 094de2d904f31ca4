use axum::body::{Body, Bytes};
use axum::http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use shop::{Config, Population};

use super::*;

fn shop() -> Router {
    app(&AppState::start(&Config::small()), credentials())
}

fn credentials() -> Credentials {
    Credentials::new("ops", "jumbled-otters-sip-cold-tea").unwrap()
}

async fn send(shop: &Router, method: Method, path: &str, body: Option<Value>) -> Response<Body> {
    let request = Request::builder().method(method).uri(path);
    let request = match body {
        Some(body) => request
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
        None => request.body(Body::empty()).unwrap(),
    };
    shop.clone().oneshot(request).await.unwrap()
}

async fn bytes(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

async fn value(response: Response<Body>) -> Value {
    serde_json::from_slice(&bytes(response).await).unwrap()
}

#[tokio::test]
async fn a_session_is_opened_read_and_ended() {
    let shop = shop();
    let basket = json!([{"sku": "SKU-1", "quantity": 2, "price_cents": 1999}]);
    let opened = send(&shop, Method::POST, "/sessions", Some(json!({"user": "ada", "basket": basket}))).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let path = opened.headers()[header::LOCATION].to_str().unwrap().to_owned();

    let session = value(send(&shop, Method::GET, &path, None).await).await;
    assert_eq!(session["profile"]["name"], "ada");
    assert_eq!(session["basket"], basket);

    assert_eq!(send(&shop, Method::DELETE, &path, None).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(send(&shop, Method::GET, &path, None).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(send(&shop, Method::DELETE, &path, None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn sessions_are_listed_with_their_total() {
    let shop = shop();
    let population = Population::small();
    let listing = value(send(&shop, Method::GET, "/sessions", None).await).await;
    assert_eq!(listing["total"], population.sessions);
    assert_eq!(listing["latest"].as_array().unwrap().len(), population.sessions as usize);
}

#[tokio::test]
async fn reports_are_cached_until_other_reports_displace_them() {
    let shop = shop();
    let x_cache = async |path: &str| {
        let response = send(&shop, Method::GET, path, None).await;
        response.headers()["x-cache"].to_str().unwrap().to_owned()
    };
    assert_eq!(x_cache("/reports/100").await, "miss");
    assert_eq!(x_cache("/reports/100").await, "hit");
    for day in 101..110 {
        assert_eq!(x_cache(&format!("/reports/{day}")).await, "miss");
    }
    assert_eq!(x_cache("/reports/100").await, "miss");
    assert_eq!(send(&shop, Method::GET, "/reports/99999", None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_result_of_a_job_appears_and_is_announced_in_the_feed() {
    let shop = shop();
    let submitted = send(&shop, Method::POST, "/jobs", Some(json!({"text": "to be or not to be"}))).await;
    assert_eq!(submitted.status(), StatusCode::ACCEPTED);
    let path = submitted.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let id = path.trim_start_matches("/jobs/").to_owned();

    let resume = Request::get("/feed").header("last-event-id", "0").body(Body::empty()).unwrap();
    let mut feed = shop.clone().oneshot(resume).await.unwrap().into_body();
    let announcement = format!("data: job {id} found 4 words");
    loop {
        let frame = feed.frame().await.unwrap().unwrap().into_data().unwrap();
        if std::str::from_utf8(&frame).unwrap().contains(&announcement) {
            break;
        }
    }

    let status = value(send(&shop, Method::GET, &path, None).await).await;
    assert_eq!(status["state"], "done");
    assert_eq!(status["words"], json!({"be": 2, "not": 1, "or": 1, "to": 2}));
    assert_eq!(send(&shop, Method::GET, "/jobs/99999", None).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn closing_the_state_ends_the_feed() {
    let state = AppState::start(&Config::small());
    let shop = app(&state, credentials());
    let feed = send(&shop, Method::GET, "/feed", None).await;
    state.close();
    assert!(bytes(feed).await.is_empty());
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let response =
        send(&shop(), Method::POST, "/jobs", Some(json!({"text": "x".repeat(AppState::MAX_BODY)}))).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_memory_page_needs_credentials() {
    let response = send(&shop(), Method::GET, "/debug/memory", None).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
