//! PUT `/profiling`, whose body is JSON.

use std::time::Duration;

use memory_debug_axum::{Credentials, Endpoint, Limits, Role};
use memory_debug_tests::{
    Connection, OwnProcess, PASSWORD, Request, Response, authorization, basic, credentials,
};
use serde_json::Value;
use tokio::runtime;

use super::cases::Expected::{self, Page};
use super::servers::{self, Server};
use crate::http2;

const PROFILING: &str = "/debug/memory/profiling";
const ON: &str = r#"{"active":true,"for_seconds":300}"#;
const OFF: &str = r#"{"active":false}"#;

pub(super) fn put(body: &str) -> Request {
    let request = Request::new("PUT", PROFILING).authorized();
    request.header("content-type", "application/json").body(body)
}

/// Requests that are refused before anything is changed, so that the answer does not depend on the collector.
/// S26.
pub(super) fn requests() -> Vec<(Request, Expected)> {
    let bare = || Request::new("PUT", PROFILING);
    let json = |request: Request| request.header("content-type", "application/json");
    let mut requests = vec![
        (json(bare()).body(OFF), Page(401)),
        (json(bare()).header("authorization", basic("ops:wrong")).body(OFF), Page(401)),
        (put(OFF).header("sec-fetch-site", "cross-site"), Page(403)),
        (put(OFF).header("sec-fetch-site", "same-site"), Page(403)),
        (put(OFF).header("origin", "https://evil.example"), Page(403)),
        (json(Request::new("POST", PROFILING).authorized()).body(OFF), Page(415)),
        (json(Request::new("PATCH", PROFILING).authorized()).body(OFF), Page(405)),
        (json(Request::new("PUT", format!("{PROFILING}/")).authorized()).body(OFF), Page(404)),
        (json(Request::new("PUT", format!("{PROFILING}?x=1")).authorized()).body(OFF), Page(400)),
        (json(Request::new("PUT", format!("{PROFILING}?active=true")).authorized()).body(OFF), Page(400)),
        (put(OFF).header("accept", "image/png"), Page(406)),
        (bare().authorized().body(OFF), Page(415)),
        (put(OFF).header("content-type", "application/json"), Page(415)),
        (put(OFF).header("content-encoding", "gzip"), Page(415)),
        (put(OFF).header("content-encoding", "identity, br"), Page(415)),
    ];
    for other in ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "*/*"] {
        requests.push((bare().authorized().header("content-type", other).body(OFF), Page(415)));
    }
    for wrong in [
        "",
        " ",
        "{",
        "{}",
        "null",
        "[true,300]",
        "active=false",
        "{\"active\":false",
        "{\"active\":false}}",
        "{\"active\":false,\"active\":false}",
        "{\"active\":\"no\"}",
        "{\"active\":true}",
        "{\"active\":true,\"for_seconds\":0}",
        "{\"active\":true,\"for_seconds\":3601}",
        "{\"active\":true,\"for_seconds\":1e2}",
        "{\"active\":true,\"for_seconds\":1,\"sample_bytes\":5000}",
        "{\"active\":false,\"\\u001b[31m\\r\\n\":1}",
        "{\"active\":false,\"\u{202e}\u{e9}\":1}",
        &format!("{{\"active\":{}{}}}", "[".repeat(5000), "]".repeat(5000)),
        &format!("{OFF}{}", " ".repeat((16 << 10) - OFF.len() - 1)).replace("false", "0"),
    ] {
        requests.push((put(wrong), Page(400)));
        requests.push((put(wrong).header("accept", "application/json"), Page(400)));
    }
    for typed in ["Application/JSON", "application/json; charset=utf-8", "application/json;x=\"y\""] {
        requests.push((bare().authorized().header("content-type", typed).body("{}"), Page(400)));
    }
    let head = format!(
        "PUT {PROFILING} HTTP/1.1\r\nhost: localhost\r\nauthorization: {}\r\ncontent-type: application/json\r\n",
        authorization()
    );
    let chunk = |bytes: &str| format!("{:x}\r\n{bytes}\r\n", bytes.len());
    let longest = chunk(&" ".repeat(16 << 10));
    for (rest, status) in [
        ("content-length: 16385\r\n\r\n".to_owned(), 413),
        ("content-length: 1000000000\r\n\r\n".to_owned(), 413),
        (format!("transfer-encoding: chunked\r\n\r\n{longest}{}0\r\n\r\n", chunk("x")), 413),
        (format!("transfer-encoding: chunked\r\n\r\n{longest}0\r\n\r\n"), 400),
        (format!("transfer-encoding: chunked\r\n\r\n{}{}0\r\n\r\n", chunk("{\"acti"), chunk("ve\":1}")), 400),
        ("transfer-encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(), 400),
        ("content-length: 0\r\n\r\n".to_owned(), 400),
        ("\r\n".to_owned(), 400),
    ] {
        requests.push((Request::verbatim(format!("{head}{rest}")), Page(status)));
    }
    requests
}

