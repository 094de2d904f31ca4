//! S27: the same table over HTTP/2, for all requests that can be expressed in it.

use axum::http::Uri;
use memory_debug_tests::{Request, RequestParts};

use super::cases::{Case, cases_without_profile};
use super::servers;
use super::{comparable_fields, hold, is_expected};
use crate::http2::Connection;

/// Fields of an HTTP/1 connection, or that HTTP/2 expresses in another way (RFC 9113, section 8.2.2).
const OF_HTTP1: [&str; 4] = ["connection", "content-length", "host", "upgrade"];

/// Half of hyper's default limit for all fields together, including the path.
const MOST_BYTES: usize = 8 << 10;

/// Method, target and fields of a request that can be expressed in HTTP/2.
fn said_in_http2(request: &Request) -> Option<RequestParts<'_>> {
    let (method, target, mut fields) = request.parts()?;
    fields.retain(|(name, _)| *name != "host");
    // Whitespace around a value is part of HTTP/1's syntax and invalid in HTTP/2.
    let fits = |(name, value): &(&str, &str)| !OF_HTTP1.contains(name) && value.trim() == *value;
    let bytes = target.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
    let is_uri = target.starts_with('/') && target.parse::<Uri>().is_ok();
    (is_uri && bytes < MOST_BYTES && fields.iter().all(fits)).then_some((method, target, fields))
}

#[tokio::test]
async fn s27_http2_is_answered_as_http1() {
    let all = cases_without_profile();
    let single =
        |case: &&Case| matches!(&case.exchanges[..], [(request, _)] if said_in_http2(request).is_some());
    let cases: Vec<_> = all.iter().filter(single).collect();
    assert!(cases.len() >= 300, "{} cases", cases.len());
    for server in servers::all().await.iter().filter(|server| server.speaks_http2) {
        let mut connection = Connection::open(server.address()).await;
        for case in &cases {
            let (request, expected) = &case.exchanges[0];
            let (method, target, fields) = said_in_http2(request).unwrap();
            let (status, fields, body) = connection.send(method, target, &fields).await;
            let answer = Some((status, comparable_fields(request, fields), body));
            let message = || format!("{}: {case}: {answer:?}", server.name);
            assert!(is_expected(server, *expected, answer.as_ref()), "{}", message());
            assert!(hold(server, case).await.contains(&answer), "{}", message());
        }
    }
}
