//! Tests of the page around an application and among its services, without a socket.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::error::PayloadError;
use actix_web::http::{Method, StatusCode, header};
use actix_web::middleware::{Condition, DefaultHeaders};
use actix_web::test::{TestRequest, init_service, ok_service, read_body};
use actix_web::{App, HttpRequest, HttpResponse, web};
use bytes::Bytes;

use super::{Fixture, get, memory};

/// `ops:secret`.
const RIGHT: &str = "Basic b3BzOnNlY3JldA==";

fn authorized(path: &str) -> TestRequest {
    get(path).insert_header((header::AUTHORIZATION, RIGHT))
}

/// Answers with everything that a request shows.
async fn echo(request: HttpRequest, body: Bytes) -> HttpResponse {
    let seen = format!("{} {} {body:?}", request.method(), request.uri());
    let mut response = HttpResponse::Created();
    for (name, value) in request.headers() {
        response.append_header((name.clone(), value.clone()));
    }
    response.body(seen)
}

/// Status, header fields and body.
async fn whole(response: ServiceResponse<impl MessageBody>) -> (StatusCode, Vec<(String, Bytes)>, Bytes) {
    let mut fields: Vec<_> = response
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), Bytes::copy_from_slice(value.as_bytes())))
        .collect();
    fields.sort();
    (response.status(), fields, read_body(response).await)
}

#[actix_web::test]
async fn around_an_application_the_page_answers_only_its_own_paths_as_sent() {
    let app = init_service(App::new().default_service(web::to(echo)).wrap(memory())).await;
    for (path, status) in
        [("", 200), ("/stats?format=json", 200), ("/", 404), ("/unknown", 404), ("/%00", 404), ("?x=1", 400)]
    {
        let path = format!("/debug/memory{path}");
        assert_eq!(get(&path).send_request(&app).await.status(), 401, "{path}");
        assert_eq!(authorized(&path).send_request(&app).await.status(), status, "{path}");
    }
    for path in ["/", "/debug", "/debug/memoryx", "//debug/memory", "/%64ebug/memory", "/debug/x/../memory"] {
        for request in [get(path), authorized(path)] {
            assert_eq!(request.send_request(&app).await.status(), StatusCode::CREATED, "{path}");
        }
    }
}

#[actix_web::test]
async fn s22_other_requests_are_answered_as_if_there_were_no_page() {
    let without = init_service(App::new().default_service(web::to(echo))).await;
    let with = init_service(App::new().default_service(web::to(echo)).wrap(memory())).await;
    let among = init_service(App::new().service(memory()).default_service(web::to(echo))).await;
    for path in ["/", "/?a=1&a=2", "/debug", "/debug/memoryx?x", "/%00", "/a%20b"] {
        for method in [Method::GET, Method::POST, Method::OPTIONS] {
            let request = || {
                authorized(path)
                    .method(method.clone())
                    .append_header(("x-a", "1"))
                    .append_header(("x-a", "2"))
                    .set_payload("body")
            };
            let expected = whole(request().send_request(&without).await).await;
            assert_eq!(expected.0, StatusCode::CREATED);
            assert_eq!(whole(request().send_request(&with).await).await, expected, "{method} {path}");
            assert_eq!(whole(request().send_request(&among).await).await, expected, "{method} {path}");
        }
    }
}

#[actix_web::test]
async fn among_services_the_page_is_only_in_its_own_scopes() {
    let inner = web::scope("/v{version}").service(memory());
    let app = App::new().service(web::scope("/internal").service(inner)).default_service(web::to(echo));
    let app = init_service(app).await;
    for (path, status) in [("", 200), ("/types?format=json", 200), ("/", 404), ("/unknown", 404)] {
        let path = format!("/internal/v1/debug/memory{path}");
        assert_eq!(get(&path).send_request(&app).await.status(), 401, "{path}");
        assert_eq!(authorized(&path).send_request(&app).await.status(), status, "{path}");
    }
    for path in ["/debug/memory", "/internal/debug/memory", "/internal/v1/debug/memoryx"] {
        let status = authorized(path).send_request(&app).await.status();
        assert!(matches!(status, StatusCode::CREATED | StatusCode::NOT_FOUND), "{path}: {status}");
    }
}

