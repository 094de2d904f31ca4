//! Temporary sampling, requested over HTTP from a service that does not sample by default.

use memory_debug_tests::{OwnProcess, Request, Response};
use serde_json::{Value, json};

use crate::population::Leaking;
use crate::shop;

/// Runs a service that was started without sampling.
fn alone(test: &str, body: impl Future<Output = ()>) {
    configured("prof:true,prof_active:false,lg_prof_sample:19", test, body);
}

/// Runs a service that was started with this configuration of jemalloc.
fn configured(malloc_conf: &str, test: &str, body: impl Future<Output = ()>) {
    let test = format!("allocator_changes::{test}");
    if OwnProcess::is_this() {
        shop::alone(&test, body);
    } else {
        OwnProcess::of(&test).env("_RJEM_MALLOC_CONF", malloc_conf).run();
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

/// Large enough to be in every sample, and to be recognised in a total.
fn large() -> Vec<u8> {
    std::hint::black_box(vec![1; 64 << 20])
}

const LARGE: u64 = 64 << 20;

#[test]
fn allocations_while_sampling_is_on_are_shown_until_it_is_turned_off() {
    alone("allocations_while_sampling_is_on_are_shown_until_it_is_turned_off", async {
        assert_eq!(types().await["types"], Value::Null);
        let doctor = shop::get("/debug/memory/doctor").await;
        assert!(
            doctor.text().contains("PUT `{\"active\":true,\"for_seconds\":300}` to /profiling"),
            "{doctor}"
        );
        let unseen = large();
        // The request that the advice suggests.
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
        assert!(total(&types().await) < LARGE, "the samples of the earlier rate were discarded");

        let off = changed(json!({"active": false})).await;
        assert_eq!((&off["profiling"]["active"], &off["window"]), (&json!(false), &Value::Null));
        assert_eq!(off["profiling"]["sample_bytes"], 1 << 19, "as before");
        assert_eq!(types().await["types"], Value::Null);
        assert_eq!(
            changed(json!({"active": false})).await["version"],
            off["version"],
            "there is no change left to end"
        );
        drop((unseen, seen));
    });
}

async fn snapshot(label: &str) {
    let target = format!("/debug/memory/snapshots?format=json&label={label}");
    let made = shop::send(Request::new("POST", target).authorized()).await;
    assert_eq!(made.status, 201, "{made}");
}

async fn member(target: &str, member: &str) -> Value {
    shop::get(target).await.json()[member].clone()
}

fn labels(snapshots: &Value) -> String {
    let labels: Vec<_> =
        snapshots.as_array().unwrap().iter().filter_map(|snapshot| snapshot["label"].as_str()).collect();
    labels.join(" ")
}

/// A value that leaks.
struct Leaked(#[expect(dead_code, reason = "only its size matters")] [u64; 32]);

#[test]
fn a_change_of_rate_invents_no_frees_and_hides_no_leak() {
    let sampling = "prof:true,prof_active:true,lg_prof_sample:16";
    configured(sampling, "a_change_of_rate_invents_no_frees_and_hides_no_leak", async {
        let held = large();
        for label in ["a", "b", "c", "d"] {
            snapshot(label).await;
        }
        let on = changed(json!({"active": true, "for_seconds": 300, "sample_bytes": 1 << 14})).await;
        assert_eq!(on["window"]["discards_at_end"], true, "{on}");
        let leak = Leaking::begin(1000, |number| Box::new(Leaked(std::hint::black_box([number as u64; 32]))));
        let mut after = String::new();
        let mut is_found = false;
        // Three snapshots, and as many more as the leak needs to grow. The run before it stays the longest for two.
        for label in ["e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"] {
            snapshot(label).await;
            after += &format!(" {label}");
            let leaks = member("/debug/memory/leaks?format=json", "leaks").await;
            let newest = if after.len() >= 8 { &leaks } else { &leaks["newer"] };
            match after.as_str() {
                " e" => assert_eq!(leaks["newer"], Value::Null, "one snapshot is too few: {leaks}"),
                _ => assert_eq!(labels(&newest["snapshots"]), after.trim(), "{leaks}"),
            }
            let suspects = leaks["suspects"].as_array().unwrap();
            is_found = suspects.iter().any(|suspect| suspect["type"] == "Box<Leaked>");
            if is_found && after.len() >= 6 {
                break;
            }
        }
        assert!(is_found, "{after}");
        let page = shop::get("/debug/memory/leaks").await;
        let text = page.text();
        let runs: Vec<_> = text.lines().filter(|line| line.starts_with("over ")).collect();
        let count = after.len() / 2;
        assert!(
            runs[0].starts_with(&format!("over {count} snapshots ")) && runs[0].contains(", from e ("),
            "{text}"
        );
        if count < 4 {
            assert!(runs[1].starts_with("over 4 snapshots ") && runs[1].contains(", from a ("), "{text}");
        }

        for target in ["base=first", "base=first&target=last"] {
            let diff = member(&format!("/debug/memory/diff?format=json&top=1000&{target}"), "diff").await;
            assert_eq!(diff["comparison"], "discarded", "{diff}");
            for row in diff["rows"].as_array().unwrap() {
                let is_sound = row["bytes_change"].as_i64() >= Some(0) && row["is_significant"] == false;
                assert!(is_sound, "{row}");
            }
        }
        let page = shop::get("/debug/memory/diff?base=first").await;
        let text = page.text();
        let since = on["profiling"]["active_since"].as_str().unwrap();
        assert!(text.contains(&format!("sampling restarted at {since}, one sample per 16 KiB")), "{text}");
        assert!(!text.contains(" *\n"), "{text}");
        drop((held, leak));
    });
}

#[test]
fn growth_across_the_end_of_a_change_is_refused() {
    let sampling = "prof:true,prof_active:true,lg_prof_sample:16";
    configured(sampling, "growth_across_the_end_of_a_change_is_refused", async {
        // The first collection takes longest, because it reads symbols.
        shop::get("/debug/memory/heap").await;
        let mut was_refused = false;
        for _attempt in 0..20 {
            changed(json!({"active": true, "for_seconds": 1, "sample_bytes": 1 << 14})).await;
            let held = large();
            let growth =
                shop::send(Request::get("/debug/memory/heap?seconds=2&format=json").authorized()).await;
            if growth.status == 409 {
                let problem = growth.json();
                assert_eq!(problem["type"], "urn:memory-debug:problem:sampling-changed");
                let detail = problem["detail"].as_str().unwrap();
                assert!(
                    detail.contains("to one sample per 65536 bytes, which discards all samples"),
                    "{detail}"
                );
                was_refused = true;
                break;
            }
            // The change ended before the first of both collections.
            let change = growth.json()["growth"]["bytes_change"].as_i64().unwrap();
            assert!(change > -(LARGE as i64), "{growth}");
            drop(held);
        }
        assert!(was_refused);
        let growth = shop::get("/debug/memory/heap?seconds=1&format=json").await;
        assert!(growth.json()["growth"]["bytes_change"].as_i64() > Some(-(LARGE as i64)), "{growth}");
    });
}

#[test]
fn a_temporary_change_ends_by_itself() {
    alone("a_temporary_change_ends_by_itself", async {
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
fn concurrent_changes_and_collections_are_all_answered() {
    alone("concurrent_changes_and_collections_are_all_answered", async {
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
            // A report has one rate, either the old one or the new one.
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
