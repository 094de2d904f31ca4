//! The flame graph for browsers, and the call tree.

use super::*;

const FLAME_GRAPH: &str = "/debug/memory/heap/flamegraph";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
const READER: &str = "Basic Z3JhZmFuYTo5dktxM3gtUHpMN19tVDJ3UmI0eQ==";

#[test]
fn the_frame_of_the_flame_graph_needs_no_collection() {
    let fixture = Fixture::new();
    for query in ["", "?base=first", "?view=graph&by=type"] {
        let reply = fixture.get_accepting(&format!("{FLAME_GRAPH}{query}"), BROWSER);
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("text/html; charset=utf-8")));
        let page = text(&reply);
        assert!(
            page.contains("data-tree=\"../heap/tree?by=type&amp;format=json") && page.ends_with("</html>"),
            "{page}"
        );
        assert_eq!(page.contains("base=first"), query == "?base=first", "{page}");
    }
    let login = [("authorization", RIGHT), ("accept", BROWSER)];
    let get = fixture.send("GET", FLAME_GRAPH, &login);
    let head = fixture.send("HEAD", FLAME_GRAPH, &login);
    assert_eq!((head.status, head.headers, head.body.len()), (200, get.headers, 0));
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s33_only_the_flame_graph_may_run_its_script() {
    let fixture = Fixture::new();
    let policy = |path: &str| {
        let reply = fixture.get_accepting(path, BROWSER);
        header(&reply, "content-security-policy").unwrap().to_owned()
    };
    let scripts = |path: &str| policy(path).matches("'sha256-").count();
    assert_eq!(scripts(FLAME_GRAPH), 2);
    for path in
        REPORT_PAGES.into_iter().chain(["/debug/memory/heap/flamegraph?view=tree", "/debug/memory/<b>"])
    {
        assert_eq!(scripts(path), 1, "{path}");
    }
    let page = text(&fixture.get_accepting(FLAME_GRAPH, BROWSER)).to_owned();
    let hashes: Vec<_> =
        page.split("integrity=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    assert_eq!(hashes.len(), 2);
    for hash in hashes {
        assert!(policy(FLAME_GRAPH).contains(&format!("'{hash}'")), "{hash}");
    }
}

#[test]
fn a_client_without_a_preference_gets_no_page() {
    let fixture = Fixture::new();
    for accept in ["*/*", "image/svg+xml", "image/*"] {
        // This fixture has no heap profile to draw.
        let reply = fixture.get_accepting(FLAME_GRAPH, accept);
        assert!(reply.status >= 500 && !text(&reply).contains("<html"), "{accept}: {}", text(&reply));
    }
    for accept in ["*/*", "application/json", BROWSER] {
        let reply = fixture.get_accepting("/debug/memory/heap/tree", accept);
        assert_eq!(reply.status, 501, "{accept}: {}", text(&reply));
    }
    assert_eq!(fixture.get_accepting("/debug/memory/heap/tree", "text/html").status, 406);
}

#[test]
fn s15_the_flame_graph_needs_the_password_and_the_role() {
    let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
    let credentials = Credentials::new("ops", PASSWORD).unwrap().and(reader).unwrap();
    let recorder = Recorder::default();
    let endpoint = Endpoint::new(credentials).collect_with(recorder.clone());
    let fixture = Fixture { endpoint, recorder };
    for path in [FLAME_GRAPH, "/debug/memory/heap/flamegraph?view=tree", "/debug/memory/heap/tree"] {
        for (login, expected) in [(WRONG, 401), (READER, 403)] {
            let reply = fixture.send("GET", path, &[("authorization", login), ("accept", BROWSER)]);
            assert_eq!(reply.status, expected, "{path}");
        }
    }
    assert_eq!(fixture.collections(), 0);
    let links = |login| {
        let login = [("authorization", login), ("accept", BROWSER)];
        text(&fixture.send("GET", "/debug/memory", &login)).contains("heap/flamegraph")
    };
    assert!(links(RIGHT) && !links(READER));
}
