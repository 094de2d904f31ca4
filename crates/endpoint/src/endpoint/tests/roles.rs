//! The pages that each role may see.

use super::*;

/// `grafana`, which may only read. `ops` may do everything.
pub(super) const READER: &str = "Basic Z3JhZmFuYTo5dktxM3gtUHpMN19tVDJ3UmI0eQ==";

pub(super) fn fixture(role_for_types: Role) -> Fixture {
    let reader = Credentials::new("grafana", PASSWORD).unwrap().role(Role::Read);
    let credentials = Credentials::new("ops", PASSWORD).unwrap().and(reader).unwrap();
    let recorder = Recorder::default();
    let endpoint = Endpoint::new(credentials).collect_with(recorder.clone()).role_for_types(role_for_types);
    Fixture { endpoint, recorder }
}

const PAGES: [&str; 5] = [
    "/debug/memory",
    "/debug/memory/types?top=5",
    "/debug/memory/doctor",
    "/debug/memory/stats",
    "/debug/memory/instance",
];

#[test]
fn s15_every_page_can_be_read_by_every_role() {
    let fixture = fixture(Role::Read);
    for page in PAGES {
        for login in [RIGHT, READER] {
            assert_eq!(fixture.send("GET", page, &[("authorization", login)]).status, 200, "{page} {login}");
        }
    }
}

#[test]
fn s62_only_the_configured_role_sees_names_of_types() {
    let fixture = fixture(Role::Profile);
    for (page, expected) in PAGES.into_iter().zip([403, 403, 403, 200, 200]) {
        for method in ["GET", "HEAD"] {
            assert_eq!(fixture.send(method, page, &[("authorization", RIGHT)]).status, 200, "{page}");
            let reply = fixture.send(method, page, &[("authorization", READER)]);
            assert_eq!(reply.status, expected, "{method} {page}");
            assert!(!text(&reply).contains("Type1"), "{}", text(&reply));
        }
    }
}

#[test]
fn s62_only_the_configured_role_sees_one_type() {
    for (role_for_types, expected) in [(Role::Read, 404), (Role::Profile, 403)] {
        let fixture = fixture(role_for_types);
        let reply = fixture.send("GET", "/debug/memory/types/0123456789abcdef", &[("authorization", READER)]);
        // This collector has no heap profile.
        assert_eq!(reply.status == 403, expected == 403, "{}", text(&reply));
    }
}

#[test]
fn s62_only_the_configured_role_sees_types_in_metrics() {
    let fixture = fixture(Role::Profile);
    for (target, login, expected) in [
        ("/debug/memory/metrics", READER, 200),
        ("/debug/memory/metrics?types=3", READER, 403),
        ("/debug/memory/metrics?types=3", RIGHT, 200),
    ] {
        let reply = fixture.send("GET", target, &[("authorization", login)]);
        assert_eq!(reply.status, expected, "{target}");
        assert_eq!(text(&reply).contains("Type1"), login == RIGHT, "{}", text(&reply));
    }
}

#[test]
fn s15_an_insufficient_role_is_403_without_a_challenge() {
    let fixture = fixture(Role::Profile);
    let headers = [("authorization", READER), ("accept", "application/json")];
    let reply = fixture.send("GET", "/debug/memory/types", &headers);
    assert_eq!((reply.status, header(&reply, "www-authenticate")), (403, None));
    assert_eq!(json(&reply)["type"], "urn:memory-debug:problem:forbidden-role");
    let detail = json(&reply)["detail"].to_string();
    assert!(detail.contains("`profile`") && detail.contains("`read`"), "{detail}");
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s15_the_role_is_checked_after_method_path_parameters_and_format() {
    let fixture = fixture(Role::Profile);
    for (method, target, accept, expected) in [
        ("POST", "/debug/memory/types?x=1", "image/png", 405),
        ("GET", "/debug/memory/unknown?x=1", "image/png", 404),
        ("GET", "/debug/memory/types?x=1", "image/png", 400),
        ("GET", "/debug/memory/types", "image/png", 406),
        ("GET", "/debug/memory/types", "*/*", 403),
    ] {
        let reply = fixture.send(method, target, &[("authorization", READER), ("accept", accept)]);
        assert_eq!(reply.status, expected, "{method} {target} {accept}");
    }
}