#[actix_web::test]
async fn s20_among_services_a_decoded_path_shows_no_data() {
    let scope = web::scope("/internal").service(memory());
    let app = init_service(App::new().service(scope).service(memory())).await;
    for path in
        ["/%64ebug/memory", "/debug/mem%6Fry/stats", "/internal/%64ebug/memory", "/%69nternal/debug/memory"]
    {
        assert_eq!(get(path).send_request(&app).await.status(), StatusCode::UNAUTHORIZED, "{path}");
        let status = authorized(path).send_request(&app).await.status();
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[actix_web::test]
async fn custom_path_replaces_the_default_path() {
    let memory = memory().path("/internal/memory").unwrap();
    let around = init_service(App::new().wrap(memory.clone())).await;
    let among = init_service(App::new().service(memory)).await;
    for (path, status) in [("/internal/memory", 200), ("/debug/memory", 404)] {
        assert_eq!(authorized(path).send_request(&around).await.status(), status, "{path}");
        assert_eq!(authorized(path).send_request(&among).await.status(), status, "{path}");
    }
}

/// A body that must not be touched.
struct Untouchable;

impl futures_core::Stream for Untouchable {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        panic!("the body was polled")
    }
}

#[actix_web::test]
async fn s02_the_body_of_a_request_for_the_page_is_never_polled() {
    let service = memory().new_transform(ok_service()).await.unwrap();
    for (request, status) in [(get("/debug/memory"), 401), (authorized("/debug/memory"), 200)] {
        let mut request: ServiceRequest = request.to_srv_request();
        request.set_payload(Payload::Stream { payload: Box::pin(Untouchable) });
        assert_eq!(service.call(request).await.unwrap().status(), status);
    }
}

#[actix_web::test]
async fn s03_two_authorization_headers_are_refused() {
    let app = init_service(App::new().wrap(memory())).await;
    for (first, second) in [(RIGHT, RIGHT), (RIGHT, ""), ("", RIGHT), (RIGHT, "Bearer x")] {
        let request = get("/debug/memory")
            .append_header((header::AUTHORIZATION, first))
            .append_header((header::AUTHORIZATION, second));
        assert_eq!(request.send_request(&app).await.status(), 401, "{first:?}, {second:?}");
    }
}

/// Each worker of a server makes its own application.
#[actix_web::test]
async fn s21_all_applications_share_one_collection() {
    let fixture = Fixture::new();
    let mut waiting = Vec::new();
    for _ in 0..4 {
        let wrapped = init_service(App::new().wrap(fixture.memory.clone())).await;
        let among = init_service(App::new().service(fixture.memory.clone())).await;
        let page = || authorized("/debug/memory").to_request();
        let wrapped = wrapped.call(page());
        let among = among.call(page());
        waiting.push(actix_web::rt::spawn(async { wrapped.await.unwrap().status() }));
        waiting.push(actix_web::rt::spawn(async { among.await.unwrap().status() }));
    }
    // There is one thread: when this task yields, all others run until they wait.
    actix_web::rt::task::yield_now().await;
    fixture.go.send(()).unwrap();
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), StatusCode::OK);
    }
    assert_eq!(fixture.collections(), 1);
}

#[actix_web::test]
async fn s21_only_middleware_outside_acts_on_the_page() {
    let outside = DefaultHeaders::new().add(("x-outside", "1"));
    let inside = DefaultHeaders::new().add(("x-inside", "1"));
    let app = App::new().default_service(web::to(echo)).wrap(inside).wrap(memory()).wrap(outside);
    let app = init_service(app).await;
    let page = authorized("/debug/memory").send_request(&app).await;
    assert!(page.headers().contains_key("x-outside") && !page.headers().contains_key("x-inside"));
    let other = get("/").send_request(&app).await;
    assert!(other.headers().contains_key("x-outside") && other.headers().contains_key("x-inside"));
}

