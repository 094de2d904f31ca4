//! Roots: values whose retained size is measured by visiting them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};

use memory_debug_axum::allocative::{self, Allocative, Visitor};
use memory_debug_axum::{MemoryReport, RootRow, RowSource, register_root};
use memory_debug_tests::Request;

use crate::population::{measured, usable};
use crate::shop;

/// The reference counters of an `Arc`.
const COUNTERS: u64 = 16;

#[derive(allocative::Allocative)]
struct Catalogue {
    by_sku: RwLock<HashMap<u64, Article>>,
    currency: Arc<String>,
    #[allocative(visit = visit_lock)]
    motto: tokio::sync::RwLock<String>,
}

/// As the documentation of `Allocative` shows for a lock that it does not know.
fn visit_lock<T: Allocative>(lock: &tokio::sync::RwLock<T>, visitor: &mut Visitor<'_>) {
    let mut inside = visitor.enter_self(lock);
    if let Some(value) = inside.try_lock(|| lock.try_read().ok()) {
        inside.descend(&*value);
    }
}

#[derive(allocative::Allocative)]
struct Article {
    title: String,
    prices: Vec<u64>,
}

fn catalogue(currency: &Arc<String>) -> Arc<Catalogue> {
    let article = |_| Article { title: String::with_capacity(40), prices: Vec::with_capacity(12) };
    let by_sku = (0..100).map(|sku| (sku, article(sku))).collect();
    let motto = tokio::sync::RwLock::new(String::with_capacity(70));
    Arc::new(Catalogue { by_sku: RwLock::new(by_sku), currency: Arc::clone(currency), motto })
}

/// The bytes of a catalogue without the text of its currency: 100 articles in a table of 128 buckets.
fn catalogue_bytes() -> u64 {
    let table = 128 * size_of::<(u64, Article)>() as u64 + 128 + 16;
    COUNTERS + size_of::<Catalogue>() as u64 + table + 100 * (40 + 12 * 8) + 70
}

fn root<'r>(report: &'r MemoryReport, name: &str) -> Option<&'r RootRow> {
    report.roots.as_ref()?.rows.iter().find(|row| row.name == name)
}

#[tokio::test]
async fn retained_sizes_are_exact_and_shared_values_count_once() {
    let currency = Arc::new(String::with_capacity(1_000));
    let (first, second) = (catalogue(&currency), catalogue(&currency));
    let registered = [register_root("spring", &first), register_root("autumn", &second)];
    let shared = COUNTERS + size_of::<String>() as u64 + 1_000;

    for target in ["/debug/memory?format=json", "/debug/memory/types?format=json&top=1000"] {
        let report = shop::get(target).await.report();
        let (spring, autumn) = (root(&report, "spring").unwrap(), root(&report, "autumn").unwrap());
        assert_eq!(spring.retained_bytes, Some(catalogue_bytes() + shared), "{spring:#?}");
        assert_eq!(autumn.retained_bytes, Some(catalogue_bytes()), "{autumn:#?}");
        assert_eq!(autumn.counted_elsewhere, [("spring".to_owned(), 1)].into());
        assert!(spring.is_complete() && autumn.is_complete());
        let field = |path: &str| spring.fields.iter().find(|field| field.field == path).unwrap();
        let titles = field("by_sku.value.title");
        assert_eq!(
            (titles.type_name.as_str(), titles.values, titles.bytes),
            ("String", 100, 100 * (24 + 40))
        );
        assert!(field("currency").shared && !titles.shared);
    }
    let report = shop::types_with("(root%20spring)").await;
    let row = &report.types.unwrap().rows[0];
    let expected = (1, catalogue_bytes() + shared, RowSource::Exact);
    assert_eq!((row.objects, row.bytes, row.source), expected, "{row:?}");

    drop(first);
    let report = shop::types().await;
    assert!(root(&report, "spring").is_none(), "it is dropped");
    assert_eq!(root(&report, "autumn").unwrap().retained_bytes, Some(catalogue_bytes() + shared));
    drop(registered);
    assert!(root(&shop::types().await, "autumn").is_none(), "its registration is dropped");
}

