//! Authentication: exactly one well-formed header with the right user and password is accepted. All other
//! requests get the same answer.

use memory_debug_axum::{Credentials, MemoryDebugLayer};
use memory_debug_tests::{
    Connection, CountingCollector, PASSWORD, Request, Response, Server, USER, authorization, basic,
};

use crate::statuses::{serve, serve_counting};

const PAGE: &str = "/debug/memory";

/// The answer to requests that are refused, without the date.
async fn refusal(server: &Server) -> Vec<u8> {
    let response = server.send(Request::get(PAGE)).await;
    assert_eq!(response.status, 401);
    response.without_date()
}

async fn assert_refused(server: &Server, request: Request, what: &str) {
    let response = server.send(request).await;
    assert_eq!(response.status, 401, "{what}: {response}");
    assert_eq!(response.without_date(), refusal(server).await, "{what}: {response}");
}

async fn with_header(server: &Server, value: impl AsRef<[u8]>) -> Response {
    server.send(Request::get(PAGE).header("authorization", value)).await
}

#[tokio::test]
async fn s13_the_refusal_is_a_401_with_a_challenge() {
    let (server, _) = serve_counting().await;
    let refused = server.send(Request::get(PAGE)).await;
    assert_eq!(refused.status, 401);
    let challenge = "Basic realm=\"memory\", charset=\"UTF-8\"";
    assert_eq!(refused.header("www-authenticate").as_deref(), Some(challenge));
    assert_eq!(refused.header("content-length"), Some(refused.body.len().to_string()));
    assert_eq!(refused.header("content-type").as_deref(), Some("text/plain; charset=utf-8"));
    assert_eq!(refused.text().lines().count(), 1);
}

#[tokio::test]
async fn s02_every_method_and_path_below_the_base_gets_the_same_refusal() {
    let (server, collector) = serve_counting().await;
    let methods = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "head"];
    let below = [
        "",
        "/",
        "//",
        "/stats",
        "/types",
        "/types?top=5",
        "/types?top=x",
        "?format=xml",
        "?",
        "/unknown",
        "/metrics",
        "/snapshots/1",
        "/stats/",
        "/un/known",
        "/..",
        "/%00",
        "/%2e%2e",
        "/st%61ts",
        "/\u{fc}",
    ];
    for method in methods {
        for path in below {
            let target = format!("{PAGE}{path}");
            assert_refused(&server, Request::new(method, &target), &format!("{method} {target}")).await;
        }
    }
    let refused = server.send(Request::get(PAGE)).await;
    for path in below {
        let response = server.send(Request::new("HEAD", format!("{PAGE}{path}"))).await;
        let without_length = |response: &Response| -> Vec<_> {
            let fields =
                response.headers.iter().filter(|(name, _)| name != "date" && name != "content-length");
            fields.cloned().collect()
        };
        assert_eq!(response.status, 401, "{path}");
        assert_eq!(without_length(&response), without_length(&refused), "{path}");
    }
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn s02_the_refusal_depends_on_no_other_header() {
    let (server, _) = serve_counting().await;
    for (name, value) in [
        ("accept", "application/json"),
        ("accept", "image/png"),
        ("accept-encoding", "gzip, br"),
        ("origin", "https://evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-http-method-override", "GET"),
        ("proxy-authorization", &authorization()),
        ("cookie", &authorization()),
        ("x-original-url", "/"),
        ("range", "bytes=0-1"),
        ("if-none-match", "*"),
    ] {
        assert_refused(&server, Request::get(PAGE).header(name, value), name).await;
    }
}

#[tokio::test]
async fn s02_a_refusal_does_not_wait_for_the_body() {
    let (server, _) = serve_counting().await;
    for (name, value) in [("content-length", "1000000"), ("transfer-encoding", "chunked")] {
        let mut connection = Connection::open(server.address()).await;
        connection.send_head(Request::new("POST", PAGE).header(name, value)).await;
        // The body never arrives, but the answer does.
        let response = connection.receive().await;
        assert_eq!(response.status, 401);
        assert_eq!(response.body, server.send(Request::get(PAGE)).await.body);

        let mut connection = Connection::open(server.address()).await;
        connection.send_head(Request::new("POST", PAGE).header(name, value).authorized()).await;
        assert_eq!(connection.receive().await.status, 405);
    }
}

