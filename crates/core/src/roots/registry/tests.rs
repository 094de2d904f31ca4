use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Mutex, OnceLock, RwLock};

use memory_debug_report::FieldRow;

use super::*;
use crate as memory_debug_core;
use crate::thread::spawn_collecting;
use memory_debug_core::allocative;

/// Measures values that are not registered anywhere else.
fn measured(roots: &[Arc<Root>], limits: Limits) -> (RootSummary, Unavailable) {
    let mut unavailable = Unavailable::default();
    let summary = measure_roots(roots, limits, &mut unavailable);
    (summary, unavailable)
}

fn root<T: Allocative + Send + Sync + 'static>(name: &str, value: &Arc<T>) -> Arc<Root> {
    let value = Box::new(Arc::downgrade(value));
    Arc::new(Root { name: name.into(), type_name: type_name::<T>(), value })
}

fn one<T: Allocative + Send + Sync + 'static>(value: T) -> RootRow {
    let value = Arc::new(value);
    let (summary, unavailable) = measured(&[root("one", &value)], Limits::default());
    assert!(unavailable.is_empty(), "{unavailable:?}");
    let row = summary.rows.into_iter().next().unwrap();
    let told: u64 = row.fields.iter().map(|field| field.bytes).sum();
    assert_eq!(row.retained_bytes, Some(told + row.omitted_bytes), "the parts add up to the whole");
    row
}

fn field<'a>(row: &'a RootRow, path: &str) -> &'a FieldRow {
    row.fields.iter().find(|field| field.field == path).unwrap_or_else(|| panic!("no {path} in {row:#?}"))
}

/// The counters of an `Arc`.
const COUNTERS: u64 = 16;

fn text(capacity: usize) -> String {
    String::with_capacity(capacity)
}

#[derive(allocative::Allocative)]
struct Session {
    user: String,
    cart: Vec<u64>,
    plan: Plan,
    config: Arc<Config>,
}

#[derive(allocative::Allocative)]
enum Plan {
    Free,
    Paid { since: u64, note: Box<str> },
}

#[derive(allocative::Allocative)]
struct Config {
    text: String,
}

#[test]
fn every_byte_is_counted_where_it_is() {
    let config = Arc::new(Config { text: text(1_000) });
    let session =
        |plan| Session { user: text(30), cart: Vec::with_capacity(10), plan, config: Arc::clone(&config) };
    let paid = Plan::Paid { since: 7, note: "since spring".into() };
    let row = one(vec![session(Plan::Free), session(paid)]);
    assert!(row.is_complete() && row.counted_elsewhere.is_empty());
    let bytes = |path| field(&row, path).bytes;
    assert_eq!(bytes(""), COUNTERS + 24);
    assert_eq!((bytes("item.user"), field(&row, "item.user").values), (2 * (24 + 30), 2));
    assert_eq!(bytes("item.cart"), 2 * (24 + 80));
    assert_eq!(bytes("item.plan.Paid.note"), 16 + 12);
    assert_eq!(bytes("item.plan.Paid.since"), 8);
    // Two pointers to one value.
    assert_eq!(bytes("item.config"), 2 * 8 + COUNTERS);
    assert_eq!(bytes("item.config.text"), 24 + 1_000);
    assert!(field(&row, "item.config.text").shared && !field(&row, "item.user").shared);
    assert_eq!(field(&row, "item.plan").full_type, type_name::<Plan>());
    let inline = 2 * size_of::<Session>() as u64;
    let owned = 2 * (30 + 80) + 12 + COUNTERS + 24 + 1_000;
    assert_eq!(row.retained_bytes, Some(COUNTERS + 24 + inline + owned));
}

#[test]
fn a_value_in_two_roots_is_counted_in_the_first() {
    let config = Arc::new(Config { text: text(500) });
    let first = Arc::new(vec![Arc::clone(&config)]);
    let second = Arc::new((Arc::clone(&config), Arc::clone(&config)));
    let roots = [root("first", &first), root("second", &second)];
    let (summary, _) = measured(&roots, Limits::default());
    let bytes: Vec<_> = summary.rows.iter().map(|row| row.retained_bytes.unwrap()).collect();
    assert_eq!(bytes, [COUNTERS + 24 + 8 + COUNTERS + 24 + 500, COUNTERS + 16]);
    assert_eq!(summary.rows[1].counted_elsewhere, [("first".to_owned(), 2)].into());
    assert!(summary.rows[1].is_complete());
}

