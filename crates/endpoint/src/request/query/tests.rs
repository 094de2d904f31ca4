use proptest::prelude::*;

use memory_debug_core::Page;

use super::*;
use crate::route::{Found, Operation};

/// What has the parameters of a page.
fn of(page: Page) -> &'static Operation {
    let path = match page {
        Page::Overview => "",
        Page::Stats => "/stats",
        Page::Types => "/types",
        Page::Doctor => "/doctor",
    };
    match Operation::find("GET", path) {
        Found::Operation(operation, _) => operation,
        other => panic!("{other:?}"),
    }
}

fn types(query: &str) -> Result<Query, Problem> {
    Query::parse(of(Page::Types), Some(query), 1000)
}

/// The parameter that the refusal names.
fn refused(page: Page, query: &str) -> String {
    match Query::parse(of(page), Some(query), 1000) {
        Err(Problem::InvalidParameter { name, .. }) => name,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn no_query_means_defaults() {
    for query in [None, Some("")] {
        let query = Query::parse(of(Page::Types), query, 1000).unwrap();
        assert_eq!(query.format, None);
        assert_eq!(query.types, TypesView::default());
    }
}

#[test]
fn all_parameters_in_any_order() {
    for query in ["top=7&sort=count&filter=Vec&format=json", "format=json&filter=Vec&sort=count&top=7"] {
        let Query { format, types, .. } = types(query).unwrap();
        assert_eq!(format, Some(Format::Json));
        assert_eq!((types.top, types.sort, types.filter.as_deref()), (7, Sort::Count, Some("Vec")));
    }
}

#[test]
fn every_value_of_a_parameter_is_itself() {
    for (query, sort) in [("sort=bytes", Sort::Bytes), ("sort=count", Sort::Count), ("sort=name", Sort::Name)]
    {
        assert_eq!(types(&format!("{query}&top=3")).unwrap().types.sort, sort);
    }
    for group in Group::ALL {
        assert_eq!(types(&format!("group={}", group.as_str())).unwrap().selection.group, group);
    }
    let depth = |query| types(query).map(|query| query.selection.depth.frames());
    assert_eq!(
        (depth("group=traceback").unwrap(), depth("depth=1").unwrap(), depth("depth=32").unwrap()),
        (8, 1, 32)
    );
    assert!(depth("depth=0").is_err() && depth("depth=33").is_err() && depth("depth=+1").is_err());
    let detail = |query| Query::parse(of(Page::Stats), Some(query), 1000).map(|query| query.detail);
    assert_eq!(detail("detail=bins,arenas").unwrap(), DetailParts { arenas: true, size_classes: true });
    assert_eq!(detail("detail=bins").unwrap(), DetailParts { arenas: false, size_classes: true });
    assert!(detail("detail=").is_err() && detail("detail=arenas,").is_err());
    let selection = types("focus=a&ignore=b").unwrap().selection;
    assert_eq!((selection.focus.as_deref(), selection.ignore.as_deref()), (Some("a"), Some("b")));
    let of = |method, path, query| match Operation::find(method, path) {
        Found::Operation(operation, _) => Query::parse(operation, Some(query), 1000),
        other => panic!("{other:?}"),
    };
    let heap = of("GET", "/heap", "symbols=none&format=collapsed&top=3").unwrap();
    assert_eq!((heap.symbols, heap.format, heap.types.top), (PprofSymbols::None, Some(Format::Collapsed), 3));
    assert_eq!(of("GET", "/heap", "symbols=functions&debug=1").unwrap().symbols, PprofSymbols::Functions);
    assert_eq!(of("GET", "/heap", "debug=1").unwrap().format, Some(Format::Text));
    let growth = of("GET", "/heap", "debug=0&seconds=60&format=text").unwrap_err();
    assert!(matches!(growth, Problem::InvalidParameter { name, .. } if name == "debug"));
    let growth = of("GET", "/heap", "seconds=60&debug=0").unwrap();
    assert_eq!((growth.span, growth.format), (Some(Duration::from_secs(60)), None));
    assert_eq!(of("GET", "/heap", "seconds=01&format=text").unwrap().span, Some(Duration::from_secs(1)));
    assert_eq!(of("GET", "/heap", "debug=0").unwrap().format, None);
    let graph = of("GET", "/heap/flamegraph", "by=type&count=objects&base=last").unwrap();
    assert_eq!((graph.leaf, graph.count, graph.base), (Leaf::Type, Count::Objects, Some(Base::Last)));
    assert_eq!(of("POST", "/snapshots", "label=a+b").unwrap().label.as_deref(), Some("a b"));
    let diff = of("GET", "/diff", "base=first&target=last&growth=true").unwrap();
    assert_eq!((diff.base, diff.target, diff.growth), (Some(Base::First), Target::Kept(Base::Last), true));
}

#[test]
fn s24_what_is_not_a_value_of_a_parameter_is_refused_with_those_that_are() {
    for (method, path, query, told) in [
        ("GET", "/heap", "format=svg", "`format` has to be `pprof`, `text`, `json`, `collapsed` or `raw`"),
        ("GET", "/heap", "debug=2", "`debug` has to be `0` or `1`"),
        ("GET", "/heap", "debug=1&format=json", "`debug` is another word for `format`"),
        ("GET", "/heap", "seconds=0", "`seconds` has to be a number from 1 to 60"),
        ("GET", "/heap", "seconds=61", "`seconds` has to be a number from 1 to 60"),
        ("GET", "/heap", "seconds=1.5", "`seconds` has to be a number from 1 to 60"),
        ("GET", "/heap", "seconds=1&debug=1", "`seconds` does not go with `debug=1`"),
        ("GET", "/heap", "debug=1&seconds=1", "`seconds` does not go with `debug=1`"),
        (
            "GET",
            "/heap",
            "seconds=1&format=collapsed",
            "`seconds` goes with the formats `pprof`, `text` and `json`",
        ),
        (
            "GET",
            "/heap",
            "format=raw&seconds=1",
            "`seconds` goes with the formats `pprof`, `text` and `json`",
        ),
        ("GET", "/heap", "gc=1", "`gc` is not a parameter of this page"),
        ("GET", "/types", "seconds=1", "`seconds` is not a parameter of this page"),
        ("GET", "/heap", "format=json&debug=1", "`debug` is another word for `format`"),
        ("GET", "/heap", "symbols=all", "`symbols` has to be `inline`, `functions` or `none`"),
        ("GET", "/heap/flamegraph", "format=text", "`format` has to be `svg`"),
        ("GET", "/heap/flamegraph", "by=line", "`by` has to be `function` or `type`"),
        ("GET", "/diff", "base=now", "`base` has to be the id of a snapshot"),
        ("GET", "/diff", "target=0", "`target` has to be the id of a snapshot"),
        ("POST", "/snapshots", "label=", "`label` has to have 1 to 128 bytes"),
        ("POST", "/snapshots", "label=a%0ab", "`label` has a control character"),
    ] {
        let Found::Operation(operation, _) = Operation::find(method, path) else { panic!("{path}") };
        let problem = Query::parse(operation, Some(query), 1000).unwrap_err();
        let shown = problem.render(Format::Text);
        assert!(shown.contains(told), "{query}: {shown}");
    }
}

#[test]
fn every_page_can_be_forced() {
    for page in [Page::Overview, Page::Stats, Page::Types, Page::Doctor] {
        for (query, expected) in [("force=true", true), ("force=false", false), ("", false)] {
            assert_eq!(Query::parse(of(page), Some(query), 1000).unwrap().force, expected);
        }
        for query in ["force", "force=", "force=1", "force=True", "force=true&force=true"] {
            assert_eq!(refused(page, query), "force");
        }
    }
}

#[test]
fn filters_are_decoded_like_forms() {
    for (query, expected) in [
        ("filter=dyn+Fn()%20%2B%20Send", "dyn Fn() + Send"),
        ("filter=HashMap%3cString%2C+Session%3E", "HashMap<String, Session>"),
        ("filter=a=b", "a=b"),
        ("filter=%C3%A9%26", "é&"),
    ] {
        assert_eq!(types(query).unwrap().types.filter.as_deref(), Some(expected), "{query}");
    }
}

#[test]
fn s24_unknown_parameters_are_refused_by_name() {
    assert_eq!(refused(Page::Types, "tpo=5"), "tpo");
    assert_eq!(refused(Page::Types, "top=5&&sort=name"), "");
    assert_eq!(refused(Page::Types, "TOP=5"), "TOP");
    assert_eq!(refused(Page::Types, "t%6fp=5"), "t%6fp");
    assert_eq!(refused(Page::Types, "&"), "");
    assert_eq!(refused(Page::Stats, "top=5"), "top");
    assert_eq!(refused(Page::Overview, "sort=name"), "sort");
    assert_eq!(refused(Page::Doctor, "top=5"), "top");
}

#[test]
fn s24_repeated_parameters_are_refused_by_name() {
    assert_eq!(refused(Page::Types, "top=5&top=5"), "top");
    assert_eq!(refused(Page::Types, "format=json&filter=x&format=text"), "format");
}

#[test]
fn s24_values_out_of_range_are_refused_by_name() {
    for value in [
        "",
        "0",
        "1001",
        "-1",
        "+5",
        "%2B5",
        "5.0",
        "0x5",
        "５",
        " 5",
        "5+",
        "99999999999999999999999",
        "%35%",
    ] {
        assert_eq!(refused(Page::Types, &format!("top={value}")), "top", "{value}");
    }
    assert_eq!(types("top=1").unwrap().types.top, 1);
    assert_eq!(types("top=1000").unwrap().types.top, 1000);
    for query in ["sort=", "sort", "sort=Bytes", "sort=size"] {
        assert_eq!(refused(Page::Types, query), "sort", "{query}");
    }
    for query in ["format=", "format", "format=xml", "format=JSON", "format=html"] {
        assert_eq!(refused(Page::Overview, query), "format", "{query}");
    }
}

#[test]
fn s24_the_configured_number_of_rows_is_the_limit() {
    assert_eq!(Query::parse(of(Page::Types), None, 10).unwrap().types.top, 10);
    assert!(Query::parse(of(Page::Types), Some("top=10"), 10).is_ok());
    assert!(Query::parse(of(Page::Types), Some("top=11"), 10).is_err());
}

#[test]
fn s24_filters_are_short_and_printable() {
    assert!(types(&format!("filter={}", "x".repeat(128))).is_ok());
    assert!(types(&format!("filter={}", "%78".repeat(128))).is_ok());
    for value in [
        "",
        &"x".repeat(129),
        &"%C3%A9".repeat(65),
        "%00",
        "%0A",
        "%1b%5B31m",
        "%",
        "%4",
        "%zz",
        "%FF",
        "%C3",
    ] {
        assert_eq!(refused(Page::Types, &format!("filter={value}")), "filter", "{value}");
    }
}

#[test]
fn s24_overlong_queries_are_refused() {
    assert_eq!(refused(Page::Types, &"x".repeat(MAX_QUERY_BYTES + 1)), "query");
    let longest = refused(Page::Types, &"x".repeat(MAX_QUERY_BYTES));
    assert_ne!(longest, "query", "refused for its name only");
}

#[test]
fn names_are_shown_short_and_escaped() {
    let name = refused(Page::Types, &format!("\u{1b}[31m\u{202e}{}=1", "x".repeat(1000)));
    assert!(name.is_ascii() && !name.contains('\u{1b}'), "{name}");
    assert!(name.len() < 100, "{name}");
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #[test]
    fn s24_no_query_panics(query: String, page in prop_oneof![Just(Page::Types), Just(Page::Stats)]) {
        let _ = Query::parse(of(page), Some(&query), 1000);
    }

    #[test]
    fn s24_no_value_panics(query in "(filter|top|sort|format)=[%+&=0-9a-fé]{0,40}") {
        let _ = types(&query);
    }

    #[test]
    fn s24_every_printable_filter_arrives_as_it_was_sent(filter in "\\PC{1,32}") {
        let parsed = types(&format!("filter={}", encode(&filter))).unwrap();
        prop_assert_eq!(parsed.types.filter, Some(filter));
    }

    #[test]
    fn s24_top_is_accepted_exactly_within_its_range(top: u16) {
        prop_assert_eq!(types(&format!("top={top}")).is_ok(), (1..=1000).contains(&top));
    }
}
