//! Requests with the right password: methods, parameters, formats, and the head of every reply.

use memory_debug_tests::{Request, Response};
use serde_json::json;

use crate::statuses::{one_of_each, serve_counting};

const PAGES: [&str; 3] = ["/debug/memory", "/debug/memory/stats", "/debug/memory/types"];

#[tokio::test]
async fn s23_other_methods_than_get_and_head_are_405_with_allow() {
    let (server, collector) = serve_counting().await;
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "get"] {
        for target in PAGES {
            let reply = server.send(Request::new(method, target).authorized()).await;
            assert_eq!(reply.status, 405, "{method} {target}: {reply}");
            assert_eq!(reply.header("allow").as_deref(), Some("GET, HEAD"));
        }
    }
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn s23_a_method_in_a_header_is_ignored() {
    let (server, _) = serve_counting().await;
    let request = |method| Request::new(method, "/debug/memory").authorized();
    let reply = server.send(request("GET").header("x-http-method-override", "DELETE")).await;
    assert_eq!(reply.status, 200);
    let reply = server.send(request("POST").header("x-http-method-override", "GET").body("")).await;
    assert_eq!(reply.status, 405);
}

#[tokio::test]
async fn s23_head_never_collects_and_has_the_head_of_get() {
    let (server, collector) = serve_counting().await;
    for (target, asked) in PAGES.into_iter().zip(0..) {
        let head = server.send(Request::new("HEAD", target).authorized()).await;
        assert_eq!((head.status, collector.count()), (200, asked), "{target}");
        let get = server.send(Request::get(target).authorized()).await;
        assert_eq!((get.status, collector.count()), (200, asked + 1), "{target}");
        // RFC 9110, section 8.6: a length must be the length of the GET reply, which is unknown without
        // collecting.
        assert_eq!(head.header("content-length"), None, "{head}");
        assert_eq!(fields(&head), fields(&get));
    }
    let refused = server.send(Request::new("HEAD", "/debug/memory?x=1").authorized()).await;
    assert_eq!(refused.status, 400);
}

/// All header fields except the date and the length.
fn fields(response: &Response) -> Vec<(String, String)> {
    let fields = response.headers.iter();
    fields.filter(|(name, _)| name != "date" && name != "content-length").cloned().collect()
}

