//! The page that clients without the password cannot see.

use super::*;

fn hidden() -> Fixture {
    let fixture = Fixture::new();
    Fixture { endpoint: fixture.endpoint.clone().hide(), ..fixture }
}

#[test]
fn s13_without_the_password_the_application_answers_for_a_hidden_page() {
    let fixture = hidden();
    for authorization in [&[][..], &[WRONG], &["Basic"], &["Bearer x"], &[RIGHT, RIGHT]] {
        let lookup = |name: &str| match name {
            "authorization" => authorization.iter().map(|value| value.as_bytes()).collect(),
            _ => Vec::new(),
        };
        for method in ["GET", "HEAD", "POST", "OPTIONS"] {
            let outcome = fixture.endpoint.handle(parts(method, "/debug/memory", None, &lookup));
            assert!(outcome.is_for_application(), "{method} {authorization:?}");
        }
    }
    assert_eq!(fixture.collections(), 0);
}

#[test]
fn s13_without_an_application_a_hidden_page_is_an_empty_404() {
    let reply = hidden().send("GET", "/debug/memory", &[]);
    assert_eq!((reply.status, reply.headers.len(), reply.body.len()), (404, 0, 0));
}

#[test]
fn s13_with_the_password_a_hidden_page_answers_like_an_open_one() {
    let (open, hidden) = (Fixture::new(), hidden());
    for (method, target) in [
        ("GET", "/debug/memory"),
        ("HEAD", "/debug/memory"),
        ("GET", "/debug/memory/unknown"),
        ("PUT", "/debug/memory"),
        ("GET", "/debug/memory?x=1"),
    ] {
        let headers = [("authorization", RIGHT)];
        assert_eq!(hidden.send(method, target, &headers), open.send(method, target, &headers), "{target}");
    }
}
