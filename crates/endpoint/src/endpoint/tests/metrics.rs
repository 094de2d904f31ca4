//! The metrics page: its formats, its cost and its limit.

use super::*;

const PAGE: &str = "/debug/memory/metrics";

/// The `Accept` header of Prometheus.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

#[test]
fn a_scraper_gets_the_format_that_it_prefers() {
    let fixture = Fixture::new();
    for (accept, expected) in [
        (PROMETHEUS, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        ("text/plain;version=0.0.4", "text/plain; version=0.0.4; charset=utf-8"),
    ] {
        let reply = fixture.get_accepting(PAGE, accept);
        assert_eq!((reply.status, header(&reply, "content-type")), (200, Some(expected)), "{accept}");
        assert_eq!(text(&reply).ends_with("# EOF\n"), expected.contains("openmetrics"), "{}", text(&reply));
    }
    assert_eq!(fixture.get_accepting(PAGE, "application/json").status, 406);
    assert!(text(&fixture.get(&format!("{PAGE}?format=openmetrics"))).ends_with("# EOF\n"));
}

#[test]
fn s46_a_scrape_collects_no_types_unless_it_asks_for_some() {
    let fixture = Fixture::new();
    let reply = fixture.get(PAGE);
    assert!(!text(&reply).contains("Type1"), "{}", text(&reply));
    assert_eq!(*fixture.recorder.0.lock().unwrap(), [Scope::Stats]);
    let reply = fixture.get(&format!("{PAGE}?types=2"));
    assert_eq!(text(&reply).matches("memory_debug_type_live_bytes{").count(), 3, "two types and the rest");
    assert_eq!(fixture.recorder.0.lock().unwrap().last(), Some(&Scope::Everything));
}

#[test]
fn s45_the_number_of_series_is_limited() {
    let fixture = Fixture::new();
    for (types, expected) in [("0", 400), ("1", 200), ("200", 200), ("201", 400), ("-1", 400)] {
        assert_eq!(fixture.get(&format!("{PAGE}?types={types}")).status, expected, "{types}");
    }
}
