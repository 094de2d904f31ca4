//! Collecting where there may be too little memory for it.

use memory_debug_core::MemoryReport;

use super::*;
use crate::collect::Shortage;

/// Would need more than there is.
struct Short(Recorder);

impl Collect for Short {
    fn collect(&self, scope: Scope) -> MemoryReport {
        self.0.collect(scope)
    }

    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        Err(Shortage { needed_bytes: 64 << 20, available_bytes: 1 << 20 })
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
fn s44_forcing_it_takes_the_role_profile() {
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
