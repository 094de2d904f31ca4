//! Pages for browsers.

use super::*;

pub(super) const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// The path of the style sheet that a page names.
fn style_sheet(page: &Reply) -> String {
    let text = text(page);
    let (_, rest) = text.split_once("href=\"./memory/assets/ui-").unwrap();
    format!("/debug/memory/assets/ui-{}", rest.split('"').next().unwrap())
}

#[test]
fn a_browser_gets_every_page_as_html() {
    let fixture = Fixture::new();
    let others = ["/debug/memory/snapshots", "/debug/memory/profiling"];
    for path in REPORT_PAGES.into_iter().chain(others) {
        let reply = fixture.get_accepting(path, BROWSER);
        if reply.status == 501 {
            // This fixture's collector has no jemalloc.
            assert_eq!(path, "/debug/memory/profiling");
            continue;
        }
        assert_eq!(
            (reply.status, header(&reply, "content-type")),
            (200, Some("text/html; charset=utf-8")),
            "{path}"
        );
        let page = text(&reply);
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>"), "{path}: {page}");
        assert!(page.contains("Login: <bdi>ops, "), "{path}: {page}");
    }
}

#[test]
fn s02_the_style_sheet_needs_the_password_and_no_collection() {
    let fixture = Fixture::new();
    let path = style_sheet(&fixture.get_accepting("/debug/memory", BROWSER));
    let before = fixture.collections();
    let reply = fixture.get(&path);
    assert_eq!((reply.status, header(&reply, "content-type")), (200, Some("text/css; charset=utf-8")));
    assert_eq!(header(&reply, "cache-control"), Some("private, max-age=31536000, immutable"));
    assert!(!reply.body.is_empty());
    let head = fixture.send("HEAD", &path, &[("authorization", RIGHT)]);
    assert_eq!((head.status, head.headers, head.body.len()), (200, reply.headers, 0));
    assert_eq!(fixture.send("GET", &path, &[("authorization", WRONG)]), Reply::unauthorized());
    assert_eq!(fixture.send("POST", &path, &[("authorization", RIGHT)]).status, 404);
    assert_eq!(fixture.get("/debug/memory/assets/ui.css").status, 404);
    assert_eq!(fixture.collections(), before);
}

/// Reports names that try to leave their place on the page.
struct Hostile;

const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=1>&lt;";

impl Collect for Hostile {
    fn collect(&self, _scope: Scope) -> Collected {
        serde_json::from_value::<MemoryReport>(json!({
            "schema": "memory-debug/v1",
            "instance": {
                "id": "00000000-0000-4000-8000-000000000000", "pid": 1, "service": HOSTILE, "host": HOSTILE,
            },
            "collected_at": HOSTILE, "duration_us": 0,
            "unavailable": {"process": HOSTILE, "allocator": HOSTILE, "roots.<b>": "<i>"},
            "types": {"notes": [HOSTILE], "unavailable": HOSTILE, "rows": [
                {"type": HOSTILE, "full_type": HOSTILE, "objects": 1, "bytes": 1, "objects_stderr": 0.0,
                 "bytes_stderr": 0.0, "source": "unattributed"},
            ]},
        }))
        .unwrap()
        .into()
    }
}

#[test]
fn s34_names_from_the_service_are_text_on_every_page() {
    let fixture = Fixture::with(|endpoint| endpoint.collect_with(Hostile));
    for path in REPORT_PAGES {
        let reply = fixture.get_accepting(path, BROWSER);
        let page = text(&reply);
        assert!(page.contains("&lt;script&gt;alert(1)"), "{path}: {page}");
        for forbidden in ["<script>", "<img", "<b>", "<i>", "\"'>"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}: {page}");
        }
    }
}

#[test]
fn an_empty_field_of_a_form_is_no_filter() {
    let fixture = Fixture::new();
    let reply = fixture.get("/debug/memory/types?filter=&top=20");
    assert_eq!(reply, fixture.get("/debug/memory/types?top=20"));
    assert_eq!(reply.status, 200);
}

#[test]
fn s45_a_page_that_does_not_fit_says_how_many_rows_it_has() {
    let fixture = Fixture::with(|endpoint| endpoint.limits(Limits::default().max_body_bytes(8 << 10)));
    let reply = fixture.get_accepting("/debug/memory/types", BROWSER);
    assert_eq!(reply.status, 200);
    assert!(reply.body.len() <= 8 << 10);
    let page = text(&reply);
    assert!(page.contains("truncated: only ") && page.ends_with("</html>"), "{page}");
}

#[test]
fn a_problem_is_a_page_with_the_way_back() {
    let fixture = Fixture::new();
    for (target, status, words) in [
        ("/debug/memory/types?top=x", 400, "400 invalid parameter</strong>"),
        ("/debug/memory/<b>", 404, "404 unknown path</strong>"),
        ("/debug/memory/leaks", 409, "409 too few snapshots</strong>"),
    ] {
        let reply = fixture.get_accepting(target, BROWSER);
        assert_eq!(
            (reply.status, header(&reply, "content-type")),
            (status, Some("text/html; charset=utf-8"))
        );
        let page = text(&reply);
        assert!(page.contains(words) && page.contains("memory\">Overview</a>"), "{target}: {page}");
        assert!(!page.contains("<b>"), "{page}");
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn too_few_snapshots_come_with_the_button_that_takes_one() {
    let fixture = Fixture::new();
    let target = "/debug/memory/leaks";
    let page = fixture.get_accepting(target, BROWSER);
    let message = fixture.get(&format!("{target}?format=json"));
    let message = json(&message)["detail"].as_str().unwrap().to_owned();
    assert!(text(&page).contains(&message), "{message}: {}", text(&page));
    let button = "<button>Take a snapshot</button></form>";
    assert!(text(&page).contains(button), "{}", text(&page));
}
