//! Metrics for scrapers.

use memory_debug_tests::Request;

use super::cases::Expected::{self, Page};

const METRICS: &str = "/debug/memory/metrics";

/// The `Accept` headers of Prometheus 2 and 3.
const SCRAPERS: [&str; 2] = [
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
     text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
     application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
     text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
];

pub(super) fn metrics() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for (method, query, expected) in [
        ("GET", "", 200),
        ("HEAD", "", 200),
        ("GET", "?format=prometheus", 200),
        ("GET", "?format=openmetrics", 200),
        ("GET", "?types=1", 200),
        ("GET", "?types=20&format=openmetrics", 200),
        ("HEAD", "?types=200", 200),
        ("GET", "?types=%32", 200),
        ("GET", "?types=0", 400),
        ("GET", "?types=201", 400),
        ("GET", "?types=-1", 400),
        ("GET", "?types=", 400),
        ("GET", "?types=1&types=1", 400),
        ("GET", "?type=1", 400),
        ("GET", "?top=1", 400),
        ("GET", "?format=json", 400),
        ("GET", "?format=text", 400),
        ("HEAD", "?format=json", 400),
        ("GET", "?force=true", 200),
        ("GET", "?force=yes", 400),
        ("POST", "", 405),
        ("PUT", "?types=1", 405),
        ("DELETE", "", 405),
    ] {
        let target = format!("{METRICS}{query}");
        requests.push((Request::new(method, &target), Page(401)));
        requests.push((Request::new(method, &target).authorized(), Page(expected)));
        let cross_site = Request::new(method, &target).authorized().header("sec-fetch-site", "cross-site");
        requests.push((cross_site, Page(403)));
    }
    for (accept, expected) in [
        (SCRAPERS[0], 200),
        (SCRAPERS[1], 200),
        ("text/plain", 200),
        ("text/plain;version=0.0.4;q=0.3, application/openmetrics-text;q=0.2", 200),
        ("application/openmetrics-text;q=0, */*", 200),
        ("application/json", 406),
        ("text/html, application/xhtml+xml", 406),
        ("text/plain;q=0, application/openmetrics-text;q=0", 406),
    ] {
        for target in [METRICS.to_owned(), format!("{METRICS}?types=2")] {
            let asked = Request::get(&target).authorized().header("accept", accept);
            requests.push((asked, Page(expected)));
        }
    }
    for below in ["/metrics/", "/metrics/x", "/Metrics", "//metrics", "/metrics;x"] {
        requests.push((Request::get(format!("/debug/memory{below}")).authorized(), Page(404)));
    }
    requests
}
