//! Replies that clients do not read: how many bytes a service keeps, and for how long.

use axum::Router;
use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use memory_debug_actix::MemoryDebug;
use memory_debug_axum::{Credentials, Limits, MemoryDebugLayer, MemoryReport};
use memory_debug_tests::{
    Connection, CountingCollector, Request, Response, Server, authorization, basic, credentials,
    fixed_report, within_limit,
};
use tikv_jemalloc_ctl::{epoch, stats};
use tokio::net::TcpStream;

use crate::shop::alone;

const OTHER_PASSWORD: &str = "wD6Rz3o-WnTnbCqk2_tt";

/// A report whose JSON page has about `rows` times `row_bytes` bytes.
fn report(rows: usize, row_bytes: usize) -> MemoryReport {
    let mut report = fixed_report();
    let types = report.types.as_mut().unwrap();
    let pattern = types.rows.remove(0);
    types.rows = (0..rows)
        .map(|number| {
            let mut row = pattern.clone();
            row.type_name = format!("Type{number}");
            row.full_type = "x".repeat(row_bytes);
            row
        })
        .collect();
    report
}

fn two_logins() -> Credentials {
    credentials().and(Credentials::new("grafana", OTHER_PASSWORD).unwrap()).unwrap()
}

/// A connection with a closed window for response bodies.
async fn closed_window(server: &Server) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.initial_stream_window_size(0);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// Returns the head of the answer. Its body stays at the server.
async fn head(
    connection: &mut SendRequest<Full<Bytes>>,
    target: &str,
    authorization: &str,
) -> hyper::Response<Incoming> {
    let request =
        hyper::Request::get(format!("http://localhost{target}")).header("authorization", authorization);
    within_limit(connection.send_request(request.body(Full::default()).unwrap())).await.unwrap()
}

fn length(response: &hyper::Response<Incoming>) -> usize {
    response.headers()["content-length"].to_str().unwrap().parse().unwrap()
}

/// Repeats the request until the answer is 200, because a test cannot know when a server notices that a
/// connection ended.
async fn answered_again(server: &Server, target: &str) -> Response {
    within_limit(async {
        loop {
            let answer = server.send(Request::get(target).authorized()).await;
            if answer.status == 200 {
                return answer;
            }
            assert_eq!(answer.status, 503, "{answer}");
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[test]
fn s45_closed_window_and_96_views_stay_within_share_of_login() {
    alone("unread::s45_closed_window_and_96_views_stay_within_share_of_login", async {
        let layer = MemoryDebugLayer::new(two_logins())
            .configure(|endpoint| endpoint.collect_with(CountingCollector::of(report(1000, 1000))));
        let server = Server::start(Router::new().layer(layer)).await;
        let target = |view: usize| format!("/debug/memory/types?format=json&top={}", 1000 - view);
        let whole = server.send(Request::get(target(0)).authorized()).await.body.len();
        assert!(whole > 1 << 20, "{whole}");

        let allocated = || {
            epoch::advance().unwrap();
            stats::allocated::read().unwrap()
        };
        let before = allocated();
        let mut connection = closed_window(&server).await;
        let mut unread = Vec::new();
        let mut refused = 0;
        for view in 0..96 {
            let answer = head(&mut connection, &target(view), &authorization()).await;
            match answer.status().as_u16() {
                200 => unread.push(answer),
                status => {
                    assert_eq!((status, &answer.headers()["retry-after"]), (503, &"5".parse().unwrap()));
                    refused += 1;
                }
            }
        }
        let kept: usize = unread.iter().map(length).sum();
        assert!(kept <= 16 << 20 && kept + 2 * whole > 16 << 20, "{kept} bytes in {} replies", unread.len());
        assert_eq!(unread.len() + refused, 96);
        let grown = allocated().saturating_sub(before);
        assert!(grown < kept + (8 << 20), "{grown} bytes for {kept} of replies");

        let refusal = server.send(Request::get(target(0)).authorized()).await;
        assert_eq!(refusal.status, 503, "{refusal}");
        assert!(
            refusal.text().contains("have not read their replies, which fill the limit of 33554432 bytes"),
            "{refusal}"
        );
        let other = basic(format!("grafana:{OTHER_PASSWORD}"));
        let other = server.send(Request::get(target(0)).header("authorization", other)).await;
        assert_eq!((other.status, other.body.len()), (200, whole), "another login has room");

        drop((unread, connection));
        assert_eq!(answered_again(&server, &target(0)).await.body.len(), whole);
    });
}

/// Limits with room for one and a half replies.
fn tight(body: usize) -> Limits {
    Limits::default().max_body_bytes(2 * body).max_unread_bytes(body + body / 2)
}

/// Longer than the socket buffers on both sides.
const LONG: usize = 24 << 20;

/// A client that reads only the head of a long answer blocks other requests of its login until it goes away.
async fn holds_its_reply_until_it_goes(server: &Server) {
    let target = "/debug/memory/types?format=json&top=1000";
    let mut reader = Connection::open(server.address()).await;
    reader.send_head(Request::get(target).authorized()).await;
    let head = reader.receive_until(b"\r\n\r\n").await;
    assert!(head.starts_with(b"HTTP/1.1 200"), "{}", head.escape_ascii());
    let refused = server.send(Request::get(target).authorized()).await;
    assert_eq!(refused.status, 503, "{refused}");
    assert!(refused.text().contains("replies-unread"), "{refused}");
    drop(reader);
    assert!(answered_again(server, target).await.body.len() > LONG);
}

#[tokio::test]
async fn s45_over_http1_a_reply_counts_until_it_is_read_or_its_client_is_gone() {
    let collector = CountingCollector::of(report(1000, LONG / 1000));
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.collect_with(collector).limits(tight(LONG + (2 << 20))));
    holds_its_reply_until_it_goes(&Server::start(Router::new().layer(layer)).await).await;
}

#[tokio::test]
async fn s45_with_actix_a_reply_counts_until_it_is_read_or_its_client_is_gone() {
    let memory = MemoryDebug::new(credentials()).configure(|endpoint| {
        endpoint
            .collect_with(CountingCollector::of(report(1000, LONG / 1000)))
            .limits(tight(LONG + (2 << 20)))
    });
    let server = Server::actix(|listener| {
        let app = move || actix_web::App::new().wrap(memory.clone());
        actix_web::HttpServer::new(app).workers(1).listen(listener).unwrap().run()
    });
    holds_its_reply_until_it_goes(&server).await;
}

#[tokio::test]
async fn s45_one_page_for_many_clients_that_do_not_read_counts_once() {
    let collector = CountingCollector::of(report(1000, 1000));
    let layer = MemoryDebugLayer::new(credentials()).configure(|endpoint| {
        endpoint.collect_with(collector).limits(
            Limits::default().max_unread_bytes(3 << 20).cache_stats_for(std::time::Duration::from_secs(600)),
        )
    });
    let server = Server::start(Router::new().layer(layer)).await;
    let mut connection = closed_window(&server).await;
    let mut unread = Vec::new();
    for _ in 0..50 {
        // A page of statistics is reused.
        let answer = head(&mut connection, "/debug/memory/stats?format=json", &authorization()).await;
        assert_eq!(answer.status(), 200);
        unread.push(answer);
    }
    assert_eq!(
        server.send(Request::get("/debug/memory/types?format=json&top=1").authorized()).await.status,
        200
    );
}
