//! Sampling for a time, asked for over HTTP, of a service that does not sample by itself.

use memory_debug_tests::{OwnProcess, Request, Response};
use serde_json::{Value, json};

use crate::shop;

/// The service under test, started without sampling.
fn alone(test: &str, body: impl Future<Output = ()>) {
    let test = format!("allocator_changes::{test}");
    if OwnProcess::is_this() {
        shop::alone(&test, body);
    } else {
        OwnProcess::of(&test).env("_RJEM_MALLOC_CONF", "prof:true,prof_active:false,lg_prof_sample:19").run();
    }
}

async fn put(body: Value) -> Response {
    let request = Request::new("PUT", "/debug/memory/profiling?format=json").authorized();
    shop::send(request.header("content-type", "application/json").body(body.to_string())).await
}

async fn changed(body: Value) -> Value {
    let response = put(body).await;
    assert_eq!(response.status, 200, "{response}");
    response.json()
}

async fn state() -> Value {
    shop::get("/debug/memory/profiling?format=json").await.json()
}

async fn types() -> Value {
    shop::get("/debug/memory/types?format=json").await.json()
}

fn total(report: &Value) -> u64 {
    report["types"]["total_bytes"].as_u64().unwrap_or_else(|| panic!("{report}"))
}

/// In any sample, and found by its size in a total.
fn large() -> Vec<u8> {
    std::hint::black_box(vec![1; 64 << 20])
}

const LARGE: u64 = 64 << 20;

#[test]
fn what_is_allocated_while_it_is_on_is_seen_until_it_is_turned_off() {
    alone("what_is_allocated_while_it_is_on_is_seen_until_it_is_turned_off", async {
        assert_eq!(types().await["types"], Value::Null);
        let doctor = shop::get("/debug/memory/doctor").await;
        assert!(
            doctor.text().contains("PUT `{\"active\":true,\"for_seconds\":300}` to /profiling"),
            "{doctor}"
        );
        let unseen = large();
        // As the advice has it.
        let on = changed(json!({"active": true, "for_seconds": 300})).await;
        assert_eq!(
            (&on["profiling"]["active"], &on["window"]["active_afterwards"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(on["discarded"], Value::Null);
        let seen = large();
        let report = types().await;
        assert!((LARGE..2 * LARGE).contains(&total(&report)), "{report}");
        assert_eq!(report["types"]["active_since"], on["profiling"]["active_since"]);

        let denser = changed(json!({"active": true, "for_seconds": 300, "sample_bytes": 1 << 16})).await;
        assert_eq!(denser["profiling"]["sample_bytes"], 1 << 16, "{denser}");
        assert!(
            denser["discarded"]["sampled_bytes"].as_u64().is_some_and(|bytes| bytes >= LARGE),
            "{denser}"
        );
        assert!(total(&types().await) < LARGE, "the samples of the other rate are gone");

        let off = changed(json!({"active": false})).await;
        assert_eq!((&off["profiling"]["active"], &off["window"]), (&json!(false), &Value::Null));
        assert_eq!(off["profiling"]["sample_bytes"], 1 << 19, "as before");
        assert_eq!(types().await["types"], Value::Null);
        assert_eq!(
            changed(json!({"active": false})).await["version"],
            off["version"],
            "nothing is left to end"
        );
        drop((unseen, seen));
    });
}

#[test]
fn it_ends_by_itself() {
    alone("it_ends_by_itself", async {
        let on = changed(json!({"active": true, "for_seconds": 1, "sample_bytes": 4096})).await;
        assert_eq!(on["window"]["seconds_left"], 1, "{on}");
        while state().await["window"] != Value::Null {
            tokio::task::yield_now().await;
        }
        let after = state().await;
        assert_eq!(
            (&after["profiling"]["active"], &after["profiling"]["sample_bytes"]),
            (&json!(false), &json!(1 << 19))
        );
        assert!(after["version"].as_u64() > on["version"].as_u64(), "{after}");
    });
}

#[test]
fn changes_and_collections_at_once_all_get_their_answer() {
    alone("changes_and_collections_at_once_all_get_their_answer", async {
        let held = large();
        for round in 0..20_u64 {
            let rate = 1 << (15 + round % 3);
            let asked = [
                Request::get("/debug/memory?format=json").authorized(),
                Request::get("/debug/memory/heap").authorized(),
                Request::new("PUT", "/debug/memory/profiling?format=json")
                    .authorized()
                    .header("content-type", "application/json")
                    .body(json!({"active": true, "for_seconds": 300, "sample_bytes": rate}).to_string()),
            ];
            let [page, heap, put] = shop::send_at_once(asked).await;
            assert_eq!((page.status, put.status), (200, 200), "{page}\n{put}");
            assert!([200, 503].contains(&heap.status) && (round == 0 || heap.status == 200), "{heap}");
            assert_eq!(put.json()["profiling"]["sample_bytes"], rate);
            // A report is of one rate: the one before, or the new one.
            let page = page.json();
            let of_the_rows = page["types"]["sample_bytes"].as_u64();
            let of_the_allocator = page["allocator"]["profiling"]["sample_bytes"].as_u64();
            assert!(of_the_allocator.is_some(), "{page}");
            assert!(of_the_rows.is_none() || of_the_rows == of_the_allocator, "{page}");
        }
        assert_eq!(changed(json!({"active": false})).await["profiling"]["active"], false);
        drop(held);
    });
}
