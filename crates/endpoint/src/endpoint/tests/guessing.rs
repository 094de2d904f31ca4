//! Repeated wrong passwords.

use super::*;

/// `ops:secret`.
const WEAK: &str = "Basic b3BzOnNlY3JldA==";

fn weak() -> Fixture {
    let credentials = Credentials::allow_weak("ops", "secret").unwrap();
    let recorder = Recorder::default();
    Fixture { endpoint: Endpoint::new(credentials).collect_with(recorder.clone()), recorder }
}

fn attempt(fixture: &Fixture, peer: &str, authorization: &str) -> Reply {
    fixture.send_from(peer, None, &[("authorization", authorization), ("x-forwarded-for", "198.51.100.1")])
}

#[test]
fn s11_after_five_wrong_passwords_even_the_right_one_waits() {
    let fixture = weak();
    for _ in 0..5 {
        assert_eq!(attempt(&fixture, "192.0.2.7", WRONG), Reply::unauthorized());
    }
    for authorization in [WRONG, WEAK] {
        let reply = attempt(&fixture, "192.0.2.7", authorization);
        assert_eq!((reply.status, header(&reply, "www-authenticate")), (429, None));
        let seconds: u64 = header(&reply, "retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&seconds), "{seconds}");
    }
    assert_eq!(attempt(&fixture, "192.0.2.8", WEAK).status, 200, "another address");
    assert_eq!(attempt(&fixture, "", WEAK).status, 200, "an unknown address");
}

#[test]
fn s11_a_clone_allows_no_additional_guesses() {
    let fixture = weak();
    for _ in 0..5 {
        attempt(&fixture, "192.0.2.7", WRONG);
    }
    let clone =
        Fixture { endpoint: fixture.endpoint.clone().path("/other").unwrap(), recorder: fixture.recorder };
    assert_eq!(attempt(&clone, "192.0.2.7", WRONG).status, 429);
}

#[test]
fn s11_requests_without_a_password_do_not_count_as_guesses() {
    let fixture = weak();
    for _ in 0..100 {
        assert_eq!(fixture.send_from("192.0.2.7", None, &[]), Reply::unauthorized());
        assert_eq!(attempt(&fixture, "192.0.2.7", "Basic !"), Reply::unauthorized());
    }
    assert_eq!(attempt(&fixture, "192.0.2.7", WEAK).status, 200);
}

#[test]
fn s11_strong_passwords_are_never_locked_out() {
    let fixture = Fixture::new();
    for _ in 0..1000 {
        assert_eq!(attempt(&fixture, "192.0.2.7", WRONG), Reply::unauthorized());
    }
    assert_eq!(attempt(&fixture, "192.0.2.7", RIGHT).status, 200);
    // A strong password, although a weak one would be allowed.
    let credentials = Credentials::allow_weak("ops", PASSWORD).unwrap();
    let fixture = Fixture { endpoint: Endpoint::new(credentials), ..fixture };
    for _ in 0..1000 {
        assert_eq!(attempt(&fixture, "192.0.2.7", WRONG), Reply::unauthorized());
    }
}
