//! `PUT /profiling`, whose body is JSON.
//!
//! The process of these tests has no jemalloc, so a change that passes all checks is answered 501.

use std::convert::Infallible;
use std::future::poll_fn;
use std::task::Poll;

use memory_debug_core::Collector;

use super::*;

pub(super) const PROFILING: &str = "/debug/memory/profiling";
const JSON: (&str, &str) = ("content-type", "application/json");

pub(super) fn endpoint() -> Endpoint {
    let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
    Endpoint::new(Credentials::new("ops", PASSWORD).unwrap().and(reader).unwrap())
        .collect_with(Collector::new())
}

/// `grafana`, which may only read.
pub(super) const READER: &str = "Basic Z3JhZmFuYTo5dktxM3gtUHpMN19tVDJ3UmI0eQ==";

pub(super) fn outcome(
    endpoint: &Endpoint,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
) -> ReplyFuture {
    let (path, query) = target.split_once('?').map_or((target, None), |(path, query)| (path, Some(query)));
    let lookup = |wanted: &str| {
        headers.iter().filter(|(name, _)| *name == wanted).map(|(_, value)| value.as_bytes()).collect()
    };
    endpoint.handle(RequestParts { headers: &lookup, ..parts(method, path, query, &|_| Vec::new()) })
}

/// The reply to a request whose body arrives in `parts`. Fails if the body is read although it is not needed.
pub(super) fn answer(mut outcome: ReplyFuture, parts: &[&[u8]]) -> Reply {
    let is_needed = outcome.needs_body();
    let mut parts = parts.iter().map(|part| Bytes::copy_from_slice(part));
    let reply = poll_fn(|context| {
        outcome.poll_with_body(context, |_| {
            assert!(is_needed, "the body is read although it is not needed");
            Poll::Ready(parts.next().map(Ok::<_, Infallible>))
        })
    });
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(reply)
}

fn put(headers: &[(&str, &str)], body: &[u8]) -> Reply {
    let headers = [&[("authorization", RIGHT), JSON], headers].concat();
    answer(outcome(&endpoint(), "PUT", PROFILING, &headers), &[body])
}

#[test]
fn s26_the_body_is_needed_only_after_all_other_checks_pass() {
    let endpoint = endpoint();
    // At first everything is wrong. Each step corrects the fault that was found.
    let mut method = "PATCH";
    let mut target = "/debug/memory/unknown?x=1";
    let mut headers = vec![
        ("authorization", WRONG),
        ("sec-fetch-site", "cross-site"),
        ("accept", "image/png"),
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("content-length", "16385"),
    ];
    let mut statuses = Vec::new();
    for step in 0.. {
        let outcome = outcome(&endpoint, method, target, &headers);
        assert_eq!(outcome.needs_body(), step == 10, "{step}");
        statuses.push(answer(outcome, &[b"{}"]).status);
        match step {
            0 => headers[0].1 = READER,
            1 => headers[1].1 = "same-origin",
            2 => target = "/debug/memory/profiling?x=1",
            3 => method = "PUT",
            4 => target = PROFILING,
            5 => headers[2].1 = "application/json",
            6 => headers[0].1 = RIGHT,
            7 => headers[3].1 = "application/json",
            8 => headers[4].1 = "identity",
            9 => headers[5].1 = "16384",
            _ => break,
        }
    }
    // Password, origin of the request, path, method, parameters, format, role, type, encoding, length, and then the
    // body.
    assert_eq!(statuses, [401, 403, 404, 405, 400, 406, 403, 415, 415, 413, 400]);
}

#[test]
fn s26_no_other_operation_needs_a_body() {
    let endpoint = endpoint();
    let headers = [("authorization", RIGHT), JSON, ("content-length", "2")];
    for (method, target) in [
        ("GET", "/debug/memory"),
        ("GET", "/debug/memory/stats"),
        ("GET", PROFILING),
        ("HEAD", PROFILING),
        ("PATCH", PROFILING),
        ("DELETE", PROFILING),
        ("put", PROFILING),
        ("PUT", "/debug/memory"),
        ("PUT", "/debug/memory/profiling/"),
        ("POST", "/debug/memory/snapshots"),
        ("POST", "/debug/memory/purge"),
        ("PUT", "/debug/memory/trace"),
    ] {
        assert!(!outcome(&endpoint, method, target, &headers).needs_body(), "{method} {target}");
    }
    assert!(outcome(&endpoint, "PUT", PROFILING, &headers).needs_body());
}

