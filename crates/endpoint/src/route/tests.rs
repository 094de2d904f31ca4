use super::*;
use crate::request::Query;

/// Reads a query for a row, as the endpoint does.
fn read_row(operation: &Operation, query: &str) -> Result<ReadHead, Problem> {
    let mut query = Query::parse(operation.parameters, Some(query), 1000, 1000);
    let format = query.format(operation.formats);
    query.flag("force");
    let fleet = |_| Err(Problem::no_siblings());
    let mut asking = Asking {
        query,
        format,
        id: PathId::None,
        knows_types: false,
        max_rows: 1000,
        monitor: None,
        tracer: None,
        fleet: &fleet,
    };
    let page = match operation.read {
        Read::Head(read) | Read::HeadOrForm(read, _) => read(&mut asking).map(|page| format!("{page:?}")),
        Read::Body(_) | Read::BodyOrForm(..) => Ok(String::new()),
    };
    asking.query.finish()?;
    Ok((format, page?))
}

/// The format that the query names, and the page request in debug form.
type ReadHead = (Option<Format>, String);

fn read(method: &str, path: &str, query: &str) -> Result<ReadHead, Problem> {
    match Operation::find(method, path) {
        Found::Operation(operation, _) => read_row(operation, query),
        other => panic!("{other:?}"),
    }
}

/// The row of a page: its method and path.
fn found(method: &str, rest: &str) -> Option<(&'static str, &'static str)> {
    match Operation::find(method, rest) {
        Found::Operation(operation, _) => Some((operation.method, operation.path)),
        _ => None,
    }
}

#[test]
fn s20_paths_are_matched_exactly() {
    for path in ["", "/stats", "/instance", "/types", "/doctor", "/monitor", "/monitor/tasks", "/trace"] {
        assert_eq!(found("GET", path), Some(("GET", path)));
        assert_eq!(found("HEAD", path), Some(("GET", path)));
    }
    let id = "000102030405060708090a0b0c0d0e0f";
    for method in ["GET", "DELETE"] {
        assert_eq!(found(method, &format!("/snapshots/{id}")), Some((method, "/snapshots/{id}")));
    }
    for rest in ["/", "//stats", "/stats/", "/Stats", "/st%61ts", "/./stats", "/types;x", "/heaps", "stats"] {
        assert!(matches!(Operation::find("GET", rest), Found::Nothing), "{rest}");
    }
    for id in ["", "{id}", "../x", &id[1..], &id.to_uppercase(), &format!("{id}0"), &format!("{id}/")] {
        assert!(matches!(Operation::find("GET", &format!("/snapshots/{id}")), Found::Nothing), "{id}");
    }
}

#[cfg(feature = "html")]
#[test]
fn s20_an_id_in_the_middle_of_a_path_is_matched_exactly() {
    let id = "000102030405060708090a0b0c0d0e0f";
    let found = |rest: &str| match Operation::find("POST", rest) {
        Found::Operation(operation, found) => Some((operation.path, found)),
        _ => None,
    };
    let path = format!("/snapshots/{id}/delete");
    assert_eq!(found(&path), Some(("/snapshots/{id}/delete", PathId::Snapshot(id.parse().unwrap()))));
    for rest in [
        "/snapshots/delete".to_owned(),
        "/snapshots//delete".to_owned(),
        format!("/snapshots/{id}0/delete"),
        format!("/snapshots/{}/delete", id.to_uppercase()),
        format!("/snapshots/{id}/delete/"),
        format!("/snapshots/{id}//delete"),
        format!("/snapshots/{id}/Delete"),
        format!("/snapshots/{id}delete"),
    ] {
        assert_eq!(found(&rest), None, "{rest}");
    }
}

