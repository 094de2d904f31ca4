//! Secrets that must not appear anywhere: the password and internal data of the process.

use std::ops::Range;

use memory_debug_axum::{Credentials, MemoryDebugLayer};
use memory_debug_endpoint::Endpoint;
use memory_debug_tests::{OwnProcess, PASSWORD, Request, USER, authorization, credentials};
use tower::Layer;

use crate::shop;
use crate::statuses::one_of_each;

pub(crate) fn assert_no_secret(shown: &str, of: &str) {
    assert_hidden(PASSWORD, &authorization(), shown, of);
}

/// Asserts that neither the password nor an encoding of it in `authorization`, the header that carries it, is
/// shown.
pub(crate) fn assert_hidden(password: &str, authorization: &str, shown: &str, of: &str) {
    let encoded = authorization.trim_start_matches("Basic ");
    // Base64 encodes three bytes as four characters, so the letters depend on the position of the password in
    // the pair.
    let tail = &encoded[encoded.len() - 24..];
    for secret in [password, encoded, tail] {
        assert!(!shown.contains(secret), "{of} shows {secret}: {shown}");
    }
}

#[test]
fn s16_no_debug_output_contains_the_password() {
    let layer = MemoryDebugLayer::new(credentials()).service("shop", "1.0.0");
    for (of, shown) in [
        ("credentials", format!("{:?} {0:#?}", credentials())),
        ("a layer", format!("{layer:?} {layer:#?}")),
        ("a service", format!("{:?} {0:#?}", layer.layer(()))),
        ("an endpoint", format!("{:?} {0:#?}", Endpoint::new(credentials()))),
        ("a router", format!("{:?}", axum::Router::<()>::new().layer(layer.clone()))),
    ] {
        assert_no_secret(&shown, of);
    }
    let shown = format!("{:?}", credentials());
    assert!(shown.contains(USER), "the user is not a secret: {shown}");
}

#[test]
fn s16_no_refusal_repeats_the_password() {
    for (user, password) in
        [("ops", "hunter2-short"), ("a:b", PASSWORD), ("ops", "jumbled\totters-sip-cold-tea")]
    {
        let error = Credentials::new(user, password).unwrap_err();
        for shown in [error.to_string(), format!("{error:?}"), format!("{error:#?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("otters"), "{shown}");
        }
    }
}

#[tokio::test]
async fn s16_no_response_repeats_the_password() {
    for reply in one_of_each().await {
        assert_no_secret(&reply.to_string(), "a reply");
    }
    for target in
        ["/debug/memory", "/debug/memory/stats?format=json", "/debug/memory/types?format=json&top=1000"]
    {
        assert_no_secret(&shop::get(target).await.to_string(), target);
    }
    // If a request is quoted, in the name of a parameter, the header must not be quoted.
    let echoed = shop::send(Request::get("/debug/memory?unknown=1").authorized()).await;
    assert_no_secret(&echoed.to_string(), "a quoted request");
}

#[test]
fn s61_environment_arguments_and_heap_contents_are_not_shown() {
    OwnProcess::of("secrets::serves_with_canaries")
        .env("MEMORY_DEBUG_TEST_CANARY", "canary-in-the-environment")
        .env("HOME", "/canary-home")
        .run();
}

#[tokio::test]
#[ignore = "part of s61, which sets its environment"]
async fn serves_with_canaries() {
    let on_the_heap = std::hint::black_box("canary-on-the-heap-".repeat(4096));
    let directory = std::env::current_dir().unwrap().display().to_string();
    let executable = std::env::current_exe().unwrap().display().to_string();
    let pages = ["", "/stats", "/types", "/doctor", "/heap", "/snapshots"];
    let targets =
        pages.iter().flat_map(|page| ["text", "json"].map(|format| format!("{page}?format={format}")));
    for target in targets.chain(["/heap?format=collapsed".into(), "/heap/flamegraph".into()]) {
        let shown = shop::get(&format!("/debug/memory{target}")).await.to_string();
        // The second to last one is an argument of this process.
        for secret in ["canary", &directory, &executable, "--nocapture", "MEMORY_DEBUG_TEST"] {
            assert!(!shown.contains(secret), "{target}: {secret} in {shown}");
        }
    }
    drop(on_the_heap);
}

#[tokio::test]
async fn s60_no_number_on_any_page_is_an_address_of_this_process() {
    for page in ["", "/stats", "/types?top=1000"] {
        let shown = shop::get(&format!("/debug/memory{page}")).await.to_string();
        assert_no_address(&shown);
    }
    assert_no_address(&serde_json::to_string(&shop::types().await).unwrap());
}

/// The mappings of this process, without the kernel's page that all processes have at the same address.
pub(crate) fn mapped_ranges() -> Vec<Range<u64>> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines()
        .filter(|line| !line.ends_with("[vsyscall]"))
        .map(|line| line.split_once(' ').unwrap().0.split_once('-').unwrap())
        .map(|(start, end)| u64::from_str_radix(start, 16).unwrap()..u64::from_str_radix(end, 16).unwrap())
        .collect()
}

/// Asserts that no hexadecimal or decimal number is an address in a mapping of this process.
pub(crate) fn assert_no_address(shown: &str) {
    let ranges = mapped_ranges();
    let is_mapped = |number: u64| ranges.iter().any(|range| range.contains(&number));
    for word in shown.split(|c: char| !c.is_ascii_alphanumeric()) {
        let digits = word.strip_prefix("0x").unwrap_or(word);
        // Shorter numbers are counts and words.
        if digits.len() < 9 {
            continue;
        }
        for radix in [10, 16] {
            let mapped = u64::from_str_radix(digits, radix).is_ok_and(is_mapped);
            assert!(!mapped, "{word} is an address: {shown}");
        }
    }
}

#[tokio::test]
async fn s12_a_password_pasted_into_the_user_field_is_not_echoed() {
    let (server, _) = crate::statuses::serve_counting().await;
    let pasted = memory_debug_tests::basic(format!("{PASSWORD}:"));
    let reply = server.send(Request::get("/debug/memory").header("authorization", pasted)).await;
    assert_eq!(reply.status, 401);
    assert_no_secret(&reply.to_string(), "the refusal");
}
