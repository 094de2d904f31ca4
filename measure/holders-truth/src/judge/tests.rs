use memory_debug_holders::RootKind::{Stack, Static};
use serde_json::{Value, json};

use super::*;
use crate::expected::REST;

const MIB: u64 = 1 << 20;
const SHOP: &[(memory_debug_holders::RootKind, &str)] = &[(Static, "*SHOP*")];
const POPULATIONS: [Expected; 8] = [
    held("carts", "Vec<Line>", &["Arc<Session>", "HashMap<u64, Arc<Session>>"], SHOP),
    held("names", "String", &["Arc<Session>"], SHOP),
    held("keys", "String", &["BTreeMap<String, u64>"], &[(Stack, "worker")]),
    held("ring", "VecDeque<Sample>", &[], SHOP),
    held("list", "Box<Link>", &["Box<Link>"], SHOP),
    held("messages", "Box<Message>", &["channel<Box<Message>>", REST], SHOP),
    Expected { population: "cycle", type_name: "Arc<Node>", fate: Fate::Lost { cycle: &["Arc<Node>"] } },
    Expected { population: "stale", type_name: "Box<Stale>", fate: Fate::Stale },
];

const fn held(
    population: &'static str,
    type_name: &'static str,
    by: &'static [&'static str],
    roots: &'static [(memory_debug_holders::RootKind, &'static str)],
) -> Expected {
    Expected { population, type_name, fate: Fate::Held { by, roots } }
}

fn types(types: Value) -> Vec<HeldType> {
    serde_json::from_value(types).unwrap()
}

/// A chain of 1 MiB. A link without a name is `null`.
fn chain(links: &[Option<&str>], kind: &str, root: &str) -> Value {
    let links: Vec<Value> = links.iter().map(|name| json!({ "type_name": name, "bytes": 64 })).collect();
    json!({ "links": links, "root": { "kind": kind, "name": root }, "bytes": MIB, "samples": 2 })
}

fn of_type(name: &str, chains: &[Value]) -> Value {
    json!({ "type_name": name, "bytes": MIB * chains.len() as u64, "chains": chains })
}

/// Judges one report about populations of 1 MiB each.
fn judge(report: Value) -> Totals {
    let mut judge = Judge::new(&POPULATIONS, |_| MIB);
    judge.add(&types(report));
    judge.totals()
}

#[test]
fn a_chain_is_right_if_its_root_and_all_its_names_are() {
    let (session, map) = (Some("Arc<Session>"), Some("HashMap<u64, Arc<Session>>"));
    let shop = "shop::SHOP";
    for (type_name, links, kind, root, right, direct) in [
        ("Vec<Line>", &[session, map][..], "static", shop, true, true),
        ("Vec<Line>", &[session, None], "static", shop, true, true),
        ("Vec<Line>", &[session], "static", shop, true, true),
        // Unnamed is not wrong, but the direct holder has no name.
        ("Vec<Line>", &[None, map], "static", shop, true, false),
        // A holder is left out, or comes in the wrong place, or is a stranger.
        ("Vec<Line>", &[map], "static", shop, false, false),
        ("Vec<Line>", &[session, map, session], "static", shop, false, false),
        ("Vec<Line>", &[session, Some("Vec<u8>")], "static", shop, false, false),
        ("Vec<Line>", &[Some("Vec<u8>"), map], "static", shop, false, false),
        // The root has the wrong name or kind.
        ("Vec<Line>", &[session, map], "static", "shop::OTHER", false, false),
        ("Vec<Line>", &[session, map], "stack", shop, false, false),
        // The root itself holds it.
        ("VecDeque<Sample>", &[], "static", shop, true, true),
        ("VecDeque<Sample>", &[None], "static", shop, true, false),
        ("VecDeque<Sample>", &[session], "static", shop, false, false),
        ("Vec<Line>", &[], "static", shop, true, false),
        // A list holds itself.
        ("Box<Link>", &[Some("Box<Link>"), Some("Box<Link>")], "static", shop, true, true),
        // Inside a library, any holder may follow.
        (
            "Box<Message>",
            &[Some("channel<Box<Message>>"), Some("Vec<u8>"), session],
            "static",
            shop,
            true,
            true,
        ),
        ("Box<Message>", &[Some("Vec<u8>")], "static", shop, false, false),
    ] {
        let totals = judge(json!([of_type(type_name, &[chain(links, kind, root)])]));
        let expected = (f64::from(u8::from(right)) * 100.0, f64::from(u8::from(direct)) * 100.0);
        assert_eq!((totals.right, totals.direct), expected, "{type_name} {links:?} {kind} {root}");
    }
}

