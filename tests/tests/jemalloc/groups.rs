//! One profile with different groupings.

use memory_debug_axum::memory_debug_core::AgeBucket;
use memory_debug_axum::{MemoryReport, RowSource, TypeRow};
use memory_debug_tests::Request;
use serde_json::Value;

use crate::population::{POPULATION, enough, measured, payload, row};
use crate::shop;

payload!(Grouped: 43, Focused: 45, Detailed: 47, Aged: 91);

async fn by(group: &str) -> MemoryReport {
    let report = shop::get(&format!("/debug/memory/types?format=json&top=1000&group={group}")).await.report();
    assert_eq!(report.types.as_ref().unwrap().group, group.split('&').next().unwrap());
    report
}

#[inline(never)]
fn grow_the_grouped() -> Vec<Vec<Grouped>> {
    (0..8).map(|_| (0..enough::<Grouped>() / 8).map(Grouped::new).collect()).collect()
}

#[tokio::test]
async fn all_groups_show_the_same_memory() {
    let population = grow_the_grouped();
    let report = shop::types().await;
    let element = by("element").await;
    let container = row(&report, "Vec<Grouped>").unwrap();
    let (container, stderr) = (container.bytes, container.bytes_stderr);
    assert!(container >= POPULATION as u64 / 2, "{report:#?}");
    // The assumed size of large objects can differ, once more of them are known.
    assert!(
        row(&element, "Grouped").unwrap().bytes.abs_diff(container) as f64 <= 2.0 * stderr,
        "{element:#?}"
    );

    let holds = |report: &MemoryReport, part: &str| {
        let rows = &report.types.as_ref().unwrap().rows;
        let found = rows.iter().filter(|row| row.type_name.contains(part)).map(|row| row.bytes).max();
        assert!(found >= Some(container / 2), "{part}: {rows:#?}");
    };
    holds(&by("function").await, "groups");
    holds(&by("file").await, "tests/jemalloc/groups.rs");
    holds(&by("line").await, "tests/jemalloc/groups.rs:");
    holds(&by("crate").await, "this service");
    holds(&by("thread").await, &own_thread_name());
    holds(&by("thread_id").await, &format!("{} (thread ", own_thread_name()));
    holds(&by("size_class").await, " bytes");
    drop(population);
}

#[inline(never)]
fn grow_the_aged() -> Vec<Vec<Aged>> {
    (0..64).map(|_| (0..enough::<Aged>() / 64).map(Aged::new).collect()).collect()
}

#[tokio::test]
async fn ages_and_routes_are_groups_of_the_live_heap_only() {
    // Recording begins with the first collection.
    shop::types().await;
    let population = grow_the_aged();
    let report = shop::types().await;
    let ages = row(&report, "Vec<Aged>").unwrap().ages.unwrap();
    assert!(ages.known_share > 0.99 && ages.older_than_10m == 0.0 && !ages.p50_is_lower_bound, "{ages:?}");

    let young = by("age&focus=grow_the_aged").await;
    let types = young.types.as_ref().unwrap();
    assert!(types.ages.as_ref().is_some_and(|ages| ages.known_share > Some(0.99)), "{types:#?}");
    assert!(types.total_bytes.unwrap() > POPULATION as u64 / 2, "{types:#?}");
    let names: Vec<_> = AgeBucket::all().take(5).map(AgeBucket::name).collect();
    assert!(types.rows.iter().all(|row| names.contains(&row.type_name.as_str())), "{types:#?}");

    let all = by("age").await;
    let types = all.types.as_ref().unwrap();
    let sum: u64 = types.rows.iter().filter(|row| row.source != RowSource::Exact).map(|row| row.bytes).sum();
    assert!(sum.abs_diff(types.total_bytes.unwrap()) <= 10, "{types:#?}");
    let order = |name: &str| AgeBucket::all().position(|age| age.name() == name);
    assert!(types.rows.iter().map(|row| order(&row.type_name).unwrap()).is_sorted(), "{types:#?}");

    let routes = by("route&focus=grow_the_aged").await;
    assert!(row(&routes, "(no route)").is_some_and(|row| row.bytes > POPULATION as u64 / 2), "{routes:#?}");

    for group in ["age", "route"] {
        let path = format!("/debug/memory/diff?base=last&group={group}&focus=grow_the_aged");
        let refused = shop::send(Request::new("GET", &path).authorized()).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains("of all stacks together"), "{}", refused.text());
    }
    drop(population);
}