#[tokio::test]
async fn s02_a_refused_client_is_not_asked_for_its_body() {
    let (server, _) = serve_counting().await;
    let mut connection = Connection::open(server.address()).await;
    let request = Request::new("PUT", PAGE).header("expect", "100-continue").header("content-length", "5");
    connection.send_head(request).await;
    assert_eq!(connection.receive().await.status, 401, "not 100");
}

#[tokio::test]
async fn s03_two_headers_are_refused_in_any_order() {
    let (server, collector) = serve_counting().await;
    let (right, wrong) = (authorization(), basic("ops:wrong"));
    for [first, second] in [[&right, &right], [&right, &wrong], [&wrong, &right], [&wrong, &wrong]] {
        let request = Request::get(PAGE).header("authorization", first).header("Authorization", second);
        assert_refused(&server, request, &format!("{first}, then {second}")).await;
        // The header that a proxy makes of two headers.
        let request = Request::get(PAGE).header("authorization", format!("{first}, {second}"));
        assert_refused(&server, request, "two headers joined into one").await;
    }
    for other in ["", "Bearer x", "\u{fc}"] {
        for headers in [[other, &right], [&right, other]] {
            let [first, second] = headers;
            let request = Request::get(PAGE).header("authorization", first).header("authorization", second);
            assert_refused(&server, request, &format!("{headers:?}")).await;
        }
    }
    assert_eq!(collector.count(), 0);
}

#[tokio::test]
async fn s04_the_scheme_is_basic_in_any_case_with_one_or_more_spaces() {
    let (server, _) = serve_counting().await;
    let token = authorization().replace("Basic ", "");
    for right in ["Basic ", "basic ", "BASIC ", "bAsIc ", "Basic   "] {
        assert_eq!(with_header(&server, format!("{right}{token}")).await.status, 200, "{right}");
    }
    // Spaces and tabs around a value belong to the syntax of HTTP, not to the value.
    assert_eq!(with_header(&server, format!(" \tBasic {token} \t")).await.status, 200);
    for wrong in [
        "",
        "Basic",
        "Basic\t",
        "Basic \t",
        "Basicx ",
        "Bearer ",
        "Digest ",
        "Negotiate ",
        "Basic, ",
        "Basic,",
        "Basic=",
        "\u{1d5}asic ",
        "x Basic ",
    ] {
        let value = format!("{wrong}{token}");
        assert_refused(&server, Request::get(PAGE).header("authorization", &value), &value).await;
    }
    for value in ["Basic", "Basic ", "Basic realm=\"memory\"", ""] {
        assert_refused(&server, Request::get(PAGE).header("authorization", value), value).await;
    }
}

#[tokio::test]
async fn s05_a_token_that_is_not_base64_of_a_pair_is_refused() {
    let (server, _) = serve_counting().await;
    let token = authorization().replace("Basic ", "");
    let unpadded = token.trim_end_matches('=').to_owned();
    assert_ne!(unpadded, token, "the token must have padding for this test");
    let with_space = format!("{} {}", &token[..8], &token[8..]);
    for malformed in [
        "=",
        "====",
        "b3Bz",
        "b3Bz=",
        "b3BzOn!",
        "b3BzOnNlY3JldA=",
        "b3BzOnNlY3JldA===",
        "\u{fc}",
        "%6f",
        &unpadded,
        &with_space,
        &format!("{token}="),
        &format!("{token}{token}"),
        &format!("{token},"),
    ] {
        let value = format!("Basic {malformed}");
        assert_refused(&server, Request::get(PAGE).header("authorization", &value), &value).await;
    }
    for pair in [&b"ops"[..], b"", b":", b"ops:", b":jumbled-otters-sip-cold-tea", b"\xff\xff:\xff", b"\0:\0"]
    {
        let value = basic(pair);
        assert_refused(&server, Request::get(PAGE).header("authorization", &value), &value).await;
    }
    let not_ascii = [b"Basic ", &[0xff; 40][..]].concat();
    assert_refused(&server, Request::get(PAGE).header("authorization", not_ascii), "not ASCII").await;
}