#[test]
fn s23_changes_need_other_methods_than_get_and_a_405_lists_the_methods() {
    for (method, rest, allowed) in [
        ("POST", "", "GET, HEAD"),
        ("get", "/types", "GET, HEAD"),
        ("PUT", "/snapshots", "GET, HEAD, POST"),
        ("DELETE", "/trace", "GET, HEAD, POST"),
        ("POST", "/snapshots/000102030405060708090a0b0c0d0e0f", "GET, HEAD, DELETE"),
        (
            "DELETE",
            "/profiling",
            if cfg!(feature = "html") { "GET, HEAD, PUT, POST" } else { "GET, HEAD, PUT" },
        ),
    ] {
        let Found::Methods(methods) = Operation::find(method, rest) else { panic!("{method} {rest}") };
        assert_eq!(methods, allowed);
    }
    for operation in OPERATIONS.iter().chain(OF_BROWSERS).filter(|operation| operation.method != "GET") {
        assert_eq!(operation.role(false, Role::Read), Role::Profile, "{operation:?}");
    }
}

#[test]
fn s24_every_page_reads_the_parameters_of_its_row() {
    for operation in OPERATIONS.iter().chain(ALIASES) {
        // In Go, `gc` runs the garbage collector. Here it has no effect, whatever its value.
        for parameter in operation.parameters.iter().filter(|parameter| **parameter != "gc") {
            // No parameter takes a control character.
            let text = format!("{parameter}=%01");
            match read_row(operation, &text) {
                Err(Problem::InvalidParameter { name, .. }) => assert_eq!(name, *parameter),
                other => panic!("{operation:?} {parameter}: {other:?}"),
            }
        }
    }
}

#[test]
fn every_value_of_a_parameter_is_read() {
    let page = |method, path, query| read(method, path, query).unwrap().1;
    let format = |query| read("GET", "/heap", query).unwrap().0;
    let detail = |query| page("GET", "/stats", query);
    assert_eq!(
        detail("detail=bins,arenas"),
        "Detail { parts: DetailParts { arenas: true, size_classes: true, arena_bins: false } }"
    );
    assert_eq!(
        detail("detail=bins,arena_bins"),
        "Detail { parts: DetailParts { arenas: false, size_classes: true, arena_bins: true } }"
    );
    for query in ["detail=", "detail=arenas,"] {
        assert!(read("GET", "/stats", query).is_err(), "{query}");
    }
    assert_eq!(
        page("GET", "/heap", "symbols=none&format=collapsed&top=3"),
        "Heap { options: ProfileOptions { symbols: None, top: 3, prefers_allocated: false }, span: None }"
    );
    assert_eq!(format("symbols=none&format=collapsed&top=3"), Some(Format::Collapsed));
    assert!(
        page("GET", "/heap", "symbols=functions&debug=1")
            .starts_with("Heap { options: ProfileOptions { symbols: Functions,")
    );
    assert_eq!(format("debug=1"), Some(Format::Text));
    assert_eq!(format("debug=0"), None);
    let growth = read("GET", "/heap", "debug=0&seconds=60&format=text").unwrap_err();
    assert!(matches!(growth, Problem::InvalidParameter { name, .. } if name == "debug"));
    assert!(page("GET", "/heap", "seconds=60&debug=0").ends_with("span: Some(60s) }"));
    assert_eq!(format("seconds=60&debug=0"), None);
    assert!(page("GET", "/heap", "seconds=01&format=text").ends_with("span: Some(1s) }"));
    assert_eq!(
        page("GET", "/heap/flamegraph", "by=type&count=objects&base=last"),
        "Flamegraph { source: TreeSource { leaf: Type, selection: Selection { group: Container, focus: None, ignore: \
         None, depth: TracebackDepth(8) }, base: Some(Last), row: None }, count: Objects, view: Graph }"
    );
    let tree = page("GET", "/heap/tree", "by=type&focus=read&nodes=20000");
    assert!(tree.contains("leaf: Type") && tree.contains("focus: Some(\"read\")"), "{tree}");
    assert!(
        tree.ends_with("nodes: 20000 }") && page("GET", "/heap/tree", "").ends_with("nodes: 8192 }"),
        "{tree}"
    );
    assert_eq!(page("GET", "/monitor", "top=3"), "Monitor { monitor: None, top: 3 }");
    assert_eq!(page("GET", "/monitor/tasks", ""), "Tasks { monitor: None, top: 50 }");
    assert_eq!(
        page("GET", "/trace", "top=3&events=allocated"),
        "Trace { tracer: None, top: 3, event: Some(Allocated), knows_names: false }"
    );
    assert_eq!(page("POST", "/snapshots", "label=a+b"), "TakeSnapshot { label: Some(\"a b\") }");
    let diff = page("GET", "/diff", "base=first&target=last&growth=true");
    assert!(diff.starts_with("Diff { base: First, target: Snapshot(Last), growth: true, top: "), "{diff}");
}

