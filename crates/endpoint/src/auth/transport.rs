//! Checks for an encrypted connection: anyone on the way can read a password that is sent over plain HTTP.

use memory_debug_fleet::is_loopback;

use crate::parts::RequestParts;

/// The policy for requests that were not encrypted.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Transport {
    pub(crate) plain_http: PlainHttp,
    /// Whether to trust `X-Forwarded-Proto`. Set this only behind a proxy that sets the header.
    pub(crate) trusts_forwarded_proto: bool,
}

/// The reaction to a password that others may have read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PlainHttp {
    /// Log a warning, once per process.
    #[default]
    Warn,
    /// Refuse the request.
    Refuse,
    /// Accept the request silently.
    Allow,
}

impl Transport {
    /// Whether the request came over TLS or from this machine, so that others could not read it. False if
    /// that is unknown.
    pub(crate) fn is_private(self, parts: &RequestParts<'_>) -> bool {
        let forwarded = if self.trusts_forwarded_proto { forwarded_proto(parts) } else { None };
        // Behind a proxy, the connection to the proxy says nothing about the client's connection.
        forwarded.unwrap_or_else(|| {
            parts.connection.tls == Some(true) || parts.connection.peer.is_some_and(is_loopback)
        })
    }
}

/// Whether every proxy on the way received the request over TLS. `None` if the header is missing.
fn forwarded_proto(parts: &RequestParts<'_>) -> Option<bool> {
    let values = (parts.headers)("x-forwarded-proto");
    let mut protos = values.iter().flat_map(|value| value.split(|byte| *byte == b','));
    (!values.is_empty()).then(|| protos.all(|proto| proto.trim_ascii().eq_ignore_ascii_case(b"https")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Connection;

    const TRUSTING: Transport = Transport { plain_http: PlainHttp::Refuse, trusts_forwarded_proto: true };
    const WARY: Transport = Transport { trusts_forwarded_proto: false, ..TRUSTING };

    fn is_private(transport: Transport, peer: &str, tls: Option<bool>, forwarded: &[&str]) -> bool {
        let headers = |name: &str| match name {
            "x-forwarded-proto" => forwarded.iter().map(|value| value.as_bytes()).collect(),
            _ => Vec::new(),
        };
        let connection = Connection { peer: peer.parse().ok(), tls };
        let method = "GET";
        let authority = None;
        let path = "/debug/memory";
        let query = None;
        transport.is_private(&RequestParts { method, authority, path, query, headers: &headers, connection })
    }

    #[test]
    fn s17_tls_and_loopback_are_private_but_unknown_connections_are_not() {
        for (peer, tls, expected) in [
            ("192.0.2.7", Some(true), true),
            ("192.0.2.7", Some(false), false),
            ("192.0.2.7", None, false),
            ("", Some(true), true),
            ("", Some(false), false),
            ("", None, false),
            ("127.0.0.1", None, true),
            ("127.9.9.9", Some(false), true),
            ("::1", None, true),
            ("::ffff:127.0.0.1", None, true),
            ("::ffff:192.0.2.7", None, false),
            ("::", None, false),
            ("0.0.0.0", None, false),
            ("10.0.0.1", None, false),
            ("fe80::1", None, false),
        ] {
            assert_eq!(is_private(WARY, peer, tls, &[]), expected, "{peer} {tls:?}");
        }
    }

    #[test]
    fn s17_x_forwarded_proto_counts_only_if_it_is_trusted() {
        for (forwarded, trusting) in [
            (&["https"][..], true),
            (&["HTTPS"], true),
            (&["https, https"], true),
            (&["http"], false),
            (&["https, http"], false),
            (&["http", "https"], false),
            (&["https", "http"], false),
            (&[""], false),
            (&["httpsx"], false),
        ] {
            assert_eq!(is_private(TRUSTING, "192.0.2.7", None, forwarded), trusting, "{forwarded:?}");
            assert!(!is_private(WARY, "192.0.2.7", None, forwarded), "{forwarded:?}");
        }
    }

    #[test]
    fn s17_plain_http_to_a_trusted_proxy_on_this_machine_is_not_private() {
        assert!(!is_private(TRUSTING, "127.0.0.1", Some(false), &["http"]));
        assert!(is_private(TRUSTING, "127.0.0.1", Some(false), &[]));
        assert!(is_private(WARY, "127.0.0.1", Some(false), &["http"]));
    }
}