#[test]
fn s26_a_body_in_several_parts_is_read_and_its_defect_is_named() {
    let endpoint = endpoint();
    let headers = [("authorization", RIGHT), JSON, ("accept", "application/json")];
    for (parts, status, slug) in [
        (&[&b"{\"active\""[..], b"", b":false}"][..], 501, "not-built-in"),
        (&[b"{\"active\":false}"], 501, "not-built-in"),
        (&[b"{\"active\":true,\"for_seconds\":300,\"sample_bytes\":524288}"], 501, "not-built-in"),
        (&[], 400, "invalid-body"),
        (&[b"{\"active\""], 400, "invalid-body"),
        (&[b"{\"active\":true}"], 400, "invalid-body"),
        (&[&[b' '; 16 << 10], b"{}"], 413, "body-too-large"),
    ] {
        let reply = answer(outcome(&endpoint, "PUT", PROFILING, &headers), parts);
        assert_eq!(
            (reply.status, header(&reply, "content-type")),
            (status, Some("application/problem+json"))
        );
        assert_eq!(json(&reply)["type"], format!("urn:memory-debug:problem:{slug}"));
    }
    let reply = put(&[], b"{\"active\":1}");
    assert_eq!(header(&reply, "content-type"), Some("text/plain; charset=utf-8"));
    assert!(
        text(&reply).starts_with("400 invalid body: the body cannot be parsed: invalid type"),
        "{reply:?}"
    );
}

#[test]
fn s26_a_request_awaited_without_its_body_counts_as_empty() {
    let outcome = outcome(&endpoint(), "PUT", PROFILING, &[("authorization", RIGHT), JSON]);
    let reply = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(outcome);
    assert!(reply.status == 400 && text(&reply).contains("the body is empty"), "{reply:?}");
}

#[test]
fn s26_a_request_dropped_within_its_body_frees_its_permit() {
    let endpoint = endpoint();
    let headers = [("authorization", RIGHT), JSON];
    for _ in 0..200 {
        let mut outcome = outcome(&endpoint, "PUT", PROFILING, &headers);
        assert!(outcome.needs_body(), "no permit is left");
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let mut parts = [Poll::Ready(Some(Ok::<_, Infallible>(Bytes::from_static(b"{"))))].into_iter();
        let polled = outcome.poll_with_body(&mut context, |_| parts.next().unwrap_or(Poll::Pending));
        assert!(polled.is_pending());
    }
    endpoint.flights.wait_until_idle();
}

#[test]
fn s26_at_most_64_bodies_are_awaited() {
    let endpoint = endpoint();
    let headers = [("authorization", RIGHT), JSON];
    let ask = || outcome(&endpoint, "PUT", PROFILING, &headers);
    let awaited: Vec<_> = (0..64).map(|_| ask()).collect();
    assert!(awaited.iter().all(ReplyFuture::needs_body));
    let refused = ask();
    assert!(!refused.needs_body());
    let reply = answer(refused, &[]);
    assert_eq!((reply.status, header(&reply, "retry-after")), (429, Some("1")));
    assert_eq!(
        answer(outcome(&endpoint, "GET", PROFILING, &headers), &[]).status,
        200,
        "other requests are answered"
    );
    drop(awaited);
    assert!(ask().needs_body());
}

#[test]
fn s26_a_body_that_never_arrives_is_408_and_all_threads_end() {
    let endpoint = endpoint();
    let headers = [("authorization", RIGHT), JSON, ("accept", "application/json")];
    let mut outcome = outcome(&endpoint, "PUT", PROFILING, &headers);
    let mut is_first = true;
    let reply = poll_fn(|context| {
        let polled = outcome.poll_with_body(context, |_| Poll::<Option<Result<Bytes, Infallible>>>::Pending);
        // The deadline passes only after the body was polled once.
        if std::mem::take(&mut is_first) {
            endpoint.flights.pass_deadline();
        }
        polled
    });
    let reply = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(reply);
    assert_eq!((reply.status, &json(&reply)["title"]), (408, &Value::from("body timeout")));
    endpoint.flights.wait_until_idle();
}

#[test]
fn the_etag_names_the_process_and_the_version() {
    let endpoint = endpoint();
    let reply = answer(
        outcome(&endpoint, "GET", &format!("{PROFILING}?format=json"), &[("authorization", RIGHT)]),
        &[],
    );
    let state = json(&reply);
    let expected = format!("\"{}-{}\"", state["instance"]["id"].as_str().unwrap(), state["version"]);
    assert_eq!(header(&reply, "etag"), Some(&*expected));
}
