//! Requests that browsers send for pages of other sites, with a password that they remember.

use memory_debug_tests::{Connection, Request, authorization};

use crate::http2;
use crate::statuses::serve_counting;

#[tokio::test]
async fn s31_an_image_of_another_site_starts_no_collection() {
    let (server, collector) = serve_counting().await;
    for page in ["", "/stats", "/types", "/doctor", "/unknown"] {
        let image = Request::get(format!("/debug/memory{page}"))
            .authorized()
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "no-cors")
            .header("sec-fetch-dest", "image");
        let reply = server.send(image).await;
        assert_eq!((reply.status, reply.header("www-authenticate")), (403, None), "{page}: {reply}");
    }
    assert_eq!(collector.count(), 0);
    let link = Request::get("/debug/memory")
        .authorized()
        .header("sec-fetch-site", "cross-site")
        .header("sec-fetch-mode", "navigate")
        .header("sec-fetch-dest", "document");
    assert_eq!(server.send(link).await.status, 200);
}

#[tokio::test]
async fn s31_without_the_password_a_cross_site_request_gets_the_usual_401() {
    let (server, _) = serve_counting().await;
    let plain = server.send(Request::get("/debug/memory")).await;
    let image = Request::get("/debug/memory").header("sec-fetch-site", "cross-site");
    assert_eq!(server.send(image).await.without_date(), plain.without_date());
}

#[tokio::test]
async fn s30_a_form_of_another_site_is_refused_before_its_method() {
    let (server, _) = serve_counting().await;
    let form = |origin: &str| Request::new("POST", "/debug/memory").authorized().header("origin", origin);
    assert_eq!(server.send(form("https://attacker.example")).await.status, 403);
    // Every request of this client has the `Host` `localhost`.
    assert_eq!(server.send(form("http://localhost")).await.status, 405);
    let absolute = Request::new("POST", "http://a.example/debug/memory").authorized();
    let mut connection = Connection::open(server.address()).await;
    let reply = connection.exchange(absolute.header("origin", "http://localhost")).await;
    assert_eq!(reply.status, 403, "the host in the request line counts: {reply}");
}

#[tokio::test]
async fn s27_over_http2_the_requested_host_is_the_authority() {
    let (server, _) = serve_counting().await;
    let mut connection = http2::Connection::open(server.address()).await;
    let authorization = authorization();
    for (origin, expected) in [("http://localhost", 405), ("https://attacker.example", 403)] {
        let headers = [("authorization", authorization.as_str()), ("origin", origin)];
        assert_eq!(connection.send("POST", "/debug/memory", &headers).await.0, expected, "{origin}");
    }
}