/// Runs `body` with the page of this process on all mounts, in a separate process, because a change affects
/// the whole process.
fn on_all_servers(test: &str, body: impl AsyncFn(&Server)) {
    on_all_servers_with(&limits(), test, body);
}

pub(super) fn on_all_servers_with(limits: &Limits, test: &str, body: impl AsyncFn(&Server)) {
    OwnProcess::run_alone(&format!("differential::{test}"), || {
        runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
            let make = || Endpoint::new(credentials().and(reader.clone()).unwrap()).limits(limits.clone());
            for server in &servers::all_real(make).await {
                body(server).await;
            }
        });
    });
}

/// Limits with two seconds for a body.
fn limits() -> Limits {
    Limits::default().deadline(Duration::from_secs(2)).cache_stats_for(Duration::ZERO)
}

fn etag(response: &Response) -> String {
    response.header("etag").unwrap_or_else(|| panic!("no ETag: {response}"))
}

pub(super) async fn state(server: &Server) -> (Value, String) {
    let state = server.send(Request::get(format!("{PROFILING}?format=json")).authorized()).await;
    assert_eq!(state.status, 200, "{}: {state}", server.name);
    (state.json(), etag(&state))
}

fn assert_problem(server: &Server, response: &Response, status: u16, slug: &str) {
    assert_eq!(response.status, status, "{}: {response}", server.name);
    let kind = format!("urn:memory-debug:problem:{slug}");
    assert_eq!(response.json()["type"], kind, "{}: {response}", server.name);
}

#[test]
fn s73_all_servers_handle_a_change_identically() {
    on_all_servers("changes::s73_all_servers_handle_a_change_identically", async |server| {
        let json = |body| put(body).header("accept", "application/json");
        let (before, tag) = state(server).await;
        assert_eq!(before["window"], Value::Null);
        // Sampling is on by configuration, so there is nothing to end.
        assert_problem(server, &server.send(json(OFF)).await, 409, "on-by-configuration");

        let made = server.send(json(ON).header("if-match", &tag)).await;
        assert_eq!(made.status, 200, "{}: {made}", server.name);
        let reply = made.json();
        assert_eq!(reply["version"].as_u64(), before["version"].as_u64().map(|version| version + 1));
        assert!(reply["window"]["seconds_left"].as_u64().is_some_and(|left| left <= 300), "{reply}");
        assert_eq!(etag(&made), state(server).await.1);
        assert_ne!(etag(&made), tag);

        for other in [&*tag, "\"x\"", "W/\"x\"", "x", "", &format!("W/{}", etag(&made))] {
            let refused = server.send(json(ON).header("if-match", other)).await;
            assert_problem(server, &refused, 409, "version-differs");
            assert_eq!(etag(&refused), etag(&made), "{}: a refusal has the current tag", server.name);
        }
        let again = server.send(json(ON).header("if-match", format!("\"x\", {}", etag(&made)))).await;
        assert_eq!(again.status, 200, "{}: {again}", server.name);
        let ended = server.send(json(OFF).header("if-match", "*")).await;
        assert_eq!((ended.status, &ended.json()["window"]), (200, &Value::Null), "{}: {ended}", server.name);
        let text = server.send(put(ON)).await;
        assert!(
            text.text().starts_with("heap profiling: on, one sample per 4 KiB"),
            "{}: {text}",
            server.name
        );
        assert_eq!(server.send(put(OFF)).await.status, 200);
    });
}

