//! Passwords over connections that others could read.

use super::*;

#[test]
fn s17_plain_http_from_elsewhere_is_a_constant_403_before_the_password_is_checked() {
    let fixture = Fixture::with(Endpoint::require_tls);
    let expected = Reply::plain_http();
    assert_eq!((expected.status, header(&expected, "www-authenticate")), (403, None));
    for peer in ["192.0.2.7", "2001:db8::1", ""] {
        for authorization in [&[][..], &[("authorization", RIGHT)], &[("authorization", WRONG)]] {
            assert_eq!(fixture.send_from(peer, None, authorization), expected, "{peer} {authorization:?}");
        }
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s17_tls_and_local_connections_are_served() {
    let fixture = Fixture::with(Endpoint::require_tls);
    for (peer, tls) in
        [("127.0.0.1", Some(false)), ("::1", None), ("192.0.2.7", Some(true)), ("", Some(true))]
    {
        assert_eq!(fixture.send_from(peer, tls, &[("authorization", RIGHT)]).status, 200, "{peer}");
        assert_eq!(fixture.send_from(peer, tls, &[]).status, 401, "{peer}");
    }
}

#[test]
fn s17_a_forwarded_protocol_counts_only_where_it_is_trusted() {
    let headers = [("authorization", RIGHT), ("x-forwarded-proto", "https")];
    let (wary, trusting) = (
        Fixture::with(Endpoint::require_tls),
        Fixture::with(|endpoint| endpoint.require_tls().trust_forwarded_proto()),
    );
    assert_eq!(wary.send_from("192.0.2.7", None, &headers).status, 403);
    assert_eq!(trusting.send_from("192.0.2.7", None, &headers).status, 200);
    assert_eq!(trusting.send_from("192.0.2.7", None, &headers[..1]).status, 403);
}

#[test]
fn s17_without_a_policy_plain_http_is_served() {
    for fixture in [Fixture::new(), Fixture::with(Endpoint::allow_plain_http)] {
        assert_eq!(fixture.send_from("192.0.2.7", Some(false), &[("authorization", RIGHT)]).status, 200);
    }
}

#[test]
fn s13_a_hidden_page_does_not_reveal_that_it_requires_tls() {
    let fixture = Fixture::with(|endpoint| endpoint.require_tls().hide());
    let outcome = fixture.endpoint.handle(parts("GET", "/debug/memory", None, &|_| Vec::new()));
    assert!(outcome.is_for_application());
}