#[test]
fn s24_an_invalid_value_is_refused_with_the_valid_ones() {
    let too_long = format!("label={}", "x".repeat(129));
    for (method, path, query, expected) in [
        (
            "GET",
            "/heap",
            "format=svg",
            "`format` must be `pprof`, `text`, `json`, `collapsed`, `raw`, `heapprofile`, `heapsnapshot`, \
             `heaptimeline`, `speedscope` or `callgrind`",
        ),
        ("GET", "/heap", "debug=2", "`debug` must be `0` or `1`"),
        ("GET", "/heap", "debug=1&format=json", "`debug` cannot be combined with `format`"),
        ("GET", "/heap", "seconds=0", "`seconds` must be a number from 1 to 60"),
        ("GET", "/heap", "seconds=61", "`seconds` must be a number from 1 to 60"),
        ("GET", "/heap", "seconds=1.5", "`seconds` must be a number from 1 to 60"),
        ("GET", "/heap", "seconds=1&debug=1", "`seconds` cannot be combined with `debug=1`"),
        ("GET", "/heap", "debug=1&seconds=1", "`seconds` cannot be combined with `debug=1`"),
        (
            "GET",
            "/heap",
            "seconds=1&format=collapsed",
            "`seconds` needs the format `pprof`, `text` or `json`",
        ),
        (
            "GET",
            "/heap",
            "format=callgrind&seconds=1",
            "`seconds` needs the format `pprof`, `text` or `json`",
        ),
        ("GET", "/heap", "format=raw&seconds=1", "`seconds` needs the format `pprof`, `text` or `json`"),
        ("GET", "/heap", "gc=1", "`gc` is not a parameter of this page"),
        ("GET", "/types", "seconds=1", "`seconds` is not a parameter of this page"),
        ("GET", "/heap", "format=json&debug=1", "`debug` cannot be combined with `format`"),
        ("GET", "/heap", "symbols=all", "`symbols` must be `inline`, `functions` or `none`"),
        ("GET", "/heap/flamegraph", "format=text", "`format` must be `svg`"),
        ("GET", "/heap/flamegraph", "view=list", "`view` must be `graph` or `tree`"),
        ("GET", "/heap/tree", "format=text", "`format` must be `json`"),
        ("GET", "/heap/tree", "nodes=999", "`nodes` must be a number from 1000 to 20000"),
        ("GET", "/heap/tree", "nodes=20001", "`nodes` must be a number from 1000 to 20000"),
        ("GET", "/heap/tree", "nodes=+5000", "`nodes` must be a number from 1000 to 20000"),
        ("GET", "/heap/tree", "base=0", "`base` must be the id of a snapshot"),
        ("GET", "/heap/flamegraph", "by=line", "`by` must be `function` or `type`"),
        ("GET", "/trace", "format=svg", "`format` must be `text`, `json`"),
        ("GET", "/trace", "format=heapsnapshot", "`speedscope`, `collapsed` or `pprof`"),
        (
            "GET",
            "/trace",
            "format=cpuprofile&events=total",
            "`events` must be `busy` with the format `cpuprofile`",
        ),
        ("GET", "/trace", "events=calls", "`events` must be `total`, `busy` or `allocated`"),
        ("GET", "/diff", "base=now", "`base` must be the id of a snapshot"),
        ("GET", "/diff", "target=0", "`target` must be the id of a snapshot"),
        ("POST", "/snapshots", &too_long, "`label` must have at most 128 bytes"),
        ("POST", "/snapshots", "label=a%0ab", "`label` must not contain control characters"),
    ] {
        let problem = read(method, path, query).unwrap_err();
        let shown = problem.render(Format::Text);
        assert!(shown.contains(expected), "{query}: {shown}");
    }
}