#[actix_web::test]
async fn s23_head_has_no_body_and_no_length_and_never_collects() {
    let fixture = Fixture::new();
    let app = init_service(App::new().wrap(fixture.memory.clone())).await;
    for (request, status) in [
        (get("/debug/memory"), 401),
        (authorized("/debug/memory"), 200),
        (authorized("/debug/memory/unknown"), 404),
        (authorized("/debug/memory?x=1"), 400),
    ] {
        let response = request.method(Method::HEAD).send_request(&app).await;
        assert_eq!((response.status().as_u16(), response.response().body().size()), (status, BodySize::None));
    }
    let refused = authorized("/debug/memory").method(Method::DELETE).send_request(&app).await;
    assert_eq!(refused.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(refused.headers().get(header::ALLOW).unwrap(), "GET, HEAD");
    assert_eq!(fixture.collections(), 0);
}

#[actix_web::test]
async fn s33_the_headers_of_a_reply_arrive() {
    let app = init_service(App::new().wrap(memory())).await;
    let refused = get("/debug/memory").send_request(&app).await;
    for (name, value) in [
        ("www-authenticate", "Basic realm=\"memory\", charset=\"UTF-8\""),
        ("cache-control", "no-store"),
        ("content-type", "text/plain; charset=utf-8"),
        ("x-frame-options", "DENY"),
    ] {
        assert_eq!(refused.headers().get(name).unwrap(), value);
    }
}

#[actix_web::test]
async fn s41_a_dropped_request_does_not_admit_a_second_collection() {
    let fixture = Fixture::new();
    let app = init_service(App::new().wrap(fixture.memory.clone())).await;
    for _ in 0..100 {
        drop(app.call(authorized("/debug/memory").to_request()));
    }
    // The first collection still waits for the signal, so this request joins it.
    let last = app.call(authorized("/debug/memory").to_request());
    fixture.go.send(()).unwrap();
    assert_eq!(last.await.unwrap().status(), StatusCode::OK);
    assert_eq!(fixture.collections(), 1);
}

#[actix_web::test]
async fn s42_the_application_answers_while_a_collection_runs() {
    let fixture = Fixture::new();
    let app = init_service(App::new().default_service(web::to(echo)).wrap(fixture.memory.clone())).await;
    let page = actix_web::rt::spawn(app.call(authorized("/debug/memory").to_request()));
    for _ in 0..10 {
        assert_eq!(get("/").send_request(&app).await.status(), StatusCode::CREATED);
    }
    assert!(!page.is_finished());
    fixture.go.send(()).unwrap();
    assert_eq!(page.await.unwrap().unwrap().status(), StatusCode::OK);
}

#[actix_web::test]
async fn aliases_exist_beside_the_page_only_if_enabled() {
    for base in ["/debug/memory", "/debug", "/debug/pprof", "/debug/pprof/heap"] {
        let open = memory().configure(|endpoint| endpoint.pprof_aliases()).path(base).unwrap();
        let around = init_service(App::new().default_service(web::to(echo)).wrap(open.clone())).await;
        let scope = web::scope("/internal").service(open.clone());
        let among = init_service(App::new().service(scope).service(open)).await;
        for alias in ["/debug/pprof/heap", "/debug/pprof/allocs"] {
            let parameter = format!("{alias}?gc=1");
            assert_eq!(get(alias).send_request(&around).await.status(), 401, "{base} {alias}");
            assert_eq!(authorized(&parameter).send_request(&around).await.status(), 501, "{base} {alias}");
            for path in [parameter.clone(), format!("/internal{parameter}")] {
                assert_eq!(get(&path).send_request(&among).await.status(), 401, "{base} {path}");
                assert_eq!(authorized(&path).send_request(&among).await.status(), 501, "{base} {path}");
            }
        }
    }
    let closed = init_service(App::new().service(memory()).default_service(web::to(echo))).await;
    let status = authorized("/debug/pprof/heap").send_request(&closed).await.status();
    assert_eq!(status, StatusCode::CREATED, "the application answers");
}

#[actix_web::test]
async fn serves_no_page_unless_configured() {
    for (page, expected) in [(Some(memory()), StatusCode::UNAUTHORIZED), (None, StatusCode::NOT_FOUND)] {
        let is_configured = page.is_some();
        let among_services = init_service(
            App::new()
                .configure(|config| {
                    if let Some(page) = page {
                        config.service(page);
                    }
                })
                .route("/", web::get().to(echo)),
        )
        .await;
        let around = Condition::new(is_configured, memory());
        let around = init_service(App::new().wrap(around).route("/", web::get().to(echo))).await;
        let answer = among_services.call(get("/debug/memory").to_request()).await.unwrap();
        assert_eq!(answer.status(), expected);
        assert_eq!(around.call(get("/debug/memory").to_request()).await.unwrap().status(), expected);
        assert_eq!(among_services.call(get("/").to_request()).await.unwrap().status(), StatusCode::CREATED);
    }
}
