//! The page as text for people.

use std::collections::BTreeMap;
use std::hint::black_box;

use axum_service::{AppState, Config, Population, app};
use memory_debug_axum::{MemoryReport, TypeRow, summary};
use memory_debug_tests::{Request, Server, credentials, within_limit};

use crate::population::row;
use crate::shop;

/// The cells of all table rows, without the two heading lines.
fn table(page: &str) -> Vec<Vec<&str>> {
    let lines = page.lines().filter(|line| line.contains(" | ")).skip(2);
    lines.map(|line| line.split(" | ").map(str::trim).collect()).collect()
}

#[tokio::test]
async fn the_page_begins_with_the_instance_and_its_memory() {
    let page = shop::get("/debug/memory").await;
    let mut lines = page.text().lines();
    let instance = shop::types().await.instance;
    let identity = lines.next().unwrap();
    for part in [
        format!("axum-service {}", env!("CARGO_PKG_VERSION")),
        format!("pid {}", std::process::id()),
        format!("instance {}", instance.id.short()),
        format!("host {}", instance.host.unwrap()),
    ] {
        assert!(identity.split(" · ").any(|shown| shown == part), "{part}: {page}");
    }
    let memory = lines.next().unwrap();
    assert!(memory.starts_with("resident ") && memory.contains(" · allocated "), "{page}");
}

#[tokio::test]
async fn the_doctor_lists_what_it_checked_and_what_it_could_not_check() {
    let page = shop::get("/debug/memory/doctor").await;
    assert!(page.text().contains(" rules checked, "), "{page}");
    let report: serde_json::Value =
        serde_json::from_str(shop::get("/debug/memory/doctor?format=json").await.text()).unwrap();
    let doctor = &report["doctor"];
    let checked = doctor["checked"].as_array().unwrap();
    assert!(checked.iter().any(|id| id == "profiling-not-enabled"), "{doctor}");
    for verdict in doctor["verdicts"].as_array().unwrap() {
        assert!(!verdict["evidence"].as_str().unwrap().is_empty(), "{verdict}");
        assert!(!verdict["advice"].as_str().unwrap().is_empty(), "{verdict}");
        assert!(checked.contains(&verdict["id"]), "{verdict}");
    }
    for rule in doctor["not_checked"].as_array().unwrap() {
        assert!(!checked.contains(&rule["id"]) && !rule["reason"].as_str().unwrap().is_empty(), "{rule}");
    }
}

#[tokio::test]
async fn the_table_has_types_objects_and_sizes_in_this_order() {
    for target in ["/debug/memory", "/debug/memory/types"] {
        let page = shop::get(target).await;
        let heading = page.text().lines().find(|line| line.contains(" | ")).unwrap();
        let cells: Vec<_> = heading.split('|').map(str::trim).collect();
        assert_eq!(cells[..3], ["types", "# objects", "total size"], "{page}");
        let rule = page.text().lines().skip_while(|line| *line != heading).nth(1).unwrap();
        assert!(rule.chars().all(|c| "= |".contains(c)), "{page}");
        for cells in table(page.text()) {
            assert_eq!(cells.len(), 6, "{page}");
            assert!(cells[1].chars().all(|c| c.is_ascii_digit() || c == ','), "{cells:?}");
            let (quantity, unit) = cells[2].split_once(' ').unwrap();
            assert!(
                quantity.parse::<f64>().is_ok() && ["B", "KiB", "MiB", "GiB"].contains(&unit),
                "{cells:?}"
            );
        }
        let footer = page.text().lines().find(|line| line.starts_with("total ")).unwrap();
        assert!(footer.contains(" · sampled 1 per 4 KiB since process start · symbols: "), "{footer}");
    }
}