#[tokio::test]
async fn the_text_shows_the_roots_that_match_the_filter() {
    let value = catalogue(&Arc::default());
    let other = Arc::new(7_u64);
    let registered = [register_root("winter sale", &value), register_root("clearance", &other)];
    let page = shop::get("/debug/memory/types?filter=winter").await;
    let lines: Vec<_> = page.text().lines().skip_while(|line| !line.starts_with("roots (exact)")).collect();
    assert!(lines.iter().any(|line| line.ends_with("  winter sale: Catalogue")), "{page}");
    assert!(lines.iter().any(|line| line.ends_with(" 100    by_sku.value.title: String")), "{page}");
    assert!(!page.text().contains("clearance"), "{page}");
    let part = shop::types_with("by_sku.value.prices").await;
    let row = root(&part, "winter sale").unwrap();
    assert_eq!((row.fields.len(), row.fields[0].type_name.as_str()), (1, "Vec<u64>"), "{row:?}");
    assert_eq!(row.retained_bytes, Some(row.fields[0].bytes + row.omitted_bytes));
    drop(registered);
}

#[tokio::test]
async fn a_root_that_panics_is_null_with_a_reason_and_others_are_measured() {
    struct Broken;
    impl Allocative for Broken {
        fn visit<'a, 'b: 'a>(&self, _visitor: &'a mut Visitor<'b>) {
            panic!("expected by the test");
        }
    }
    let (broken, sound) = (Arc::new(Broken), Arc::new(5_u64));
    let registered = [register_root("broken", &broken), register_root("sound", &sound)];
    let json = shop::get("/debug/memory/types?format=json").await.json();
    let rows = json["roots"]["rows"].as_array().unwrap();
    let row = |name| rows.iter().find(|row| row["name"] == name).unwrap();
    assert!(row("broken")["retained_bytes"].is_null(), "{json}");
    assert!(json["unavailable"]["roots.broken"].as_str().unwrap().contains("panicked"), "{json}");
    assert_eq!(row("sound")["retained_bytes"], COUNTERS + 8);
    assert!(json["types"]["total_bytes"].is_number(), "{json}");
    let page = shop::get("/debug/memory/types").await;
    assert!(
        page.text()
            .lines()
            .any(|line| line.starts_with("not measured ") && line.ends_with(" broken: Broken"))
    );
    drop(registered);
}

#[test]
fn a_root_is_visited_only_when_types_are_requested() {
    static VISITS: AtomicU64 = AtomicU64::new(0);
    struct Counted;
    impl Allocative for Counted {
        fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
            VISITS.fetch_add(1, Ordering::Relaxed);
            visitor.enter_self(self).exit();
        }
    }
    // In a separate process, because other tests request types all the time.
    shop::alone("roots::a_root_is_visited_only_when_types_are_requested", async {
        let value = Arc::new(Counted);
        let registered = register_root("counted", &value);
        shop::get("/debug/memory/stats").await;
        shop::send(Request::get("/debug/memory/types")).await;
        assert_eq!(VISITS.load(Ordering::Relaxed), 0);
        shop::types().await;
        assert_eq!(VISITS.load(Ordering::Relaxed), 1);
        drop(registered);
    });
}

#[test]
fn roots_beyond_the_limit_are_counted_but_not_measured() {
    shop::alone("roots::roots_beyond_the_limit_are_counted_but_not_measured", async {
        let value = Arc::new(1_u8);
        let registered: Vec<_> =
            (0..70).map(|number| register_root(format!("root {number}"), &value)).collect();
        let roots = shop::types().await.roots.unwrap();
        assert_eq!((roots.rows.len(), roots.refused), (64, 6));
        drop(registered);
        let again = register_root("again", &value);
        assert_eq!(shop::types().await.roots.unwrap().refused, 0);
        drop(again);
    });
}

#[tokio::test]
async fn the_size_of_a_hash_table_is_what_jemalloc_allocated() {
    for entries in [1, 3, 4, 7, 8, 14, 15, 28, 100, 200] {
        let (table, bytes) = measured(|| HashMap::<u64, [u32; 3]>::with_capacity(entries));
        let table = Arc::new(table);
        let registered = register_root(format!("table of {entries}"), &table);
        let report = shop::types_with("table%20of").await;
        let row = root(&report, &format!("table of {entries}")).unwrap();
        let inline = COUNTERS + size_of::<HashMap<u64, [u32; 3]>>() as u64;
        let shown_bytes = row.retained_bytes.unwrap() - inline;
        assert_eq!(usable(shown_bytes), bytes, "{entries} entries: {shown_bytes} bytes");
        drop(registered);
    }
}