#[test]
fn a_root_inside_another_is_counted_as_itself_whichever_comes_first() {
    let config = Arc::new(Config { text: text(500) });
    let app = Arc::new(Arc::clone(&config));
    let (summary, _) = measured(&[root("app", &app), root("config", &config)], Limits::default());
    assert_eq!(summary.rows[0].retained_bytes, Some(COUNTERS + 8));
    assert_eq!(summary.rows[0].counted_elsewhere, [("config".to_owned(), 1)].into());
    assert_eq!(summary.rows[1].retained_bytes, Some(COUNTERS + 24 + 500));
}

#[test]
fn collections_count_their_spare_capacity() {
    let mut queue = VecDeque::with_capacity(16);
    queue.push_back(text(5));
    let row = one((queue, HashSet::<u64>::with_capacity(100), BTreeMap::from([(1_u8, text(9))])));
    assert_eq!(field(&row, "0").bytes, 32 + 15 * 24);
    assert_eq!(field(&row, "0.item").bytes, 24 + 5);
    // 128 buckets of 8 bytes and their control bytes.
    assert_eq!(field(&row, "1").bytes, size_of::<HashSet<u64>>() as u64 + 128 * 8 + 128 + 16);
    assert_eq!(field(&row, "2.value").bytes, 24 + 9);
}

/// A list whose depth equals its length.
#[derive(allocative::Allocative)]
struct Link<P> {
    text: String,
    next: Option<P>,
}

#[derive(allocative::Allocative)]
struct Owned(Box<Link<Self>>);

#[derive(allocative::Allocative)]
struct Shared(Arc<Link<Self>>);

#[test]
fn a_type_that_contains_itself_is_one_part() {
    let list = (0..50).fold(None, |next, _| Some(Owned(Box::new(Link { text: text(10), next }))));
    let row = one(list);
    assert!(row.is_complete(), "{row:?}");
    assert!(row.fields.len() <= 4, "{row:#?}");
    let link = size_of::<Link<Owned>>() as u64 + 10;
    assert_eq!(row.retained_bytes, Some(COUNTERS + 8 + 50 * link));
}

#[test]
fn a_list_of_a_million_nodes_neither_overflows_the_stack_nor_takes_memory() {
    const NODES: usize = 1_000_000;
    let owned = (0..NODES).fold(None, |next, _| Some(Owned(Box::new(Link { text: text(0), next }))));
    let shared = (0..NODES).fold(None, |next, _| Some(Shared(Arc::new(Link { text: text(0), next }))));
    let (owned, shared) = (Arc::new(owned), Arc::new(shared));
    let roots = [root("owned", &owned), root("shared", &shared)];
    let (summary, _) = spawn_collecting(move || measured(&roots, Limits::default())).unwrap().join().unwrap();
    for row in &summary.rows {
        assert!(row.retained_bytes.unwrap() > 32 * 100, "{row:?}");
        assert_eq!(row.not_counted, ["values nested deeper than 1000 steps, 1 times"]);
        assert!(row.fields.len() <= 4, "{row:?}");
    }
    // The compiler's code to drop a list recurses as well, and a static value is not a leak.
    static OWNED: OnceLock<Arc<Option<Owned>>> = OnceLock::new();
    static SHARED: OnceLock<Arc<Option<Shared>>> = OnceLock::new();
    assert!(OWNED.set(owned).is_ok() && SHARED.set(shared).is_ok());
}

#[test]
fn the_number_of_values_is_bounded_and_later_roots_are_not_measured() {
    let texts = Arc::new(vec![text(1); 1_000]);
    let roots = [root("first", &texts), root("second", &Arc::new(7_u64))];
    let kept = Arc::new(7_u64);
    let roots = [roots[0].clone(), root("second", &kept)];
    let (summary, unavailable) = measured(&roots, Limits { values: 100, ..Limits::default() });
    let first = &summary.rows[0];
    assert_eq!(first.not_counted, ["values beyond the number that one collection visits"]);
    // A value that was not visited is counted with the bytes of the vector, so only what it owns is missing.
    let bytes = first.retained_bytes.unwrap();
    assert!((COUNTERS + 24 + 24_000..COUNTERS + 24 + 25_000).contains(&bytes), "{bytes}");
    assert_eq!(summary.rows[1].retained_bytes, None);
    assert!(unavailable.get("roots.second").unwrap().contains("used up"), "{unavailable:?}");
}