/// What three requests say of the type. Each is a collection of its own.
struct Answers {
    row: TypeRow,
    document: Value,
    tree: Value,
}

impl Answers {
    async fn get() -> Self {
        let row = row(&shop::types().await, "Vec<Detailed>").unwrap().clone();
        let id = row.id.unwrap();
        let document = shop::get(&format!("/debug/memory/types/{id}?format=json")).await.json();
        let tree = shop::get(&format!("/debug/memory/heap/tree?type={id}")).await.json();
        Self { row, document, tree }
    }

    fn now(&self) -> u64 {
        self.document["detail"]["history"].as_array().unwrap().last().unwrap()["bytes"].as_u64().unwrap()
    }

    fn total(&self) -> u64 {
        self.tree["total"]["bytes"].as_u64().unwrap()
    }

    /// The error of the first group, as a part of the error of the row.
    fn error(&self) -> f64 {
        let group = &self.document["detail"]["groups"][0]["rows"][0];
        group["bytes_stderr"].as_f64().unwrap() / self.row.bytes_stderr
    }

    fn agree(&self) -> bool {
        self.total().abs_diff(self.now()) <= 1 && (0.99..1.01).contains(&self.error())
    }
}

/// The estimate of large objects depends on all that the process has at that moment, such as an earlier reply that is not
/// freed yet. So the answers are compared when nothing of this kind changed between them.
async fn settled() -> Answers {
    for _ in 0..20 {
        let answers = Answers::get().await;
        if answers.agree() {
            return answers;
        }
    }
    Answers::get().await
}

#[tokio::test]
async fn one_type_shows_which_code_holds_it_and_its_history() {
    let population: Vec<Vec<Detailed>> =
        (0..8).map(|_| (0..enough::<Detailed>() / 8).map(Detailed::new).collect()).collect();
    let kept = shop::send(Request::new("POST", "/debug/memory/snapshots?label=kept").authorized()).await;
    assert_eq!(kept.status, 201);
    let answers = settled().await;
    let (row, document, tree) = (&answers.row, &answers.document, &answers.tree);
    let id = row.id.unwrap();
    let path = format!("/debug/memory/types/{id}");
    let detail = &document["detail"];
    assert_eq!(detail["rows"][0]["full_type"], *row.full_type);
    assert_eq!(detail["element"]["type"], "Detailed");
    assert!(detail["element"]["bytes"].as_u64() >= Some(row.bytes / 2), "{detail}");
    assert!((0.99..1.01).contains(&answers.error()), "{detail}");
    let now = answers.now();
    for group in detail["groups"].as_array().unwrap() {
        let bytes: u64 =
            group["rows"].as_array().unwrap().iter().map(|row| row["bytes"].as_u64().unwrap()).sum();
        // Each row is rounded.
        assert!(bytes.abs_diff(now) <= 20, "{group}");
    }
    let named = |group: usize, part: &str| {
        let name = detail["groups"][group]["rows"][0]["type"].as_str().unwrap();
        assert!(name.contains(part), "{detail}");
    };
    named(0, "groups.rs:");
    named(1, "tests/jemalloc/groups.rs");
    named(5, " ← ");
    let moments: Vec<_> = detail["history"].as_array().unwrap().iter().map(|at| &at["label"]).collect();
    assert!(moments.contains(&&serde_json::json!("kept")), "{moments:?}");
    let reply = shop::get(&path).await;
    let text = reply.text();
    assert!(text.starts_with("Vec<Detailed>\n") && text.contains("\nby traceback\n"), "{text}");
    let reply = shop::get(&format!("{path}?format=html")).await;
    let page = reply.text();
    assert!(page.contains("<h1>Vec&lt;Detailed&gt;</h1>") && page.contains("by traceback</h2>"), "{page}");
    // The call tree of this type has the same sum, and no other type.
    assert!(answers.total().abs_diff(now) <= 1, "{now}: {tree}");
    let picture = shop::get(&format!("/debug/memory/heap/flamegraph?by=type&type={id}")).await;
    assert!(
        picture.text().contains("Vec&lt;Detailed&gt;") && !picture.text().contains("HashMap"),
        "{picture}"
    );
    let unknown = Request::get("/debug/memory/types/0123456789abcdef").authorized();
    assert_eq!(shop::send(unknown).await.status, 404);
    drop(population);
}

