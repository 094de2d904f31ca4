//! HTTP/2 with prior knowledge, as between a proxy and a service: the same answers as over HTTP/1, and one
//! collection for any number of streams on a connection.

use std::net::SocketAddr;

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use memory_debug_axum::MemoryDebugLayer;
use memory_debug_tests::{
    GatedCollector, PASSWORD, Request, Server, Visits, authorization, basic, credentials, within_limit,
};
use tokio::net::TcpStream;
use tower::ServiceBuilder;

use crate::statuses::serve_counting;

/// A connection. Clones share it.
#[derive(Clone)]
pub(crate) struct Connection(SendRequest<Full<Bytes>>);

/// Status, header fields without the date, and body.
type Answer = (u16, Vec<(String, String)>, Vec<u8>);

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self(sender)
    }

    pub(crate) async fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
        self.send_with_body(method, target, headers, "").await
    }

    pub(crate) async fn send_with_body(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request = hyper::Request::builder().method(method).uri(format!("http://localhost{target}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body.to_owned())).unwrap();
        let response = within_limit(self.0.send_request(request)).await.unwrap();
        let (head, body) = response.into_parts();
        let mut fields: Vec<_> = head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .filter(|(name, _)| name != "date")
            .collect();
        fields.sort();
        let body = within_limit(body.collect()).await.unwrap().to_bytes();
        (head.status.as_u16(), fields, body.to_vec())
    }
}

async fn over_http1(server: &Server, method: &str, target: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::new(method, target);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let response = server.send(request).await;
    let mut fields: Vec<_> = response.headers.into_iter().filter(|(name, _)| name != "date").collect();
    fields.sort();
    (response.status, fields, response.body)
}

#[tokio::test]
async fn s27_http2_gets_the_same_answers_as_http1() {
    let (server, collector) = serve_counting().await;
    let mut connection = Connection::open(server.address()).await;
    let right = ("authorization", &*authorization());
    let wrong = basic("ops:wrong");
    let upper = authorization().replace("Basic", "BASIC");
    let spelled = format!("ops:{PASSWORD}");
    let cases: &[(u16, &[(&str, &str)])] = &[
        (401, &[]),
        (401, &[("authorization", &wrong)]),
        (401, &[("authorization", "")]),
        (401, &[("authorization", "Basic")]),
        (401, &[("authorization", "Basic !")]),
        (401, &[("authorization", &spelled)]),
        (401, &[("proxy-authorization", right.1)]),
        (401, &[right, right]),
        (401, &[right, ("authorization", &wrong)]),
        (401, &[("authorization", &wrong), right]),
        (200, &[("authorization", &upper)]),
        (200, &[right]),
        (200, &[right, ("accept", "application/json")]),
        (406, &[right, ("accept", "image/png")]),
    ];
    for (status, headers) in cases {
        let answer = connection.send("GET", "/debug/memory", headers).await;
        assert_eq!(answer.0, *status, "{headers:?}");
        assert_eq!(answer, over_http1(&server, "GET", "/debug/memory", headers).await, "{headers:?}");
    }
    let collected = collector.count();
    for (status, method, target) in [
        (405, "POST", "/debug/memory"),
        (405, "OPTIONS", "/debug/memory/types"),
        (405, "TRACE", "/debug/memory"),
        (400, "GET", "/debug/memory?sort=bytes"),
        (404, "GET", "/debug/memory/"),
        (404, "GET", "/debug/memory/%00"),
        (404, "GET", "/debug/memory//stats"),
    ] {
        for headers in [&[right][..], &[]] {
            let answer = connection.send(method, target, headers).await;
            if !headers.is_empty() {
                assert_eq!(answer.0, status, "{method} {target}");
            }
            assert_eq!(answer, over_http1(&server, method, target, headers).await, "{method} {target}");
        }
    }
    assert_eq!(collector.count(), collected);
}

/// A body after `HEAD` is a protocol error, which ends the stream (RFC 9113, section 8.1.1).
#[tokio::test]
async fn s27_no_answer_to_head_has_a_body() {
    let (server, _) = serve_counting().await;
    let mut connection = Connection::open(server.address()).await;
    let authorization = authorization();
    for (status, target, headers) in [
        (401, "/debug/memory", &[][..]),
        (401, "/debug/memory/unknown", &[("authorization", "Basic")]),
        (200, "/debug/memory", &[("authorization", &*authorization)]),
        (400, "/debug/memory?x=1", &[("authorization", &authorization)]),
        (404, "/debug/memory/unknown", &[("authorization", &authorization)]),
    ] {
        let (answered, _, body) = connection.send("HEAD", target, headers).await;
        assert_eq!((answered, body.len()), (status, 0), "{target} {headers:?}");
    }
}

#[tokio::test]
async fn s27_a_hundred_streams_of_one_connection_share_one_collection() {
    let (collector, keeper) = GatedCollector::new();
    let (mut visits, count) = Visits::new();
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector));
    let server = Server::start(Router::new().layer(ServiceBuilder::new().layer(count).layer(layer))).await;
    let connection = Connection::open(server.address()).await;

    let streams: Vec<_> = (0..100)
        .map(|_| {
            let mut connection = connection.clone();
            let authorization = authorization();
            tokio::spawn(async move {
                connection.send("GET", "/debug/memory", &[("authorization", &authorization)]).await
            })
        })
        .collect();
    visits.arrived(100).await;
    keeper.let_through();
    for stream in streams {
        assert_eq!(stream.await.unwrap().0, 200);
    }
    assert_eq!(keeper.runs(), 1);
}

#[tokio::test]
async fn s27_reset_streams_do_not_admit_a_second_collection() {
    let (collector, mut keeper) = GatedCollector::new();
    let (mut visits, count) = Visits::new();
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| endpoint.collect_with(collector));
    let server = Server::start(Router::new().layer(ServiceBuilder::new().layer(count).layer(layer))).await;
    let connection = Connection::open(server.address()).await;
    for number in 1..=100 {
        let mut connection = connection.clone();
        let authorization = authorization();
        let stream = tokio::spawn(async move {
            connection.send("GET", "/debug/memory", &[("authorization", &authorization)]).await
        });
        visits.arrived(number).await;
        stream.abort();
        visits.left(number).await;
    }
    keeper.begun().await;
    assert_eq!((keeper.runs(), keeper.most_at_once()), (1, 1));
    drop(keeper);
    let answer =
        connection.clone().send("GET", "/debug/memory", &[("authorization", &authorization())]).await;
    assert_eq!(answer.0, 200);
}