#[test]
fn parts_and_shared_values_are_bounded() {
    let shared = Arc::new(text(3));
    let value = Arc::new(((1_u8, text(1)), (2_u8, text(2)), [0; 2].map(|_| Arc::clone(&shared)).to_vec()));
    let other = Arc::new(text(9));
    let pair = Arc::new((Arc::clone(&other), other));
    let roots = [root("value", &value), root("pair", &pair)];
    let (summary, _) = measured(&roots, Limits { parts: 3, shared: 3, ..Limits::default() });
    let [value, pair] = &summary.rows[..] else { panic!("{summary:?}") };
    assert!(value.fields.len() <= 3, "{value:?}");
    let whole = size_of::<((u8, String), (u8, String), Vec<Arc<String>>)>() as u64;
    assert_eq!(value.retained_bytes, Some(COUNTERS + whole + 1 + 2 + 2 * 8 + COUNTERS + 24 + 3));
    assert_eq!(pair.retained_bytes, Some(COUNTERS + 16), "two roots and one shared value came before");
    assert_eq!(pair.not_counted, ["values shared by 2 pointers, beyond the first 3 shared values"]);
}

#[test]
fn a_held_lock_is_reported_and_not_waited_for() {
    let value = Arc::new((Mutex::new(text(100)), RwLock::new(text(200))));
    let free = measured(&[root("locks", &value)], Limits::default()).0;
    let whole = COUNTERS + size_of::<(Mutex<String>, RwLock<String>)>() as u64;
    assert_eq!(free.rows[0].retained_bytes, Some(whole + 300));
    let reader = value.1.read().unwrap();
    let holder = value.0.lock().unwrap();
    let held = measured(&[root("locks", &value)], Limits { lock_waits: 1, ..Limits::default() }).0;
    assert_eq!(held.rows[0].retained_bytes, Some(whole + 200));
    assert_eq!(held.rows[0].not_counted, ["the contents of 1 locks that stayed held"]);
    drop((reader, holder));
}

struct Panics;

impl Allocative for Panics {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let _inside = visitor.enter_self(self);
        panic!("expected by the test: secret");
    }
}

#[test]
fn a_panic_costs_only_its_root_and_poisons_nothing() {
    let shared = Arc::new(text(50));
    let broken = Arc::new((Arc::clone(&shared), Mutex::new(Panics)));
    let healthy = Arc::new(Arc::clone(&shared));
    let roots = [root("broken", &broken), root("healthy", &healthy)];
    let (summary, unavailable) = measured(&roots, Limits::default());
    assert_eq!((summary.rows[0].retained_bytes, summary.rows[0].fields.len()), (None, 0));
    let reason = unavailable.get("roots.broken").unwrap();
    assert!(reason.contains("panicked") && !reason.contains("secret"), "{reason}");
    assert_eq!(summary.rows[1].retained_bytes, Some(COUNTERS + 8 + COUNTERS + 24 + 50));
    assert!(!broken.1.is_poisoned());
}

#[test]
fn a_forgotten_visitor_harms_nothing() {
    struct Forgets;
    impl Allocative for Forgets {
        fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
            std::mem::forget(visitor.enter_self(self));
        }
    }
    let row = one((Forgets, text(4)));
    assert_eq!(row.retained_bytes, Some(COUNTERS + size_of::<(Forgets, String)>() as u64 + 4));
}

#[test]
fn a_root_is_measured_until_it_or_its_registration_is_dropped() {
    let names = || {
        let summary = measure(&mut Unavailable::default());
        let rows = summary.map(|summary| summary.rows).unwrap_or_default();
        rows.into_iter().map(|row| row.name).filter(|name| name.starts_with("until")).collect::<Vec<_>>()
    };
    let value = Arc::new(HashMap::<u8, u8>::new());
    let first = register_root("until", &value);
    let second = register_root("until", &value);
    assert_eq!(names(), ["until", "until #2"]);
    drop(first);
    assert_eq!(names(), ["until #2"]);
    second.forever();
    assert_eq!(names(), ["until #2"]);
    drop(value);
    assert_eq!(names(), [""; 0]);
    static TEXT: Mutex<String> = Mutex::new(String::new());
    let third = register_static_root("until the end", &TEXT);
    assert_eq!(names(), ["until the end"]);
    drop(third);
    assert_eq!(names(), [""; 0]);
}
