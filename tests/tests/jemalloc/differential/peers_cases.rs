//! Requests with the secret of peers.

use memory_debug_tests::{PASSWORD, Request, USER, basic};

use super::cases::Expected::{self, Page};
use super::servers::PEERS_SECRET;

const PAGE: &str = "/debug/memory";

/// The pages that the secret of peers gives access to.
pub(super) fn peers() -> Vec<(Request, Expected)> {
    let login = basic(format!("memory-debug-peer:{PEERS_SECRET}"));
    let mut requests = Vec::new();
    for (method, below, status) in [
        ("GET", "", 200),
        ("HEAD", "", 200),
        ("GET", "?format=json&top=1000", 200),
        ("GET", "?force=true", 403),
        ("GET", "?format=svg", 400),
        ("POST", "", 405),
        ("GET", "/stats", 403),
        ("GET", "/types", 403),
        ("GET", "/doctor", 403),
        ("GET", "/heap", 403),
        ("GET", "/metrics", 403),
        ("GET", "/profiling", 403),
        ("PUT", "/profiling", 403),
        ("POST", "/profiling", 403),
        ("POST", "/purge", 403),
        ("POST", "/snapshots", 403),
        ("POST", "/snapshots/000102030405060708090a0b0c0d0e0f/delete", 403),
        ("GET", "/leaks", 403),
        ("GET", "/holders", 403),
        ("GET", "/holders/progress", 403),
        ("GET", "/monitor", 403),
        ("GET", "/monitor/tasks", 403),
        ("GET", "/trace", 403),
        ("POST", "/trace", 403),
        ("GET", "/fleet?scope=peers", 403),
        ("GET", "/nothing", 404),
    ] {
        let request = || Request::new(method, format!("{PAGE}{below}")).header("authorization", &login);
        requests.push((request().header("memory-hop", "1"), Page(status)));
        requests.push((request(), Page(if status == 200 { 403 } else { status })));
    }
    let passed_on = Request::get(format!("{PAGE}/fleet?scope=peers")).authorized().header("memory-hop", "1");
    requests.push((passed_on, Page(400)));
    for wrong in [format!("memory-debug-peer:{PASSWORD}"), format!("{USER}:{PEERS_SECRET}")] {
        let request = Request::get(PAGE).header("authorization", basic(wrong)).header("memory-hop", "1");
        requests.push((request, Page(401)));
    }
    requests
}