#[tokio::test]
async fn text_and_json_show_the_same_values() {
    struct Displayed(#[expect(dead_code, reason = "only its size matters")] [u64; 32]);

    let displayed: Vec<_> = (0..1 << 15).map(|number| Box::new(Displayed(black_box([number; 32])))).collect();
    let text = shop::get("/debug/memory/types?top=1000&filter=Displayed").await;
    let json = shop::types_with("Displayed").await;
    drop(displayed);
    let json_row = row(&json, "Box<Displayed>").unwrap_or_else(|| panic!("{:?}", json.types));
    let lines = table(text.text());
    let cells = lines.iter().find(|cells| cells[0] == "Box<Displayed>").expect("a line of the text");
    assert_eq!(cells[1].replace(',', "").parse(), Ok(json_row.objects));
    assert_eq!(cells[2], format!("{:.2} MiB", json_row.bytes as f64 / f64::from(1 << 20)));
    let percent = 100.0 * json_row.bytes_stderr / json_row.bytes as f64;
    assert_eq!(cells[3], format!("{percent:.0} %"));
    assert_eq!(
        json_row.full_type,
        "Box<jemalloc::page::text_and_json_show_the_same_values::{async_block#0}::Displayed>"
    );
}

#[test]
fn most_memory_of_a_rust_service_is_attributed() {
    shop::alone("page::most_memory_of_a_rust_service_is_attributed", async {
        let ballast: Vec<Vec<u64>> = (0..64).map(|_| vec![1; 1 << 14]).collect();
        let types = shop::types().await.types.unwrap();
        drop(ballast);
        let share = types.unattributed_bytes.unwrap() as f64 / types.total_bytes.unwrap() as f64;
        assert!(share < 0.2, "{share:.2}: {:#?}", types.rows);
    });
}

#[tokio::test]
async fn statistics_have_no_types_and_types_no_statistics() {
    let stats = shop::get("/debug/memory/stats?format=json").await.json();
    assert!(stats["process"].is_object() && stats["allocator"].is_object(), "{stats}");
    assert_eq!(stats.get("types"), None);
    let types = shop::get("/debug/memory/types?format=json").await.json();
    assert!(types["types"].is_object(), "{types}");
    assert_eq!((types.get("process"), types.get("allocator")), (None, None));
    let text = shop::get("/debug/memory/stats").await;
    for line in ["resident", "peak resident", "allocated", "active", "retained", "opt.lg_prof_sample"] {
        assert!(text.text().lines().any(|shown| shown.trim_start().starts_with(line)), "{line}: {text}");
    }
    assert!(!text.text().contains("# objects"), "{text}");
}

#[test]
fn statistics_are_consistent_and_follow_allocations() {
    shop::alone("page::statistics_are_consistent_and_follow_allocations", async {
        let stats = async || shop::get("/debug/memory/stats?format=json").await.report();
        let bytes = |report: &MemoryReport| report.allocator.as_ref().unwrap().allocated_bytes.unwrap();
        let before = stats().await;
        let held = vec![1_u8; 1 << 27];
        // For a short time the earlier page is reused.
        let after = within_limit(async {
            loop {
                match stats().await {
                    report if bytes(&report) == bytes(&before) => tokio::task::yield_now().await,
                    report => return report,
                }
            }
        })
        .await;
        assert!(bytes(&after) > bytes(&before) + (1 << 26), "{} {}", bytes(&before), bytes(&after));
        drop(held);
        let allocator = after.allocator.unwrap();
        assert!(allocator.allocated_bytes <= allocator.active_bytes);
        assert!(allocator.active_bytes <= allocator.resident_bytes);
        let process = after.process.unwrap();
        assert!(process.resident_bytes <= process.peak_resident_bytes);
        assert!(process.resident_bytes > Some(1 << 26), "{process:?}");
        assert!(process.threads > Some(2) && process.open_fds > Some(3), "{process:?}");
    });
}

#[tokio::test]
async fn top_sort_and_filter_choose_the_rows() {
    #[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
    struct Chosen<const N: usize>([u64; N]);

    let few_large: Vec<_> = (0..64).map(|_| Box::new(Chosen(black_box([1; 4096])))).collect();
    let many_small: Vec<_> = (0..1 << 15).map(|_| Box::new(Chosen(black_box([1; 4])))).collect();
    let names = async |query: &str| -> Vec<String> {
        let report =
            shop::get(&format!("/debug/memory/types?format=json&filter=Box%3CChosen{query}")).await.report();
        let types = report.types.unwrap();
        let boxes = types.rows.into_iter().map(|row| row.type_name);
        boxes.filter(|name| name.starts_with("Box<Chosen")).collect()
    };
    assert_eq!(names("&sort=bytes").await, ["Box<Chosen<4096>>", "Box<Chosen<4>>"]);
    assert_eq!(names("&sort=count").await, ["Box<Chosen<4>>", "Box<Chosen<4096>>"]);
    assert_eq!(names("&sort=name").await, ["Box<Chosen<4096>>", "Box<Chosen<4>>"]);
    assert_eq!(names("%3C4%3E").await, ["Box<Chosen<4>>"]);
    assert_eq!(names("&top=1").await, ["Box<Chosen<4096>>"]);
    assert_eq!(names("[").await, Vec::<String>::new());

    let cut = shop::get("/debug/memory/types?format=json&top=2").await.report().types.unwrap();
    assert_eq!(cut.rows.len(), 2);
    assert!(cut.omitted_rows > 2);
    let text = shop::get("/debug/memory/types?top=2").await;
    assert_eq!(table(text.text()).len(), 2);
    assert!(text.text().contains("… and "), "{text}");
    drop((few_large, many_small));
}

#[tokio::test]
async fn a_busy_shop_is_shown_by_its_own_types() {
    let config = Config { population: Population::full(), ..Config::full() };
    let state = AppState::start(&config);
    let server = Server::start(app(&state, credentials())).await;
    let page = Request::get("/debug/memory/types?format=json&top=1000").authorized();
    let report = server.send(page).await.report();
    let bytes = |name: &str| row(&report, name).map_or(0, |row| row.bytes + 2 * row.bytes_stderr as u64);
    // 20,000 sessions in a table of 32,768 buckets and what they own: 5,000 profiles and 190,000 basket
    // lines.
    let at_least: BTreeMap<_, _> = [
        ("HashMap<String, Session>", 32_768 * 113),
        ("Vec<Item>", 150_000 * 40),
        ("Arc<Profile>", 5_000 * 80 / 2),
        ("BTreeMap<String, String>", 5_000 * 256),
        ("String", 20_000 * 64),
    ]
    .into();
    for (name, at_least) in at_least {
        assert!(bytes(name) >= at_least, "{name}: {} bytes in {:#?}", bytes(name), report.types);
    }
}

#[tokio::test]
async fn a_summary_is_the_table_as_a_value() {
    struct Summed(#[expect(dead_code, reason = "only its size matters")] [u64; 24]);

    let summed: Vec<_> = (0..1 << 15).map(|number| Box::new(Summed(black_box([number; 24])))).collect();
    let summary = tokio::task::spawn_blocking(summary).await.unwrap();
    let sampled = summary.rows.iter().find(|row| row.type_name == "Box<Summed>").expect("a row").clone();
    let shown = summary.to_string();
    drop(summed);
    let heading: Vec<_> = shown.lines().next().unwrap().split('|').map(str::trim).collect();
    assert_eq!(heading[..3], ["types", "# objects", "total size"]);
    let lines = table(&shown);
    let cells = lines.iter().find(|cells| cells[0] == "Box<Summed>").expect("a line");
    assert_eq!(cells[2], format!("{:.2} MiB", sampled.bytes as f64 / f64::from(1 << 20)));
}

#[test]
fn collections_do_not_count_themselves() {
    shop::alone("page::collections_do_not_count_themselves", async {
        // The first collection reads all symbols, which takes far more memory than it keeps.
        shop::types().await;
        let before = shop::types().await.types.unwrap();
        for _ in 0..10 {
            shop::types().await;
        }
        let after = shop::types().await.types.unwrap();
        let own = |name: &str| {
            name.contains("memory_debug") || name.contains("gimli") || name.contains("Symbolizer")
        };
        let bytes = |types: &memory_debug_axum::TypeSummary| -> u64 {
            types.rows.iter().filter(|row| own(&row.full_type)).map(|row| row.bytes).sum()
        };
        assert!(bytes(&after) <= bytes(&before) + (256 << 10), "{} {}", bytes(&before), bytes(&after));
    });
}

#[test]
fn the_table_the_allocator_and_the_kernel_agree() {
    shop::alone("page::the_table_the_allocator_and_the_kernel_agree", async {
        // Large objects, because each sampled small object takes a page, which is a lot with a sample per 4
        // KiB.
        let ballast: Vec<Vec<u64>> = (0..64).map(|_| vec![1; 1 << 17]).collect();
        let page = shop::get("/debug/memory/types").await;
        for target in ["/debug/memory", "/debug/memory/types"] {
            let report = shop::get(&format!("{target}?format=json")).await.report();
            let numbers = report.reconciliation.unwrap();
            assert_eq!(numbers.sampled_bytes, report.types.unwrap().total_bytes);
            let (sampled, in_use) = (numbers.sampled_bytes.unwrap(), numbers.in_use_bytes.unwrap());
            assert_eq!(numbers.difference_bytes, Some(sampled as i64 - in_use as i64));
            assert!(sampled > 64 << 20 && sampled.abs_diff(in_use) < 16 << 20, "{numbers:?}");
            assert_eq!(numbers.explanations.is_empty(), numbers.within_two_stderr.unwrap());
            let parts = [
                numbers.in_use_bytes,
                numbers.thread_cache_bytes,
                numbers.internal_bytes,
                numbers.sampling_bytes,
                numbers.fragmentation_bytes,
                numbers.dirty_bytes,
                numbers.metadata_bytes,
                numbers.muzzy_bytes,
                numbers.outside_bytes,
            ];
            let less = [numbers.swapped_bytes, numbers.never_touched_bytes];
            let sum = |parts: &[Option<u64>]| parts.iter().map(|part| part.unwrap()).sum::<u64>();
            assert_eq!(Some(sum(&parts) - sum(&less)), numbers.resident_bytes, "{numbers:?}");
            let outside =
                [numbers.outside_anonymous_bytes, numbers.outside_file_bytes, numbers.outside_shared_bytes];
            assert_eq!(Some(sum(&outside)), numbers.outside_bytes, "{numbers:?}");
        }
        drop(ballast);
        let line = page.text().lines().find(|line| line.starts_with("sampled ")).unwrap();
        assert!(line.contains(" in use; "), "{page}");
        assert!(
            page.text().lines().any(|line| line.starts_with("resident ") && line.contains(" in use + ")),
            "{page}"
        );
    });
}

/// jemalloc samples the first allocation of every process, eight bytes in the start-up code of the standard
/// library.
#[test]
fn the_first_sample_of_a_process_is_not_a_row() {
    shop::alone("page::the_first_sample_of_a_process_is_not_a_row", async {
        let report = shop::types().await;
        let rows = &report.types.as_ref().unwrap().rows;
        // A larger text of the service can be sampled by chance.
        let is_of_eight_bytes = |row: &TypeRow| row.bytes < 9 * row.objects;
        assert!(!rows.iter().any(|row| row.type_name == "Box<str>" && is_of_eight_bytes(row)), "{rows:#?}");
    });
}
