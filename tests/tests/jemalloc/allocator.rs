//! Requests about jemalloc itself: its state, its arenas and size classes, and releasing memory.

use memory_debug_tests::Request;
use serde_json::Value;

use crate::shop;

async fn json(target: &str) -> Value {
    shop::get(target).await.json()
}

#[tokio::test]
async fn arenas_and_size_classes_are_shown_on_request() {
    let without = json("/debug/memory/stats?format=json").await;
    assert!(without.get("detail").is_none(), "{without}");
    let both = json("/debug/memory/stats?format=json&detail=arenas,bins").await;
    let arenas = both["detail"]["arenas"].as_array().unwrap();
    let sum = |field: &str| arenas.iter().map(|arena| arena[field].as_u64().unwrap()).sum::<u64>();
    let allocated = both["allocator"]["allocated_bytes"].as_u64().unwrap();
    assert_eq!(
        sum("small_allocated_bytes") + sum("large_allocated_bytes"),
        allocated,
        "the parts and the total are from the same epoch"
    );
    assert!(!both["detail"]["size_classes"]["bins"].as_array().unwrap().is_empty());
    let arenas_only = json("/debug/memory/stats?format=json&detail=arenas").await;
    assert!(arenas_only["detail"]["size_classes"].is_null(), "{arenas_only}");
    let cells = json("/debug/memory/stats?format=json&detail=bins,arena_bins").await;
    let (classes, cells) = (&cells["detail"]["size_classes"], &cells["detail"]["arena_bins"]);
    assert_eq!(cells["unused_bytes"], classes["unused_bytes"], "they are from the same epoch");
    assert!(!cells["cells"].as_array().unwrap().is_empty(), "{cells}");
    let page = shop::get("/debug/memory/stats?format=html&detail=arena_bins").await;
    assert!(page.text().contains("<td class=\"heat-6\">"), "{page}");
    let refused = shop::send(Request::get("/debug/memory/stats?detail=all").authorized()).await;
    assert_eq!(refused.status, 400, "{refused}");
}

#[tokio::test]
async fn a_purge_reports_resident_memory_before_and_after() {
    drop(std::hint::black_box(vec![1_u8; 32 << 20]));
    let purge = || Request::new("POST", "/debug/memory/purge?format=json").authorized();
    let purged = shop::send(purge()).await;
    assert_eq!(purged.status, 200, "{purged}");
    let purged = purged.json();
    let of = |moment: &str, field: &str| purged[moment][field].as_u64().unwrap();
    assert!(of("before", "resident_bytes") > 0 && of("after", "resident_bytes") > 0);
    let returned = of("before", "resident_bytes") as i64 - of("after", "resident_bytes") as i64;
    assert_eq!(purged["returned_bytes"].as_i64(), Some(returned));
    let read = shop::send(Request::get("/debug/memory/purge").authorized()).await;
    assert_eq!((read.status, read.header("allow").as_deref()), (405, Some("POST")), "{read}");
    for other in
        [purge().header("sec-fetch-site", "cross-site"), purge().header("origin", "https://evil.example")]
    {
        assert_eq!(shop::send(other).await.status, 403, "s30");
    }
    assert_eq!(shop::send(Request::new("POST", "/debug/memory/purge")).await.status, 401);
}

#[tokio::test]
async fn the_state_of_the_profiler_is_shown() {
    let state = json("/debug/memory/profiling?format=json").await;
    assert_eq!(state["profiling"]["active"], true, "{state}");
    assert_eq!(state["profiling"]["sample_bytes"], 4096, "{state}");
    assert_eq!(state["window"], Value::Null, "no temporary change is active");
    assert!(shop::get("/debug/memory/profiling").await.text().contains("4 KiB"));
}
