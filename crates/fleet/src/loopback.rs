//! Addresses of this machine.

use std::net::IpAddr;

/// Whether `ip` is an address of this machine that no other machine can use. An IPv4 address written as IPv6
/// (`::ffff:127.0.0.1`) counts too.
#[must_use]
pub fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s17_only_loopback_addresses_belong_to_this_machine() {
        for (ip, expected) in [
            ("127.0.0.1", true),
            ("127.9.9.9", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("::ffff:192.0.2.7", false),
            ("0.0.0.0", false),
            ("::", false),
            ("10.0.0.1", false),
            ("fe80::1", false),
        ] {
            assert_eq!(is_loopback(ip.parse().unwrap()), expected, "{ip}");
        }
    }
}
