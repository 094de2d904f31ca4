//! Collections with too little memory left.

use std::mem;
use std::sync::{Arc, Mutex};

use memory_debug_core::{Collected, Resource, Work};

use super::*;
use crate::collect::Shortage;

/// A collector that needs more memory than is left.
struct Short(Recorder);

impl Collect for Short {
    fn collect(&self, scope: Scope) -> Collected {
        self.0.collect(scope)
    }

    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        Err(Shortage { needed_bytes: 64 << 20, available_bytes: 1 << 20, resource: Resource::Memory })
    }
}

fn short(role: Role) -> Fixture {
    let recorder = Recorder::default();
    let credentials = Credentials::new("ops", PASSWORD).unwrap().role(role);
    Fixture { endpoint: Endpoint::new(credentials).collect_with(Short(recorder.clone())), recorder }
}

#[test]
fn s44_a_shortage_is_503_and_says_how_much_is_missing() {
    let fixture = short(Role::Profile);
    for target in ["/debug/memory/types?format=json", "/debug/memory/types?format=json&force=false"] {
        let reply = fixture.get(target);
        assert_eq!(reply.status, 503, "{target}");
        let problem = json(&reply);
        assert_eq!(problem["type"], "urn:memory-debug:problem:insufficient-headroom");
        assert_eq!(
            (&problem["needed_bytes"], &problem["available_bytes"]),
            (&json!(64 << 20), &json!(1 << 20))
        );
        assert!(header(&reply, "retry-after").is_some());
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s44_force_needs_the_role_profile() {
    let reply = short(Role::Profile).get("/debug/memory/types?force=true");
    assert_eq!(reply.status, 200, "{}", text(&reply));
    for page in ["/debug/memory", "/debug/memory/stats", "/debug/memory/types", "/debug/memory/doctor"] {
        let fixture = short(Role::Read);
        for method in ["GET", "HEAD"] {
            let reply = fixture.send(method, &format!("{page}?force=true"), &[("authorization", RIGHT)]);
            assert_eq!(reply.status, 403, "{method} {page}");
        }
        assert_eq!(fixture.collections(), 0);
    }
}

/// A collector with enough memory to collect, but only for work that takes no more than a page.
struct ShortOfPages(Recorder, Arc<Mutex<Vec<(Work, u64)>>>);

impl Collect for ShortOfPages {
    fn collect(&self, scope: Scope) -> Collected {
        self.0.collect(scope)
    }

    fn headroom_for(&self, work: Work, body_bytes: u64) -> Result<(), Shortage> {
        self.1.lock().unwrap().push((work, body_bytes));
        match work {
            Work::Page => Ok(()),
            _ => Err(Shortage { needed_bytes: 9, available_bytes: 7, resource: Resource::Memory }),
        }
    }
}

#[test]
fn s44_memory_is_checked_again_for_each_page_but_never_before_memory_is_freed() {
    let asked = Arc::default();
    let recorder = Recorder::default();
    let collect = ShortOfPages(recorder.clone(), Arc::clone(&asked));
    let credentials = Credentials::new("ops", PASSWORD).unwrap();
    let endpoint = Endpoint::new(credentials).collect_with(collect);
    let fixture = Fixture { endpoint: endpoint.limits(Limits::default().max_body_bytes(4096)), recorder };
    let base = "/debug/memory";
    for (method, page, is_short, work) in [
        ("GET", "/types", false, Some(Work::Page)),
        ("GET", "", false, Some(Work::Page)),
        ("GET", "/stats", false, None),
        ("GET", "/instance", false, None),
        ("GET", "/types?group=traceback", true, Some(Work::Profile)),
        ("GET", "/heap?format=collapsed", true, Some(Work::Profile)),
        ("GET", "/heap?format=heaptimeline", true, Some(Work::Profile)),
        ("GET", "/heap/flamegraph", true, Some(Work::Profile)),
        ("GET", "/heap/tree", true, Some(Work::Profile)),
        ("GET", "/heap/tree?base=first", true, Some(Work::Comparison { stacks: 0 })),
        ("POST", "/snapshots", true, Some(Work::Profile)),
        ("GET", "/heap/flamegraph?base=first", true, Some(Work::Comparison { stacks: 0 })),
        ("GET", "/diff?base=first&target=last", true, Some(Work::Comparison { stacks: 0 })),
        ("GET", "/leaks", true, Some(Work::Comparison { stacks: 0 })),
        ("GET", "/types/0123456789abcdef", true, Some(Work::Comparison { stacks: 0 })),
        ("GET", "/snapshots", false, None),
        ("POST", "/purge", false, None),
        ("GET", "/profiling", false, None),
    ] {
        let reply = fixture.send(method, &format!("{base}{page}"), &[("authorization", RIGHT)]);
        let refused = text(&reply).contains("this may need 9 bytes of memory, but only 7 are left");
        assert_eq!((reply.status == 503 && refused), is_short, "{method} {page}: {}", text(&reply));
        let expected: Vec<_> = work.into_iter().map(|work| (work, 4096)).collect();
        assert_eq!(mem::take(&mut *asked.lock().unwrap()), expected, "{method} {page}");
    }
    let forced = fixture.get("/debug/memory/heap?format=collapsed&force=true");
    assert!(!text(&forced).contains("insufficient headroom"), "{}", text(&forced));
    assert!(asked.lock().unwrap().is_empty());
}