#[test]
fn a_shared_type_belongs_to_the_population_with_the_right_chain() {
    let of_names = chain(&[Some("Arc<Session>")], "static", "SHOP");
    let of_keys = chain(&[Some("BTreeMap<String, u64>")], "stack", "worker");
    let swapped = chain(&[Some("Arc<Session>")], "stack", "worker");
    let mut judge = Judge::new(&POPULATIONS, |_| MIB);
    judge.add(&types(json!([of_type("String", &[of_keys, of_names, swapped])])));
    let rights: Vec<f64> = judge.rows.iter().map(|row| row.right / MIB as f64).collect();
    assert_eq!(rights[1..3], [1.0, 1.0]);
    // The wrong chain counts for the population with its root.
    assert_eq!(judge.rows[2].seen, 2.0 * MIB as f64);
    assert!((judge.totals().right - 66.7).abs() < 0.1);
}

#[test]
fn bytes_beyond_the_truth_belong_to_another_population() {
    let mut big = chain(&[Some("Arc<Session>")], "static", "SHOP");
    big["bytes"] = (3 * MIB).into();
    big["bytes_stderr"] = (MIB as f64 / 4.0).into();
    let totals = judge(json!([of_type("String", &[big.clone()])]));
    assert!((totals.right - 66.7).abs() < 0.1, "{totals:?}");
    big["bytes_stderr"] = (MIB as f64).into();
    assert_eq!(judge(json!([of_type("String", &[big])])).right, 100.0);
}

#[test]
fn what_has_no_chain_is_not_right() {
    let good = chain(&[Some("Arc<Session>")], "static", "SHOP");
    let mut held = of_type("Vec<Line>", &[good]);
    held["bytes"] = (4 * MIB).into();
    held["unknown_bytes"] = MIB.into();
    held["omitted_chains"] = 3.into();
    held["unreachable"] = json!({ "bytes": MIB, "samples": 3, "scans": 3 });
    let totals = judge(json!([held]));
    assert_eq!((totals.right, totals.direct, totals.falsely_unreachable), (25.0, 25.0, 3));
}

#[test]
fn leaks_are_found_if_they_are_unreachable() {
    let chain = chain(&[], "stack", "main");
    let mut cycle = of_type("Arc<Node>", &[chain]);
    cycle["bytes"] = (4 * MIB).into();
    cycle["unreachable"] = json!({ "bytes": 3 * MIB, "samples": 6, "scans": 3, "cycle": ["Arc<Node>"] });
    let totals = judge(json!([cycle.clone()]));
    assert_eq!((totals.leaks_found, totals.without_cycle, totals.falsely_unreachable), (75.0, 0, 0));
    cycle["unreachable"]["cycle"] = json!([]);
    assert_eq!(judge(json!([cycle])).without_cycle, 1);
}

#[test]
fn stale_memory_is_doubtful_or_unreachable() {
    let doubtful = |doubtful: bool| {
        let mut chain = chain(&[None], "static", "STALE");
        chain["doubtful"] = doubtful.into();
        chain
    };
    let mut stale = of_type("Box<Stale>", &[doubtful(true), doubtful(false)]);
    stale["bytes"] = (4 * MIB).into();
    stale["unreachable"] = json!({ "bytes": 2 * MIB, "samples": 4, "scans": 3 });
    assert_eq!(judge(json!([stale])).stale, 75.0);
}

#[test]
fn a_large_population_must_be_in_the_report() {
    let mut judge = Judge::new(&POPULATIONS, |at| if at == 0 { MUST_BE_SEEN } else { MIB });
    judge.add(&[]);
    let totals = judge.totals();
    assert_eq!((totals.missing, totals.right), (1, 0.0));
    assert_eq!(totals.held_bytes, MUST_BE_SEEN as f64);
    let table = judge.to_string();
    assert!(table.contains("not in the report"), "{table}");
}

#[test]
fn the_table_shows_what_was_wrong() {
    let wrong = chain(&[Some("Vec<u8>"), None], "static", "SHOP");
    let good = chain(&[Some("Arc<Session>")], "static", "SHOP");
    let strange = json!({ "type_name": "Strange", "bytes": 9 * MIB });
    let mut judge = Judge::new(&POPULATIONS, |_| 2 * MIB);
    judge.add(&types(json!([of_type("Vec<Line>", &[wrong, good]), strange])));
    let table = judge.to_string();
    assert!(table.contains(" 50.0 %  ← Vec<u8> ← [64 bytes] ← Static SHOP"), "{table}");
    assert!(table.contains("no population: 9.0 MiB Strange"), "{table}");
    assert_eq!(judge.counts(), (0, 1));
}
