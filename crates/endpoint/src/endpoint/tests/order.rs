//! The documented order of checks: the first check that fails decides the reply.

use super::*;

#[test]
fn s02_checks_are_made_in_the_documented_order() {
    let reader = Credentials::new("ops", PASSWORD).unwrap().role(Role::Read);
    let recorder = Recorder::default();
    let endpoint =
        Endpoint::new(reader).collect_with(recorder.clone()).role_for_types(Role::Profile).require_tls();
    let fixture = Fixture { endpoint, recorder };
    // At first everything is wrong. Each step corrects the fault that was found.
    let mut peer = "192.0.2.7";
    let mut method = "POST";
    let (mut path, mut query) = ("/debug/memory/unknown", "x=1");
    let mut headers =
        vec![("authorization", WRONG), ("sec-fetch-site", "cross-site"), ("accept", "image/png")];
    let mut statuses = Vec::new();
    for step in 0.. {
        let connection = Connection { peer: peer.parse().ok(), tls: None };
        let parts = RequestParts { connection, ..parts(method, path, Some(query), &|_| Vec::new()) };
        statuses.push(fixture.answer(parts, &headers).status);
        match step {
            0 => peer = "127.0.0.1",
            1 => headers[0].1 = RIGHT,
            2 => headers[1].1 = "same-origin",
            3 => path = "/debug/memory/types",
            4 => method = "GET",
            5 => query = "",
            6 => headers[2].1 = "text/plain",
            7 => path = "/debug/memory/stats",
            _ => break,
        }
    }
    // TLS, password, origin of the request, path, method, parameters, format, role.
    assert_eq!(statuses, [403, 401, 403, 404, 405, 400, 406, 403, 200]);
    assert_eq!(fixture.collections(), 1);
}
