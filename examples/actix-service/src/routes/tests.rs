use actix_web::App;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::test::{TestRequest, init_service, read_body, read_body_json};
use memory_debug_actix::{Credentials, MemoryDebug};
use serde_json::{Value, json};
use shop::{Config, Population};

use super::*;

/// The same application as in `main.rs`.
macro_rules! shop {
    () => {{
        let credentials = Credentials::new("ops", "jumbled-otters-sip-cold-tea").unwrap();
        let memory = MemoryDebug::new(credentials).service("shop", "1.0.0");
        let state = AppState::start(&Config::small());
        init_service(App::new().configure(routes(&state)).wrap(memory)).await
    }};
}

fn get(path: &str) -> TestRequest {
    TestRequest::get().uri(path)
}

fn post(path: &str, body: Value) -> TestRequest {
    TestRequest::post().uri(path).set_json(body)
}

fn field(response: &ServiceResponse<impl MessageBody>, name: impl header::AsHeaderName) -> String {
    response.headers().get(name).unwrap().to_str().unwrap().to_owned()
}

#[actix_web::test]
async fn a_session_is_opened_read_and_ended() {
    let shop = shop!();
    let basket = json!([{"sku": "SKU-1", "quantity": 2, "price_cents": 1999}]);
    let opened = post("/sessions", json!({"user": "ada", "basket": basket})).send_request(&shop).await;
    assert_eq!(opened.status(), StatusCode::CREATED);
    let path = field(&opened, header::LOCATION);

    let session: Value = read_body_json(get(&path).send_request(&shop).await).await;
    assert_eq!(session["profile"]["name"], "ada");
    assert_eq!(session["basket"], basket);

    assert_eq!(TestRequest::delete().uri(&path).send_request(&shop).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&path).send_request(&shop).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(TestRequest::delete().uri(&path).send_request(&shop).await.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn sessions_are_listed_with_their_total() {
    let shop = shop!();
    let population = Population::small();
    let listing: Value = read_body_json(get("/sessions").send_request(&shop).await).await;
    assert_eq!(listing["total"], population.sessions);
    assert_eq!(listing["latest"].as_array().unwrap().len(), population.sessions as usize);
}

#[actix_web::test]
async fn a_report_is_rendered_once_and_then_from_the_cache() {
    let shop = shop!();
    let rendered = get("/reports/100").send_request(&shop).await;
    assert_eq!(field(&rendered, "x-cache"), "miss");
    let rendered = read_body(rendered).await;
    let cached = get("/reports/100").send_request(&shop).await;
    assert_eq!(field(&cached, "x-cache"), "hit");
    assert_eq!(read_body(cached).await, rendered);
    assert_eq!(get("/reports/99999").send_request(&shop).await.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn the_result_of_a_job_appears() {
    let shop = shop!();
    let submitted = post("/jobs", json!({"text": "to be or not to be"})).send_request(&shop).await;
    assert_eq!(submitted.status(), StatusCode::ACCEPTED);
    let path = field(&submitted, header::LOCATION);
    let done = loop {
        let status: Value = read_body_json(get(&path).send_request(&shop).await).await;
        if status["state"] == "done" {
            break status;
        }
        // The workers share this thread, so let them run.
        actix_web::rt::task::yield_now().await;
    };
    assert_eq!(done["words"], json!({"be": 2, "not": 1, "or": 1, "to": 2}));
    assert_eq!(get("/jobs/99999").send_request(&shop).await.status(), StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_body_beyond_the_limit_is_refused() {
    let text = "x".repeat(AppState::MAX_BODY);
    let response = post("/jobs", json!({"text": text})).send_request(&shop!()).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn the_memory_page_needs_credentials() {
    let response = get("/debug/memory").send_request(&shop!()).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}
