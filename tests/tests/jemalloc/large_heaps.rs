//! Heaps that exceed the size limit of a body: every format has the largest parts, and says what it summed
//! up.

use axum::Router;
use memory_debug_axum::{Limits, MemoryDebugLayer};
use memory_debug_core::HeapProfile;
use memory_debug_tests::{Request, Response, Server, credentials};

use crate::protobuf::Message;
use crate::shop;
use crate::snapshots::unpacked;

/// The page of this process, with bodies of at most `max_body_bytes`.
async fn serve(max_body_bytes: usize) -> Server {
    // An answer shows that the shop's heap is in place.
    shop::get("/debug/memory/stats").await;
    let layer = MemoryDebugLayer::new(credentials())
        .configure(|endpoint| endpoint.limits(Limits::default().max_body_bytes(max_body_bytes)))
        .configure(|endpoint| endpoint.allow_raw_addresses());
    Server::start(Router::new().layer(layer)).await
}

async fn get(server: &Server, target: &str) -> Response {
    server.send(Request::get(format!("/debug/memory{target}")).authorized()).await
}

/// The body with a third of the necessary size limit.
async fn cut(target: &str) -> Response {
    let whole = get(&serve(4 << 20).await, target).await;
    assert_eq!(whole.status, 200, "{target}: {whole}");
    let limit = whole.body.len() / 3;
    let cut = get(&serve(limit).await, target).await;
    assert_eq!(cut.status, 200, "{target}: {cut}");
    assert!(cut.body.len() <= limit, "{target}: {} of {limit} bytes", cut.body.len());
    cut
}

#[tokio::test]
async fn s45_a_flame_graph_sums_small_frames_and_says_so() {
    for target in ["/heap/flamegraph", "/heap/flamegraph?by=type&count=objects"] {
        let svg = String::from_utf8(cut(target).await.body).unwrap();
        assert!(
            svg.trim_end().ends_with("</svg>") && svg.contains(" narrow stacks are summed as (n smaller)")
        );
        assert!(svg.contains(" smaller) ("), "{target}");
    }
}

#[tokio::test]
async fn s45_collapsed_stacks_are_summed_below_their_functions() {
    let text = String::from_utf8(cut("/heap?format=collapsed").await.body).unwrap();
    assert!(text.lines().any(|line| line.contains(" smaller) ")), "{text}");
    let is_line = |line: &str| line.rsplit_once(' ').is_some_and(|(_, bytes)| bytes.parse::<u64>().is_ok());
    assert!(text.lines().all(is_line), "{text}");
}

#[tokio::test]
async fn s45_a_raw_dump_stays_valid_and_has_the_largest_stacks() {
    let raw = cut("/heap?format=raw").await.body;
    let profile = HeapProfile::parse(&raw[..]).unwrap();
    let is_summed = |addresses: &[u64]| addresses == [0x0fff_ffff_ffff_f000];
    assert!(profile.stacks().any(|stack| is_summed(stack.addresses)));
    assert!(profile.stacks().any(|stack| stack.addresses.len() > 3), "the largest stacks are complete");
}

#[tokio::test]
async fn s45_a_profile_for_pprof_has_the_largest_stacks_and_one_for_the_rest() {
    for target in ["/heap", "/heap?symbols=none"] {
        let message = Message::parse(&unpacked(&get(&serve(4 << 20).await, target).await));
        let all = message.messages(2).count();
        let message = Message::parse(&unpacked(&cut(target).await));
        assert!(message.strings().iter().any(|text| text.ends_with(" smaller)")), "{target}");
        assert!((1..all).contains(&message.messages(2).count()), "{target}");
    }
}

#[tokio::test]
async fn s45_a_page_that_cannot_be_truncated_is_an_error_that_names_the_limit() {
    let server = serve(100).await;
    for target in ["/heap/flamegraph", "/heap?format=raw", "/heap?format=json", "/types", "/stats"] {
        let refused = get(&server, target).await;
        assert_eq!(refused.status, 500, "{target}: {refused}");
        assert!(refused.text().contains("reply too large"), "{target}: {refused}");
    }
}