#[test]
fn s15_a_reader_changes_nothing() {
    on_all_servers("changes::s15_a_reader_changes_nothing", async |server| {
        let (_, tag) = state(server).await;
        let reader = Request::new("PUT", PROFILING)
            .header("authorization", basic(format!("grafana:{PASSWORD}")))
            .header("accept", "application/json");
        // The role is checked before the type of the body.
        let refused = server.send(reader.clone().body(ON)).await;
        assert_problem(server, &refused, 403, "forbidden-role");
        let refused = server.send(reader.header("content-type", "application/json").body(ON)).await;
        assert_problem(server, &refused, 403, "forbidden-role");
        assert_eq!(state(server).await.1, tag);
    });
}

#[test]
fn s26_a_body_can_arrive_in_pieces_but_not_too_late() {
    on_all_servers("changes::s26_a_body_can_arrive_in_pieces_but_not_too_late", async |server| {
        let head = |length: &str| {
            let request = Request::new("PUT", PROFILING).authorized().header("accept", "application/json");
            request.header("content-type", "application/json").header("content-length", length)
        };
        let mut pieces = Connection::open(server.address()).await;
        pieces.send_head(head("2")).await;
        pieces.send("{").await;
        tokio::task::yield_now().await;
        pieces.send("}").await;
        assert_problem(server, &pieces.receive().await, 400, "invalid-body");

        // The client sends the body after the server has asked for it.
        let mut invited = Connection::open(server.address()).await;
        invited.send_head(head("2").header("expect", "100-continue")).await;
        assert_eq!(invited.receive().await.status, 100, "{}", server.name);
        invited.send("{}").await;
        assert_problem(server, &invited.receive().await, 400, "invalid-body");

        let mut slow = Vec::new();
        for sent in ["", "{\"active\":"] {
            let mut connection = Connection::open(server.address()).await;
            connection.send_head(head("16")).await;
            connection.send(sent).await;
            slow.push(connection);
        }
        for mut connection in slow {
            assert_problem(server, &connection.receive().await, 408, "body-timeout");
        }
        assert_eq!(state(server).await.0["version"], 0, "{}", server.name);
    });
}

#[test]
fn s41_clients_that_hang_up_during_a_body_leave_nothing_behind() {
    on_all_servers("changes::s41_clients_that_hang_up_during_a_body_leave_nothing_behind", async |server| {
        for _ in 0..100 {
            let mut connection = Connection::open(server.address()).await;
            let head = Request::new("PUT", PROFILING).authorized().header("content-type", "application/json");
            connection.send_head(head.header("content-length", "100")).await;
            connection.send("{\"active\":").await;
        }
        // Each client hangs up here. Until the server notices, there is no permit for the next one.
        loop {
            let next = server.send(put("{}")).await;
            if next.status != 429 {
                assert_eq!(next.status, 400, "{}: {next}", server.name);
                break;
            }
            tokio::task::yield_now().await;
        }
        while own_threads() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(state(server).await.0["version"], 0, "{}", server.name);
    });
}

/// The number of threads of this process that supervise or collect.
fn own_threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
    names.filter(|name| name.starts_with("memory-de")).count()
}

#[test]
fn s27_bodies_over_http2_are_answered_as_over_http1() {
    on_all_servers("changes::s27_bodies_over_http2_are_answered_as_over_http1", async |server| {
        if !server.speaks_http2 {
            return;
        }
        let mut connection = http2::Connection::open(server.address()).await;
        let login = authorization();
        let fields = [("authorization", &*login), ("content-type", "application/json")];
        let long = " ".repeat((16 << 10) + 1);
        for (body, status) in [("", 400), ("{}", 400), ("{\"active\":0}", 400), (&*long, 413), (OFF, 409)] {
            let over_http2 = connection.send_with_body("PUT", PROFILING, &fields, body).await;
            let over_http1 = server.send(put(body)).await;
            let answer = (over_http2.0, &over_http2.2);
            assert_eq!(answer, (status, &over_http1.body), "{}: {body:.40}", server.name);
            assert_eq!(over_http1.status, status);
        }
        let made = connection.send_with_body("PUT", PROFILING, &fields, ON).await;
        assert_eq!(made.0, 200, "{}: {made:?}", server.name);
        assert_eq!(server.send(put(OFF)).await.status, 200);
    });
}
