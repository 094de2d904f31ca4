//! The heap in the formats of other tools.

use memory_debug_tests::Request;

use super::cases::Expected::{self, Application, Decoded, Page};

/// Requests whose answers are the same with and without a heap profile.
pub(super) fn heap() -> Vec<(Request, Expected)> {
    let mut requests = Vec::new();
    for (method, target, expected) in [
        ("HEAD", "/debug/memory/heap?seconds=60", Page(200)),
        ("GET", "/debug/memory/heap?seconds=0", Page(400)),
        ("GET", "/debug/memory/heap?seconds=61", Page(400)),
        ("GET", "/debug/memory/heap?seconds=1&seconds=1", Page(400)),
        ("GET", "/debug/memory/heap?seconds=1&debug=1", Page(400)),
        ("GET", "/debug/memory/heap?seconds=1&format=collapsed", Page(400)),
        ("GET", "/debug/memory/heap?format=raw", Page(403)),
        ("HEAD", "/debug/memory/heap?format=raw", Page(403)),
        ("GET", "/debug/memory/heap?format=raw&seconds=1", Page(400)),
        ("GET", "/debug/memory/heap?gc=1", Page(400)),
        ("HEAD", "/debug/pprof/heap", Page(200)),
        ("HEAD", "/debug/pprof/allocs?debug=1", Page(200)),
        ("POST", "/debug/pprof/heap", Page(405)),
        ("DELETE", "/debug/pprof/allocs", Page(405)),
        ("GET", "/debug/pprof/heap?format=pprof", Page(400)),
        ("GET", "/debug/pprof/heap?debug=2", Page(400)),
        ("GET", "/debug/pprof/heap?seconds=1&debug=1", Page(400)),
        ("GET", "/debug/pprof/allocs?seconds=x", Page(400)),
    ] {
        requests.push((Request::new(method, target), Page(401)));
        requests.push((Request::new(method, target).authorized(), expected));
        let cross_site = Request::new(method, target).authorized().header("sec-fetch-site", "cross-site");
        requests.push((cross_site, Page(403)));
        if target.contains("/pprof/") {
            // Go ignores it.
            let picture = Request::new(method, target).authorized().header("accept", "image/png");
            requests.push((picture, expected));
        }
    }
    for (target, expected) in [
        ("/debug/pprof", Application),
        ("/debug/pprof/", Application),
        ("/debug/pprof/heap/", Application),
        ("/debug/pprof/heaps", Application),
        ("/debug/pprof/profile?seconds=1", Application),
        ("/debug/pprof/heap;x", Application),
        ("/debug//pprof/heap", Application),
        ("//debug/pprof/heap", Application),
        ("/Debug/pprof/heap", Application),
        ("/debug/pprof%2Fheap", Application),
        ("/debug/pprof/heap%00", Application),
        ("/debug/pprof/he%61p", Decoded),
        ("/%64ebug/pprof/allocs", Decoded),
    ] {
        requests.push((Request::get(target), expected));
        requests.push((Request::get(target).authorized(), expected));
    }
    requests
}

/// Requests to a service without a heap profile, which the first of two collections finds out.
pub(super) fn heap_without_profile() -> Vec<(Request, Expected)> {
    let targets = [
        "/debug/memory/heap",
        "/debug/memory/heap?seconds=60",
        "/debug/memory/heap?seconds=60&format=text",
        "/debug/pprof/heap",
        "/debug/pprof/allocs?gc=1",
        "/debug/pprof/heap?debug=1",
        "/debug/pprof/allocs?seconds=60",
        "http://localhost/debug/pprof/heap",
    ];
    targets.into_iter().map(|target| (Request::get(target).authorized(), Page(503))).collect()
}
