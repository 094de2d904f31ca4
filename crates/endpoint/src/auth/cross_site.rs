//! Protection against requests that a browser sends for a page of another site, with the password that it
//! remembers.
//!
//! Methods that may change something follow the rules of `http.CrossOriginProtection` in Go 1.25. A browser names the
//! origin of a request in `Sec-Fetch-Site` (W3C Fetch Metadata), or in `Origin` if it is old. A request without either
//! header does not come from a browser, or comes from our own page. Reading is refused to other sites too, because an
//! `<img>` must not be able to start a collection. A link that the user follows is neither: the endpoint decides what
//! it may open.

use crate::parts::RequestParts;

/// Methods that change nothing, as in Go.
const SAFE_METHODS: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The site whose page sent the request.
enum Site {
    /// Our own site, or no site: the user typed the address.
    Own,
    Other,
    Unknown,
}

/// What another site has to do with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CrossSite {
    /// Nothing: our own page or no browser sent the request.
    No,
    /// The user followed a link on its page, to read a page of ours.
    Link,
    /// Its page sent the request.
    Request,
}

/// Finds out whether another site is behind a request.
pub(crate) fn examine(parts: &RequestParts<'_>) -> CrossSite {
    match (site(parts), SAFE_METHODS.contains(&parts.method)) {
        (Site::Own, _) | (Site::Unknown, true) => CrossSite::No,
        (Site::Other, true) if is_followed_link(parts) => CrossSite::Link,
        (Site::Other, _) => CrossSite::Request,
        (Site::Unknown, false) if comes_from_own_origin(parts) => CrossSite::No,
        (Site::Unknown, false) => CrossSite::Request,
    }
}

fn site(parts: &RequestParts<'_>) -> Site {
    match *(parts.headers)("sec-fetch-site") {
        [] => Site::Unknown,
        [b"same-origin" | b"none"] => Site::Own,
        // Includes values that no browser sends today.
        _ => Site::Other,
    }
}

fn is_followed_link(parts: &RequestParts<'_>) -> bool {
    let is = |name, value: &[u8]| *(parts.headers)(name) == [value];
    parts.method == "GET" && is("sec-fetch-mode", b"navigate") && is("sec-fetch-dest", b"document")
}

/// Whether `Origin` is missing or names the requested host. Only the host is compared, because we do not know
/// our scheme. A page that an attacker serves over plain HTTP in our place therefore passes, as in Go.
fn comes_from_own_origin(parts: &RequestParts<'_>) -> bool {
    match *(parts.headers)("origin") {
        [] => true,
        [origin] => host_of(origin).is_some_and(|host| is_requested_host(parts, host)),
        _ => false,
    }
}

/// Returns `host:port` of `scheme://host:port`.
fn host_of(origin: &[u8]) -> Option<&[u8]> {
    let scheme = origin.windows(3).position(|part| part == b"://")?;
    Some(&origin[scheme + 3..]).filter(|host| !host.is_empty())
}

