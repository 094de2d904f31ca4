//! Tests of the replies of the page.

use super::*;

#[tokio::test]
async fn page_is_served_with_the_right_credentials() {
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
async fn s02_without_credentials_the_reply_is_401_and_the_body_is_never_polled() {
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
async fn s03_two_authorization_headers_are_refused() {
    let service = Fixture::new().layer.layer(Strict::default());
    let mut twice = request("GET", "/debug/memory", Some(RIGHT), Full::<Bytes>::default());
    twice.headers_mut().append("authorization", RIGHT.parse().unwrap());
    assert_eq!(service.oneshot(twice).await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn s17_connection_finds_the_client_address() {
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
async fn s20_every_spelling_is_authenticated_or_passed_on() {
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
