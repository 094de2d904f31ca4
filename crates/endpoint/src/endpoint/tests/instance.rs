//! The id of the answering instance, and requests for one instance.

use memory_debug_core::instance_id;

use super::*;

/// One page of each kind, and some requests with faults.
const TARGETS: [&str; 10] = [
    "",
    "/stats",
    "/instance",
    "/types?top=0",
    "/nothing",
    "/snapshots",
    "/heap",
    "/heap?seconds=x",
    "/fleet",
    "/profiling",
];

#[test]
fn only_authorized_clients_learn_which_instance_answers() {
    let fixture = Fixture::new();
    let own = instance_id().to_string();
    for target in TARGETS {
        let target = format!("/debug/memory{target}");
        for method in ["GET", "HEAD", "PATCH"] {
            let reply = fixture.send(method, &target, &[("authorization", RIGHT)]);
            assert_eq!(header(&reply, "memory-instance"), Some(&*own), "{method} {target}");
            let reply = fixture.send(method, &target, &[("authorization", WRONG)]);
            assert_eq!(header(&reply, "memory-instance"), None, "{method} {target}");
        }
    }
}

#[test]
fn an_instance_refuses_a_request_for_another_one_and_names_itself() {
    let fixture = Fixture::new();
    let own = instance_id().to_string();
    let paths = [
        "",
        "/stats",
        "/instance",
        "/types",
        "/doctor",
        "/heap",
        "/snapshots",
        "/leaks",
        "/profiling",
        "/fleet",
    ];
    for path in paths {
        let other = "00000000-0000-4000-8000-000000000000";
        let reply = fixture.get(&format!("/debug/memory{path}?instance={other}&format=json"));
        assert_eq!((reply.status, header(&reply, "memory-instance")), (421, Some(&*own)), "{path}");
        let problem = json(&reply);
        assert_eq!(problem["type"], "urn:memory-debug:problem:wrong-instance");
        assert!(problem["detail"].as_str().unwrap().contains(&own), "{problem}");
    }
    assert_eq!(fixture.collections(), 0);
    for path in paths {
        let (with, without) = (format!("?instance={own}"), String::new());
        let [with, without] =
            [with, without].map(|query| fixture.get(&format!("/debug/memory{path}{query}")));
        assert_eq!(with.status, without.status, "{path}");
    }
}

/// Reports a process that has a host.
struct OnHost;

impl Collect for OnHost {
    fn collect(&self, _scope: Scope) -> Collected {
        serde_json::from_value::<MemoryReport>(json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "service": "shop", "host": "a1", "pid": 7},
            "collected_at": "", "duration_us": 0, "process": {"resident_bytes": 1},
            "unavailable": {"instance.build_id": "the program has none", "process.uss_bytes": "no"},
        }))
        .unwrap()
        .into()
    }
}

#[test]
fn the_page_of_the_instance_has_its_identity_and_nothing_else() {
    let fixture = Fixture::with(|endpoint| endpoint.collect_with(OnHost));
    let page = json(&fixture.get("/debug/memory/instance?format=json"));
    assert_eq!(
        page,
        json!({
            "schema": "memory-debug/v1",
            "instance": {
                "id": "00000000-0000-4000-8000-000000000000", "service": "shop", "version": null, "host": "a1",
                "pid": 7, "started_at": null, "uptime_seconds": null, "build_id": null,
            },
            "unavailable": {"instance.build_id": "the program has none"},
        })
    );
    let page = fixture.get("/debug/memory/instance");
    assert!(text(&page).contains("\nhost     a1\npid      7\n"), "{}", text(&page));
}

#[test]
fn s62_the_page_of_the_instance_does_not_name_a_hidden_host() {
    let fixture = Fixture::with(|endpoint| endpoint.collect_with(OnHost).hide_host());
    let page = json(&fixture.get("/debug/memory/instance?format=json"));
    assert_eq!(page["instance"]["host"], Value::Null);
    let reason = "not shown: the service hides it (`Endpoint::hide_host`)";
    assert_eq!(page["unavailable"]["instance.host"], reason);
    let page = fixture.get("/debug/memory/instance");
    assert!(text(&page).contains(&format!("not available: instance.host: {reason}")), "{}", text(&page));
    assert!(!text(&page).contains("a1"), "{}", text(&page));
}

#[test]
fn s24_a_malformed_instance_id_is_refused_by_name() {
    let fixture = Fixture::new();
    for value in ["", "x", "6F1C9A2E-0000-4000-8000-000000000000", "000000000000400080000000000000000000"] {
        let reply = fixture.get(&format!("/debug/memory?instance={value}&format=json"));
        assert_eq!((reply.status, &json(&reply)["parameter"]), (400, &"instance".into()), "{value}");
    }
}

#[test]
fn a_service_without_siblings_or_peers_names_the_missing_setting() {
    let fixture = Fixture::new();
    for (query, setting) in
        [("", "siblings(directory)"), ("scope=host", "`siblings`"), ("scope=peers", "peers")]
    {
        let reply = fixture.get(&format!("/debug/memory/fleet?{query}"));
        assert_eq!(reply.status, 501);
        assert!(text(&reply).contains(setting), "{}", text(&reply));
    }
    for query in ["scope=", "scope=all", "sort=name", "top=0", "instance=1"] {
        assert_eq!(fixture.get(&format!("/debug/memory/fleet?{query}")).status, 400, "{query}");
    }
}