/// The thread's name as the kernel has it, truncated to its maximum length.
fn own_thread_name() -> String {
    std::fs::read_to_string("/proc/thread-self/comm").unwrap().trim_end_matches('\n').to_owned()
}

#[tokio::test]
async fn threads_with_the_same_name_are_one_row() {
    let grow = |_: usize| {
        let thread = std::thread::Builder::new().name("wor\nker@ 0x1".into());
        thread.spawn(|| vec![7_u64; enough::<u64>()]).unwrap().join().unwrap()
    };
    let population: Vec<_> = (0..3).map(grow).collect();
    let least: usize = population.iter().map(|vector| 8 * vector.len() / 2).sum();
    let by_name = by("thread").await;
    let found = row(&by_name, "wor\nker@ 0x1").unwrap();
    assert!(found.bytes >= least as u64 && found.threads == Some(3), "{found:?}");
    let singly = by("thread_id").await;
    let rows = &singly.types.as_ref().unwrap().rows;
    let rows: Vec<_> =
        rows.iter().filter(|row| row.type_name.starts_with("wor\nker@ 0x1 (thread ")).collect();
    assert_eq!(rows.len(), 3, "{rows:#?}");
    assert!(rows.iter().all(|row| row.threads == Some(1)), "{rows:#?}");
    let page = shop::get("/debug/memory/types?top=1000&group=thread").await;
    let page = page.text();
    assert!(page.contains(" wor\\u{a}ker@ 0x1 × 3 | "), "{page}");
    drop(population);
}

#[tokio::test]
async fn focus_and_ignore_select_stacks_by_their_frames() {
    #[inline(never)]
    #[expect(clippy::vec_box, reason = "many small allocations through one function are what is chosen")]
    fn raise_the_focused() -> Vec<Box<Focused>> {
        (0..enough::<Focused>()).map(|number| Box::new(Focused::new(number))).collect()
    }

    let (population, bytes) = measured(raise_the_focused);
    let focused =
        shop::get("/debug/memory/types?format=json&top=1000&focus=raise_the_focused").await.report();
    let ignored =
        shop::get("/debug/memory/types?format=json&top=1000&ignore=raise_the_focused").await.report();
    assert!(row(&focused, "Box<Focused>").is_some_and(|row| row.bytes > bytes / 2), "{focused:#?}");
    assert!(row(&ignored, "Box<Focused>").is_none(), "{ignored:#?}");
    let total = |report: &MemoryReport| report.types.as_ref().unwrap().total_bytes;
    assert!(total(&focused) < total(&ignored).map(|rest| rest + 2 * bytes));
    drop(population);
}

/// Allocates on two lines with an `await` in between, below a generic future.
async fn read_twice() -> [Vec<u64>; 2] {
    let count = enough::<u64>();
    let first = vec![1; count];
    tokio::task::yield_now().await;
    let second = vec![2; count];
    [first, second]
}

async fn read_it_all() -> [Vec<u64>; 2] {
    read_twice().await
}

#[tokio::test]
async fn an_async_function_is_one_row_even_if_several_lines_allocate() {
    let population = Box::pin(read_it_all()).await;
    let (functions, lines) = (by("function").await, by("line").await);
    let of = |report: &MemoryReport, part: &str| {
        let rows = report.types.iter().flat_map(|types| &types.rows);
        let held = rows.filter(|row| row.bytes > POPULATION as u64 / 2 && row.type_name.contains(part));
        held.map(|row| row.type_name.clone()).collect::<Vec<_>>()
    };
    let functions = of(&functions, "async fn at tests/tests/jemalloc/groups.rs:");
    assert_eq!(functions.len(), 1, "{functions:?}");
    assert!(of(&lines, "groups.rs:").len() >= 2, "{lines:#?}");
    drop(population);
}