#[tokio::test]
async fn s05_oversized_headers_are_refused() {
    let (server, _) = serve_counting().await;
    let right = format!("{USER}:{PASSWORD}");
    let spaces = " ".repeat(4096 - authorization().len());
    let longest = authorization().replace(' ', &format!("{spaces} "));
    assert_eq!(longest.len(), 4096);
    assert_eq!(with_header(&server, &longest).await.status, 200);
    for (what, value) in [
        ("one byte too long", longest.replacen(' ', "  ", 1)),
        ("padded with a long password", basic(format!("{right}{}", "x".repeat(1024)))),
        ("a kibibyte and one", basic(format!("ops:{}", "x".repeat(1021)))),
        ("4 KiB and one of nothing", "x".repeat(4097)),
        ("64 KiB", basic("x".repeat(48 << 10))),
    ] {
        assert_refused(&server, Request::get(PAGE).header("authorization", value), what).await;
    }
}

#[tokio::test]
async fn s06_users_end_at_the_first_colon_and_control_characters_are_refused() {
    let credentials = Credentials::allow_weak("ops", "a:b:c").unwrap();
    let server = serve(
        MemoryDebugLayer::new(credentials)
            .configure(|endpoint| endpoint.collect_with(CountingCollector::default())),
    )
    .await;
    assert_eq!(with_header(&server, basic("ops:a:b:c")).await.status, 200);
    for wrong in [
        "ops:a",
        "ops:a:b",
        "ops:a:b:c:",
        "ops",
        "ops:a:b:c\n",
        "ops:a:b:c\0",
        "\nops:a:b:c",
        "ops :a:b:c",
        "ops:a:b:c\r\n",
        "ops\u{7f}:a:b:c",
        "OPS:a:b:c",
        " ops:a:b:c",
    ] {
        assert_refused(&server, Request::get(PAGE).header("authorization", basic(wrong)), wrong).await;
    }
}

#[tokio::test]
async fn s07_passwords_are_compared_as_bytes() {
    let credentials = Credentials::allow_weak("ops", "caf\u{e9}").unwrap();
    let server = serve(
        MemoryDebugLayer::new(credentials)
            .configure(|endpoint| endpoint.collect_with(CountingCollector::default())),
    )
    .await;
    assert_eq!(with_header(&server, basic("ops:caf\u{e9}")).await.status, 200);
    for (what, pair) in [
        ("Latin-1", &b"ops:caf\xe9"[..]),
        ("decomposed", "ops:cafe\u{301}".as_bytes()),
        ("a replacement character", "ops:caf\u{fffd}".as_bytes()),
    ] {
        assert_refused(&server, Request::get(PAGE).header("authorization", basic(pair)), what).await;
    }
}

#[tokio::test]
async fn s12_wrong_users_and_wrong_passwords_get_equal_replies() {
    let (server, collector) = serve_counting().await;
    for pair in [
        "ops:wrong",
        "stranger:wrong",
        &format!("stranger:{PASSWORD}"),
        &format!("{USER}:{PASSWORD}x"),
        &format!("{USER}:{}", &PASSWORD[1..]),
        &format!("{PASSWORD}:{USER}"),
    ] {
        assert_refused(&server, Request::get(PAGE).header("authorization", basic(pair)), pair).await;
    }
    assert_eq!(collector.count(), 0);
}

/// Many requests on one connection, as an attacker sends them.
#[tokio::test]
async fn s12_a_refusal_changes_neither_the_connection_nor_the_endpoint() {
    let (server, collector) = serve_counting().await;
    let mut connection = Connection::open(server.address()).await;
    let refusal = refusal(&server).await;
    for number in 0..100 {
        let guess = Request::get(PAGE).header("authorization", basic(format!("ops:{number}")));
        assert_eq!(connection.exchange(guess).await.without_date(), refusal);
    }
    assert_eq!(connection.exchange(Request::get(PAGE).authorized()).await.status, 200);
    assert_eq!(collector.count(), 1);
}