fn is_requested_host(parts: &RequestParts<'_>, host: &[u8]) -> bool {
    match (parts.authority, &*(parts.headers)("host")) {
        (Some(authority), _) => authority.as_bytes().eq_ignore_ascii_case(host),
        (None, [asked]) => asked.eq_ignore_ascii_case(host),
        (None, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Connection;

    /// An HTTP/1.1 request to `https://example.com`. An empty value means no header.
    fn refused(method: &str, headers: &[(&str, &str)]) -> bool {
        refused_at(None, Some("example.com"), method, headers)
    }

    fn refused_at(
        authority: Option<&str>,
        host: Option<&str>,
        method: &str,
        headers: &[(&str, &str)],
    ) -> bool {
        examined(authority, host, method, headers) == CrossSite::Request
    }

    fn examined(
        authority: Option<&str>,
        host: Option<&str>,
        method: &str,
        headers: &[(&str, &str)],
    ) -> CrossSite {
        let all: Vec<_> = headers.iter().copied().chain(host.map(|host| ("host", host))).collect();
        let lookup = |name: &str| {
            let values = all.iter().filter(|(known, value)| *known == name && !value.is_empty());
            values.map(|(_, value)| value.as_bytes()).collect()
        };
        let path = "/debug/memory";
        let query = None;
        let connection = Connection::default();
        examine(&RequestParts { method, authority, path, query, headers: &lookup, connection })
    }

    #[test]
    fn s30_decisions_match_the_tests_of_go() {
        for (method, site, origin, expected) in [
            ("POST", "same-origin", "", false),
            ("POST", "none", "", false),
            ("POST", "cross-site", "", true),
            ("POST", "same-site", "", true),
            ("POST", "", "", false),
            ("POST", "", "https://example.com", false),
            ("POST", "", "https://attacker.example", true),
            ("POST", "", "null", true),
            ("PUT", "cross-site", "", true),
            // `Origin` is ignored if `Sec-Fetch-Site` is present.
            ("POST", "same-origin", "https://attacker.example", false),
            ("POST", "cross-site", "https://example.com", true),
        ] {
            let headers = [("sec-fetch-site", site), ("origin", origin)];
            assert_eq!(refused(method, &headers), expected, "{method} {site} {origin}");
        }
    }

    #[test]
    fn s30_every_method_that_is_not_known_to_be_safe_is_checked() {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "get", "BREW", ""] {
            assert!(refused(method, &[("sec-fetch-site", "cross-site")]), "{method}");
            assert!(refused(method, &[("origin", "https://attacker.example")]), "{method}");
            assert!(!refused(method, &[]), "{method}");
        }
    }

    #[test]
    fn s30_the_origin_must_name_the_whole_host_and_port() {
        for (host, origin, expected) in [
            ("example.com", "http://example.com", false),
            ("Example.COM", "https://example.com", false),
            ("example.com:8443", "https://example.com:8443", false),
            ("[::1]:3000", "http://[::1]:3000", false),
            ("example.com:8443", "https://example.com", true),
            ("example.com", "https://example.com:8443", true),
            ("example.com", "https://example.com.attacker.example", true),
            ("example.com", "https://attackerexample.com", true),
            ("example.com", "https://attacker.example/://example.com", true),
            ("example.com", "https://user@example.com", true),
            ("example.com", "example.com", true),
            ("", "https://", true),
        ] {
            let asked = refused_at(None, Some(host), "POST", &[("origin", origin)]);
            assert_eq!(asked, expected, "{host} {origin}");
        }
        assert!(refused_at(None, None, "POST", &[("origin", "https://example.com")]), "no host");
    }

    #[test]
    fn s27_the_authority_of_the_request_line_wins_over_the_host_header() {
        let from = |origin| refused_at(Some("a.example"), Some("b.example"), "POST", &[("origin", origin)]);
        assert!(!from("https://a.example"));
        assert!(from("https://b.example"));
    }

    #[test]
    fn s30_duplicate_headers_are_not_trusted() {
        let own = ("sec-fetch-site", "same-origin");
        assert!(refused("POST", &[own, own]));
        assert!(refused("GET", &[own, ("sec-fetch-site", "cross-site")]));
        let origin = ("origin", "https://example.com");
        assert!(refused("POST", &[origin, origin]));
    }

    #[test]
    fn s31_pages_of_other_sites_cannot_read_but_clients_that_are_not_browsers_can() {
        for method in SAFE_METHODS {
            for (site, expected) in [
                ("", false),
                ("none", false),
                ("same-origin", false),
                ("same-site", true),
                ("cross-site", true),
                ("new-kind", true),
            ] {
                let image =
                    [("sec-fetch-site", site), ("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image")];
                assert_eq!(refused(method, &image), expected, "{method} {site}");
            }
        }
    }

    #[test]
    fn s31_a_followed_link_is_told_from_everything_else_that_other_sites_send() {
        let link = |mode, dest| {
            [("sec-fetch-site", "cross-site"), ("sec-fetch-mode", mode), ("sec-fetch-dest", dest)]
        };
        let examined =
            |method, headers: &[(&str, &str)]| examined(None, Some("example.com"), method, headers);
        let document = link("navigate", "document");
        assert_eq!(examined("GET", &document), CrossSite::Link);
        for method in ["HEAD", "OPTIONS", "POST", "DELETE", "get"] {
            assert_eq!(examined(method, &document), CrossSite::Request, "{method}");
        }
        for (mode, dest) in
            [("navigate", "iframe"), ("navigate", ""), ("no-cors", "document"), ("cors", "empty"), ("", "")]
        {
            assert_eq!(examined("GET", &link(mode, dest)), CrossSite::Request, "{mode} {dest}");
        }
        let own = [
            ("sec-fetch-site", "same-origin"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
        ];
        assert_eq!(examined("GET", &own), CrossSite::No);
    }
}
