//! The address of a peer in a configuration. An accepted address is printed as an address that parses to the same
//! value. It cannot break out of a header, and plain HTTP never leaves this machine.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::Peers;
use memory_debug_fleet::fuzzing::PeerAddress;

fuzz_target!(|text: &str| {
    let Ok(address) = PeerAddress::parse(text) else {
        assert!(peers().allow_plain_http().instance(text).is_err());
        return;
    };
    let shown = address.to_string();
    assert_eq!(PeerAddress::parse(&shown).as_ref(), Ok(&address), "{shown}");
    let authority = address.authority();
    assert!(is_plain(&authority) && !authority.contains(['@', '/', '?', '#']), "{authority:?}");
    assert!(address.path().starts_with('/') && is_plain(address.path()), "{:?}", address.path());
    assert!(shown.starts_with("https://") || shown.starts_with("http://"), "{shown}");

    let (host, port) = authority.rsplit_once(':').expect("a port");
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "{authority}");
    let may_be_here = shown.starts_with("https://") || host == "localhost" || is_loopback(host);
    assert_eq!(address.may_stay_private(), may_be_here, "{text}");
    for refused in [peers().instance(text).is_err(), peers().dns(text).is_err()] {
        assert_eq!(refused, !may_be_here, "{text}");
    }
    assert!(peers().allow_plain_http().instance(text).is_ok());
});

fn peers() -> Peers {
    Peers::new("c6Zt-Qw8_nYr5LmKd2HS").expect("a strong secret")
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_loopback(host: &str) -> bool {
    match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(ip)) => ip.octets()[0] == 127,
        Ok(IpAddr::V6(ip)) => {
            let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127];
            u128::from(ip) == 1 || ip.octets().starts_with(&mapped)
        }
        Err(_) => false,
    }
}
