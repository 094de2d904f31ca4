//! Metrics: in which format, at what cost, for whom.

use super::*;

const PAGE: &str = "/debug/memory/metrics";

/// As Prometheus asks.
const PROMETHEUS: &str = "application/openmetrics-text;version=1.0.0;q=0.5,\
                          application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";

#[test]
fn a_scraper_gets_what_it_likes_best() {
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
    assert_eq!(text(&reply).matches("memory_debug_type_live_bytes{").count(), 3, "two and the others");
    assert_eq!(fixture.recorder.0.lock().unwrap().last(), Some(&Scope::Everything));
}

#[test]
fn s45_there_are_not_more_series_than_a_scraper_can_keep() {
    let fixture = Fixture::new();
    for (types, expected) in [("0", 400), ("1", 200), ("200", 200), ("201", 400), ("-1", 400)] {
        assert_eq!(fixture.get(&format!("{PAGE}?types={types}")).status, expected, "{types}");
    }
}
