//! Tests of where the secret is sent and shown.

use std::time::Instant;

use super::super::ask::{AskPeer, Peer};
use super::*;

#[test]
fn s16_nothing_shows_the_secret() {
    let peers = peers().instance("https://10.0.0.7").unwrap();
    let ask = AskPeer { caller: caller(), rows: 1, tls: None };
    let shown = format!("{peers:#?} {ask:?}");
    let header = String::from_utf8(caller().expose().to_vec()).unwrap();
    for secret in [SECRET, header.strip_prefix("Basic ").unwrap()] {
        assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", secret.as_bytes())), "{shown}");
    }
    assert!(shown.contains("10.0.0.7"), "{shown}");
}

#[test]
fn s17_the_secret_is_never_sent_unencrypted_over_a_network_unless_allowed() {
    for url in ["http://10.0.0.7", "http://shop-1.internal:8080", "http://[2001:db8::7]"] {
        let refused = peers().instance(url).unwrap_err();
        assert!(refused.to_string().contains("allow_plain_http"), "{refused}");
        assert!(peers().dns(url).is_err() && peers().allow_plain_http().instance(url).is_ok(), "{url}");
    }
    // A name server that places `localhost` on another machine is not trusted.
    let address = Address::parse("http://localhost:1").unwrap();
    let configured = ConfiguredPeer { address, is_every_address: true, allows_plain_http: false };
    let elsewhere = Peer::new(String::new(), &configured, Some(([192, 0, 2, 7], 1).into()));
    let ask = AskPeer { caller: caller(), rows: 1, tls: None };
    let answer = ask.ask(&elsewhere, Instant::now() + Duration::from_secs(60));
    assert_eq!(answer.unwrap_err().reason, MissingReason::Tls);
    // Only peers that are added after the call may be asked over plain HTTP.
    let both = peers().instance("http://localhost:1").unwrap().allow_plain_http();
    let both = both.instance("http://localhost:2").unwrap();
    assert_eq!(
        both.configured.iter().map(|configured| configured.allows_plain_http).collect::<Vec<_>>(),
        [false, true]
    );
}

#[test]
fn s17_plain_http_is_used_only_on_this_machine_unless_allowed() {
    let asked = |url: &str, allows_plain_http, found: [u8; 4]| {
        let configured = ConfiguredPeer {
            address: Address::parse(url).unwrap(),
            is_every_address: true,
            allows_plain_http,
        };
        Peer::new(String::new(), &configured, None).may_be_asked_at(found.into())
    };
    let (here, elsewhere) = ([127, 0, 0, 1], [192, 0, 2, 7]);
    assert!(asked("http://localhost", false, here) && !asked("http://localhost", false, elsewhere));
    assert!(asked("http://shop", true, elsewhere));
    assert!(asked("https://shop", false, elsewhere));
}

#[test]
fn s63_a_login_in_an_address_is_refused_and_not_repeated() {
    let refused = peers().instance("https://ops:hunter2hunter2@shop").unwrap_err();
    assert!(!refused.to_string().contains("hunter2"), "{refused}");
}
