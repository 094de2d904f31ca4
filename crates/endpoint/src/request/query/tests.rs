use proptest::prelude::*;

use super::*;

const TABLE: &[&str] = &["format", "force", "top", "sort", "filter", "group", "depth", "focus", "ignore"];
const STATS: &[&str] = &["format", "force", "detail"];
const OVERVIEW: &[&str] = &["format", "force", "top"];
const DOCTOR: &[&str] = &["format", "force"];

/// The parameters that a page reads from a query.
#[derive(Debug)]
struct Parsed {
    format: Option<Format>,
    force: bool,
    types: TypesView,
    selection: Selection,
}

fn parse(parameters: &[&'static str], query: Option<&str>, max_rows: usize) -> Result<Parsed, Problem> {
    let mut query = Query::parse(parameters, query, max_rows, max_rows);
    let format = query.format(Format::PAGE);
    let force = query.flag("force");
    let types = query.table();
    let selection = query.selection();
    query.finish().map(|()| Parsed { format, force, types, selection })
}

fn types(query: &str) -> Result<Parsed, Problem> {
    parse(TABLE, Some(query), 1000)
}

/// The parameter that is refused.
fn refused(parameters: &[&'static str], query: &str) -> String {
    match parse(parameters, Some(query), 1000) {
        Err(Problem::InvalidParameter { name, .. }) => name,
        other => panic!("{query}: {other:?}"),
    }
}

#[test]
fn no_query_means_defaults() {
    for query in [None, Some("")] {
        let query = parse(TABLE, query, 1000).unwrap();
        assert_eq!(query.format, None);
        assert_eq!(query.types, TypesView::default());
    }
}

#[test]
fn parameters_may_come_in_any_order() {
    for query in ["top=7&sort=count&filter=Vec&format=json", "format=json&filter=Vec&sort=count&top=7"] {
        let Parsed { format, types, .. } = types(query).unwrap();
        assert_eq!(format, Some(Format::Json));
        assert_eq!((types.top, types.sort, types.filter.as_deref()), (7, Sort::Count, Some("Vec")));
    }
}

#[test]
fn every_name_of_a_table_parameter_has_its_value() {
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
    let selection = types("focus=a&ignore=b").unwrap().selection;
    assert_eq!((selection.focus.as_deref(), selection.ignore.as_deref()), (Some("a"), Some("b")));
}

#[test]
fn s24_the_first_wrong_parameter_is_named_whatever_the_order_of_reading() {
    for (query, name) in [
        ("sort=x&top=0", "sort"),
        ("top=0&sort=x", "top"),
        ("depth=0&tpo=1&sort=x", "depth"),
        ("tpo=1&sort=x", "tpo"),
        ("top=1&sort=x&top=1", "sort"),
        ("top=1&top=1&sort=x", "top"),
        ("filter=%zz&sort=x", "filter"),
        ("sort=x&filter=%zz", "sort"),
    ] {
        assert_eq!(refused(TABLE, query), name, "{query}");
    }
}

#[test]
fn every_page_can_be_forced() {
    for page in [OVERVIEW, STATS, TABLE, DOCTOR] {
        for (query, expected) in [("force=true", true), ("force=false", false), ("", false)] {
            assert_eq!(parse(page, Some(query), 1000).unwrap().force, expected);
        }
        for query in ["force", "force=", "force=1", "force=True", "force=true&force=true"] {
            assert_eq!(refused(page, query), "force");
        }
    }
}

#[test]
fn filters_are_decoded_like_html_forms() {
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
    assert_eq!(refused(TABLE, "tpo=5"), "tpo");
    assert_eq!(refused(TABLE, "top=5&&sort=name"), "");
    assert_eq!(refused(TABLE, "TOP=5"), "TOP");
    assert_eq!(refused(TABLE, "t%6fp=5"), "t%6fp");
    assert_eq!(refused(TABLE, "&"), "");
    assert_eq!(refused(STATS, "top=5"), "top");
    assert_eq!(refused(OVERVIEW, "sort=name"), "sort");
    assert_eq!(refused(DOCTOR, "top=5"), "top");
}

#[test]
fn s24_repeated_parameters_are_refused_by_name() {
    assert_eq!(refused(TABLE, "top=5&top=5"), "top");
    assert_eq!(refused(TABLE, "format=json&filter=x&format=text"), "format");
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
        assert_eq!(refused(TABLE, &format!("top={value}")), "top", "{value}");
    }
    assert_eq!(types("top=1").unwrap().types.top, 1);
    assert_eq!(types("top=1000").unwrap().types.top, 1000);
    for query in ["sort=", "sort", "sort=Bytes", "sort=size"] {
        assert_eq!(refused(TABLE, query), "sort", "{query}");
    }
    for query in ["format=", "format", "format=xml", "format=JSON", "format=svg"] {
        assert_eq!(refused(OVERVIEW, query), "format", "{query}");
    }
}

#[test]
fn s24_the_configured_number_of_rows_is_the_limit() {
    assert_eq!(parse(TABLE, None, 10).unwrap().types.top, 10);
    assert!(parse(TABLE, Some("top=10"), 10).is_ok());
    assert!(parse(TABLE, Some("top=11"), 10).is_err());
}

#[test]
fn s24_filters_are_short_and_printable() {
    assert!(types(&format!("filter={}", "x".repeat(128))).is_ok());
    assert!(types(&format!("filter={}", "%78".repeat(128))).is_ok());
    assert_eq!(types("filter=").unwrap().types.filter, None, "browsers send empty fields");
    for value in
        [&"x".repeat(129), &"%C3%A9".repeat(65), "%00", "%0A", "%1b%5B31m", "%", "%4", "%zz", "%FF", "%C3"]
    {
        assert_eq!(refused(TABLE, &format!("filter={value}")), "filter", "{value}");
    }
}

#[test]
fn s24_overlong_queries_are_refused() {
    assert_eq!(refused(TABLE, &"x".repeat(MAX_QUERY_BYTES + 1)), "query");
    let longest = refused(TABLE, &"x".repeat(MAX_QUERY_BYTES));
    assert_ne!(longest, "query", "it is refused only for its name");
}

#[test]
fn names_are_shown_short_and_escaped() {
    let name = refused(TABLE, &format!("\u{1b}[31m\u{202e}{}=1", "x".repeat(1000)));
    assert!(name.is_ascii() && !name.contains('\u{1b}'), "{name}");
    assert!(name.len() < 100, "{name}");
}

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

proptest! {
    #[test]
    fn s24_no_query_panics(query: String, page in prop_oneof![Just(TABLE), Just(STATS)]) {
        let _ = parse(page, Some(&query), 1000);
    }

    #[test]
    fn s24_no_value_panics(query in "(filter|top|sort|format)=[%+&=0-9a-fé]{0,40}") {
        let _ = types(&query);
    }

    #[test]
    fn s24_every_printable_filter_arrives_unchanged(filter in "\\PC{1,32}") {
        let parsed = types(&format!("filter={}", encode(&filter))).unwrap();
        prop_assert_eq!(parsed.types.filter, Some(filter));
    }

    #[test]
    fn s24_top_is_accepted_exactly_within_its_range(top: u16) {
        prop_assert_eq!(types(&format!("top={top}")).is_ok(), (1..=1000).contains(&top));
    }
}
