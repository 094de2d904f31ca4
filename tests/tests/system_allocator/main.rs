//! A service without `install!`, which uses the system's allocator. Every page answers and says what is
//! missing.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "everything here is a part of tests")]

use std::hint::black_box;

use axum::Router;
use axum::routing::get;
use memory_debug_axum::{MemoryDebugLayer, RowSource, Tracked, summary};
use memory_debug_tests::{Request, Response, Server, credentials};
use serde_json::Value;

/// The line that `main.rs` lacks.
const LINE: &str = "install!();";

async fn ask(target: &str) -> Response {
    let layer = MemoryDebugLayer::new(credentials()).service("shop", "1.0.0");
    let server = Server::start(Router::new().route("/", get(|| async { "home" })).layer(layer)).await;
    let response = server.send(Request::get(target).authorized()).await;
    assert_eq!(server.send(Request::get("/")).await.text(), "home");
    response
}

#[tokio::test]
async fn every_page_answers_and_names_the_line_to_add() {
    for page in ["", "/stats", "/types"] {
        for format in ["text", "json"] {
            let target = format!("/debug/memory{page}?format={format}");
            let response = ask(&target).await;
            assert_eq!(response.status, 200, "{target}: {response}");
            assert!(response.text().contains("the global allocator is not jemalloc"), "{target}: {response}");
            assert!(response.text().contains(LINE), "{target}: {response}");
        }
    }
}

#[tokio::test]
async fn json_has_null_and_a_reason_for_values_that_need_jemalloc() {
    let json = ask("/debug/memory?format=json").await.json();
    assert_eq!(json["allocator"], Value::Null);
    for section in ["allocator", "types"] {
        let reason = json["unavailable"][section]
            .as_str()
            .unwrap_or_else(|| panic!("{section} has no reason: {json}"));
        assert!(reason.contains(LINE), "{reason}");
    }
    // Values from the kernel are still reported.
    assert!(json["process"]["resident_bytes"].as_u64() > Some(1 << 20), "{json}");
    assert_eq!(json["instance"]["service"], "shop");
}

#[tokio::test]
async fn text_has_no_empty_table() {
    let page = ask("/debug/memory/types?filter=NoSuchType").await;
    let begin = "types by heap profile: not available: the global allocator is not jemalloc";
    assert!(page.text().starts_with(begin), "{page}");
    assert!(!page.text().contains("0 B"), "a value that was not measured is not shown as zero: {page}");
    let stats = ask("/debug/memory/stats").await;
    assert!(stats.text().contains("\nprocess\n") && !stats.text().contains("\nallocator"), "{stats}");
}

#[tokio::test]
async fn tracked_types_are_exact_without_a_profile() {
    struct Ticket(#[expect(dead_code, reason = "only its size matters")] [u64; 5]);

    let mut tickets: Vec<_> = (0..1000).map(|number| Tracked::new(Ticket(black_box([number; 5])))).collect();
    tickets.truncate(10);
    let report = ask("/debug/memory/types?format=json").await.report();
    let rows = report.types.expect("a type is tracked").rows;
    assert!(rows.iter().all(|row| row.source == RowSource::Exact), "{rows:?}");
    let row = rows.iter().find(|row| row.type_name == "Ticket").expect("a row");
    assert_eq!((row.objects, row.bytes, row.bytes_stderr), (10, 400, 0.0));

    let text = ask("/debug/memory").await;
    let line = text.text().lines().find(|line| line.trim_start().starts_with("Ticket |")).expect("a line");
    let cells: Vec<_> = line.split('|').map(str::trim).collect();
    assert_eq!(cells, ["Ticket", "10", "400 B", "exact"]);
    drop(tickets);
}

#[tokio::test]
async fn a_summary_names_the_missing_line() {
    let shown = tokio::task::spawn_blocking(|| summary().to_string()).await.unwrap();
    assert!(shown.contains("not available: the global allocator is not jemalloc"), "{shown}");
    assert!(shown.contains(LINE), "{shown}");
}

#[tokio::test]
async fn s02_the_page_still_needs_the_password() {
    let server = Server::start(Router::new().layer(MemoryDebugLayer::new(credentials()))).await;
    let refused = server.send(Request::get("/debug/memory")).await;
    assert_eq!(refused.status, 401);
    assert!(!refused.text().contains("jemalloc"), "{refused}");
}
