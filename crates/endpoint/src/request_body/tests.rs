//! Bodies of all kinds, received in parts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use memory_debug_core::Collector;

use super::*;
use crate::auth::Credentials;
use crate::auth::{Authorized, authenticate};
use crate::flight::Flights;
use crate::limits::Limits;
use crate::parts::Connection;

fn proof() -> Authorized {
    authenticate(&Credentials::allow_weak("ops", "x").unwrap(), [&b"Basic b3BzOng="[..]]).unwrap()
}

fn checked(headers: &[(&str, &str)]) -> Result<(), Problem> {
    let lookup = |name: &str| {
        headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_bytes()).collect()
    };
    let (method, path) = ("PUT", "/debug/memory/profiling");
    let (authority, query, connection) = (None, None, Connection::default());
    check(&RequestParts { method, authority, path, query, headers: &lookup, connection }, JSON)
}

fn checked_json(more: &[(&str, &str)]) -> Result<(), Problem> {
    checked(&[&[("content-type", "application/json")], more].concat())
}

#[test]
fn s26_only_json_is_read() {
    for accepted in [
        "application/json",
        "Application/JSON",
        " application/json ",
        "application/json;charset=utf-8",
        "application/json ; charset=\"UTF-8\"; x=y",
    ] {
        assert_eq!(checked(&[("content-type", accepted)]), Ok(()), "{accepted}");
    }
    for refused in [
        "",
        ";",
        "text/plain",
        "text/plain; application/json",
        "application/json, text/plain",
        "application/jsonx",
        "application/json5",
        "application/problem+json",
        "application/x-www-form-urlencoded",
        "*/*",
    ] {
        assert_eq!(
            checked(&[("content-type", refused)]),
            Err(Problem::UnsupportedBody { wanted: JSON }),
            "{refused}"
        );
    }
    assert_eq!(checked(&[]), Err(Problem::UnsupportedBody { wanted: JSON }));
    assert_eq!(
        checked_json(&[("content-type", "application/json")]),
        Err(Problem::UnsupportedBody { wanted: JSON }),
        "two types"
    );
}

#[test]
fn s26_an_encoded_body_is_not_read() {
    for accepted in ["identity", "Identity", " identity , identity"] {
        assert_eq!(checked_json(&[("content-encoding", accepted)]), Ok(()), "{accepted}");
    }
    for refused in ["gzip", "identity, gzip", "br", "", "x"] {
        let encoded = checked_json(&[("content-encoding", refused)]);
        assert_eq!(encoded, Err(Problem::UnsupportedBody { wanted: JSON }), "{refused}");
    }
    let twice = [("content-encoding", "identity"), ("content-encoding", "zstd")];
    assert_eq!(checked_json(&twice), Err(Problem::UnsupportedBody { wanted: JSON }));
}

#[test]
fn s26_a_content_length_above_16_kib_is_refused() {
    for accepted in ["0", "16384", "016384", "", "x", "-1", "+99999", "1e9"] {
        assert_eq!(checked_json(&[("content-length", accepted)]), Ok(()), "{accepted}");
    }
    for refused in ["16385", "1000000000", "99999999999999999999999999"] {
        assert_eq!(checked_json(&[("content-length", refused)]), Err(Problem::BodyTooLarge), "{refused}");
    }
}

fn flights() -> Flights {
    Flights::new(Arc::new(Collector::new()), Limits::default())
}

/// A part of a body, as a connection delivers it.
enum Part {
    Data(Vec<u8>),
    Broken,
    Later,
}

fn read(parts: impl IntoIterator<Item = Part>) -> Poll<Result<Vec<u8>, Problem>> {
    let flights = flights();
    let mut body = RequestBody::new(flights.await_body(&proof()).unwrap());
    let mut parts: VecDeque<_> = parts.into_iter().collect();
    let read = body.poll_read(&mut Context::from_waker(Waker::noop()), |_| match parts.pop_front() {
        None => Poll::Ready(None),
        Some(Part::Data(data)) => Poll::Ready(Some(Ok(data.into()))),
        Some(Part::Broken) => Poll::Ready(Some(Err(()))),
        Some(Part::Later) => Poll::Pending,
    });
    drop(body);
    flights.wait_until_idle();
    read
}

fn data(bytes: &[u8]) -> Part {
    Part::Data(bytes.to_vec())
}

#[test]
fn s26_parts_are_joined_up_to_16_kib() {
    assert_eq!(read([]), Poll::Ready(Ok(Vec::new())));
    assert_eq!(read([data(b"{\"a"), data(b""), data(b"\":1}")]), Poll::Ready(Ok(b"{\"a\":1}".to_vec())));
    let longest = vec![b' '; MAX_BYTES];
    assert_eq!(read([data(&longest)]), Poll::Ready(Ok(longest.clone())));
    assert_eq!(read([data(&longest), data(b" ")]), Poll::Ready(Err(Problem::BodyTooLarge)));
    assert_eq!(read([data(b" "), data(&longest)]), Poll::Ready(Err(Problem::BodyTooLarge)));
    let half = MAX_BYTES / 2 + 1;
    assert_eq!(
        read([data(&longest[..half]), data(&longest[..half])]),
        Poll::Ready(Err(Problem::BodyTooLarge))
    );
}

#[test]
fn s26_an_endless_series_of_empty_parts_is_refused() {
    let endless = std::iter::repeat_with(|| data(b"")).take(MAX_BYTES + 1);
    assert_eq!(read(endless), Poll::Ready(Err(Problem::BodyTooLarge)));
}

#[test]
fn s26_a_body_that_breaks_off_is_refused_and_a_body_that_pauses_is_awaited() {
    let broken = read([data(b"{\"active\":false}"), Part::Broken]);
    assert!(matches!(broken, Poll::Ready(Err(Problem::InvalidBody { .. }))), "{broken:?}");
    assert!(read([data(b"{"), Part::Later]).is_pending());
}

#[tokio::test]
async fn s26_a_body_that_does_not_arrive_in_time_is_given_up() {
    let flights = flights();
    let mut body = RequestBody::new(flights.await_body(&proof()).unwrap());
    let reading = std::future::poll_fn(|context| {
        body.poll_read(context, |_| Poll::<Option<Result<Bytes, ()>>>::Pending)
    });
    let passing = async { flights.pass_deadline() };
    // The deadline passes only after the body was polled once.
    let mut reading = std::pin::pin!(reading);
    assert!(reading.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    passing.await;
    let limit = std::time::Duration::from_secs(10);
    assert_eq!(reading.await, Err(Problem::BodyTimeout { limit }));
    drop(body);
    flights.wait_until_idle();
}