#[tokio::test]
async fn s24_an_invalid_parameter_is_refused_by_name() {
    let (server, collector) = serve_counting().await;
    let too_long = format!("filter={}", "a".repeat(129));
    for (page, query, named) in [
        ("", "x=1", "x"),
        ("", "top=0", "top"),
        ("", "format=xml", "format"),
        ("", "format=", "format"),
        ("", "format", "format"),
        ("", "Format=text", "Format"),
        ("", "%66ormat=text", "%66ormat"),
        ("/stats", "detail=planets", "detail"),
        ("/stats", "sort=bytes", "sort"),
        ("/types", "top=0", "top"),
        ("/types", "top=1001", "top"),
        ("/types", "top=-1", "top"),
        ("/types", "top=%2B5", "top"),
        ("/types", "top=1e3", "top"),
        ("/types", "top=99999999999999999999999", "top"),
        ("/types", "top=5&top=5", "top"),
        ("/types", "sort=size", "sort"),
        ("/types", "sort=bytes&sort=bytes", "sort"),
        ("/types", "filter=%FF", "filter"),
        ("/types", "filter=%0a", "filter"),
        ("/types", "filter=%g0", "filter"),
        ("/types", &too_long, "filter"),
    ] {
        let target = format!("/debug/memory{page}?{query}");
        let text = server.send(Request::get(&target).authorized()).await;
        assert_eq!(text.status, 400, "{target}: {text}");
        assert_eq!(text.header("content-type").as_deref(), Some("text/plain; charset=utf-8"));
        assert!(text.text().starts_with(&format!("400 invalid parameter: `{named}` ")), "{target}: {text}");
        assert_eq!(text.text().lines().count(), 1);

        let accepted = Request::get(&target).authorized().header("accept", "application/json");
        let json = server.send(accepted).await;
        assert_eq!(json.header("content-type").as_deref(), Some("application/problem+json"), "{target}");
        assert_eq!((json.status, &json.json()["parameter"]), (400, &json!(named)), "{target}: {json}");
    }
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn s24_parameters_in_range_are_accepted() {
    let (server, _) = serve_counting().await;
    for target in [
        "/debug/memory?",
        "/debug/memory?format=text",
        "/debug/memory/stats?format=json",
        "/debug/memory/types?top=1",
        "/debug/memory/types?top=1000&sort=count&filter=Vec%3Cu8%3E&format=json",
        "/debug/memory/types?sort=name&filter=a+b",
    ] {
        let reply = server.send(Request::get(target).authorized()).await;
        assert_eq!(reply.status, 200, "{target}: {reply}");
    }
}

#[tokio::test]
async fn the_format_follows_the_query_then_the_accept_header() {
    const TEXT: &str = "text/plain; charset=utf-8";
    const JSON: &str = "application/json";
    const HTML: &str = "text/html; charset=utf-8";
    let (server, _) = serve_counting().await;
    for (query, accept, expected) in [
        ("", None, TEXT),
        ("", Some("*/*"), TEXT),
        ("", Some("application/json"), JSON),
        ("", Some("text/plain;q=0.4, application/json;q=0.5"), JSON),
        ("", Some("text/plain;q=0.5, application/json;q=0.4"), TEXT),
        ("", Some("text/html, application/xhtml+xml, application/xml;q=0.9, */*;q=0.8"), HTML),
        ("?format=text", Some("text/html"), TEXT),
        ("", Some("text/*;q=0.3, application/*;q=0.7"), JSON),
        ("", Some("text/plain;q=0, */*"), JSON),
        ("?format=json", Some("text/plain"), JSON),
        ("?format=text", Some("application/json"), TEXT),
        ("?format=json", Some("image/png"), JSON),
    ] {
        for page in PAGES {
            let mut request = Request::get(format!("{page}{query}")).authorized();
            if let Some(accept) = accept {
                request = request.header("accept", accept);
            }
            let reply = server.send(request).await;
            assert_eq!(reply.status, 200, "{query} {accept:?}: {reply}");
            assert_eq!(reply.header("content-type").as_deref(), Some(expected), "{query} {accept:?}");
            assert_eq!(reply.body.starts_with(b"{"), expected == JSON, "{query} {accept:?}: {reply}");
        }
    }
}

#[tokio::test]
async fn unsupported_formats_are_406_and_supported_ones_are_listed() {
    let (server, collector) = serve_counting().await;
    for accept in ["image/png", "text/html;q=0", "application/json;q=0, text/plain;q=0", "*/*;q=0"] {
        let request = Request::get("/debug/memory").authorized().header("accept", accept);
        let reply = server.send(request).await;
        assert_eq!(reply.status, 406, "{accept}: {reply}");
        assert!(reply.text().contains("text/plain") && reply.text().contains("application/json"), "{reply}");
    }
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn problems_follow_rfc_9457() {
    let (server, _) = serve_counting().await;
    for (request, status, slug, member) in [
        (Request::get("/debug/memory?x=1"), 400, "invalid-parameter", "parameter"),
        (Request::get("/debug/memory/unknown"), 404, "unknown-path", "detail"),
        (Request::new("PUT", "/debug/memory"), 405, "method-not-allowed", "allowed"),
    ] {
        let reply = server.send(request.authorized().header("accept", "application/problem+json")).await;
        assert_eq!(reply.status, status);
        assert_eq!(reply.header("content-type").as_deref(), Some("application/problem+json"));
        let problem = reply.json();
        assert_eq!(problem["status"], status);
        assert_eq!(problem["type"], format!("urn:memory-debug:problem:{slug}"));
        assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        assert!(!problem[member].is_null(), "{problem}");
    }
}

#[tokio::test]
async fn s33_every_status_has_the_protective_headers() {
    for reply in one_of_each().await {
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-frame-options", "DENY"),
            ("vary", "Accept, Authorization"),
            ("x-robots-tag", "noindex"),
        ] {
            assert_eq!(reply.header(name).as_deref(), Some(value), "{name}: {reply}");
        }
        let policy = reply.header("content-security-policy").unwrap();
        for directive in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", "sandbox"] {
            assert!(policy.split("; ").any(|part| part == directive), "{directive}: {reply}");
        }
        let content_type = reply.header("content-type").unwrap();
        let known = ["text/plain; charset=utf-8", "application/json", "application/problem+json"];
        assert!(known.contains(&&*content_type), "{reply}");
        assert_eq!(reply.header("www-authenticate").is_some(), reply.status == 401, "{reply}");
        assert_eq!(reply.header("retry-after").is_some(), matches!(reply.status, 429 | 503), "{reply}");
    }
}

#[tokio::test]
async fn s32_no_reply_allows_other_origins() {
    let (server, _) = serve_counting().await;
    let preflight = Request::new("OPTIONS", "/debug/memory")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "authorization");
    let refused = server.send(preflight).await;
    assert_eq!(refused.status, 401);
    let request = Request::get("/debug/memory").authorized().header("origin", "https://evil.example");
    for reply in one_of_each().await.into_iter().chain([refused, server.send(request).await]) {
        assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{reply}");
    }
}

#[tokio::test]
async fn s63_errors_do_not_reveal_details_for_the_log() {
    for reply in one_of_each().await.into_iter().filter(|reply| reply.status >= 400) {
        for inside in ["panicked at", "the test told it to", ".rs:", "/proc/", "src/"] {
            assert!(!reply.text().contains(inside), "{inside}: {reply}");
        }
    }
}
