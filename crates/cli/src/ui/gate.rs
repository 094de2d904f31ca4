//! Decides which requests pass to the instance.
//!
//! Another program on this machine, or a page of another site in the operator's browser, can send requests to a port on
//! loopback. Neither knows the token. The other checks are a second defence, in case the token leaks: they are the rules
//! that the service itself has for browsers.

use hyper::header::{HOST, HeaderMap, ORIGIN};
use hyper::http::request::Parts;
use hyper::{Method, StatusCode};

use super::token::Token;

/// The methods that pages have.
pub(super) const METHODS: [Method; 5] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE];

/// What a request must have to pass.
#[derive(Clone, Debug)]
pub(crate) struct Gate {
    pub(crate) token: Token,
    /// Our own address, as in the `Host` of a request: `127.0.0.1:41234`.
    pub(crate) authority: String,
    /// The path of the overview.
    pub(crate) base: String,
}

/// The page that a request asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The path below the overview. Empty for the overview itself.
    pub(crate) rest: String,
    pub(crate) query: Option<String>,
}

impl Gate {
    /// The address of the page at `path`, which is the overview or below it.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("http://{}{}", self.authority, self.path(path))
    }

    /// The path of the page at `path`, with the token.
    pub(crate) fn path(&self, path: &str) -> String {
        format!("/{}{path}", self.token.expose())
    }

    /// Returns the page that a request asks for.
    ///
    /// # Errors
    ///
    /// The status for a request that does not pass. It is 404 for every request without the token.
    pub(crate) fn pass(&self, head: &Parts) -> Result<Wanted, StatusCode> {
        let is_here =
            head.uri.authority().is_none() && only(&head.headers, HOST.as_str()) == Some(&self.authority);
        let path = self.token.after(head.uri.path()).filter(|_| is_here).ok_or(StatusCode::NOT_FOUND)?;
        let rest = path.strip_prefix(self.base.as_str()).filter(|rest| is_page(rest));
        let rest = rest.ok_or(StatusCode::NOT_FOUND)?;
        if !METHODS.contains(&head.method) {
            return Err(StatusCode::METHOD_NOT_ALLOWED);
        }
        if self.is_cross_site(head, rest.is_empty()) {
            return Err(StatusCode::FORBIDDEN);
        }
        Ok(Wanted { rest: rest.to_owned(), query: head.uri.query().map(str::to_owned) })
    }

    /// Whether a page of another site sent the request. Other sites may only link to the overview.
    fn is_cross_site(&self, head: &Parts, is_overview: bool) -> bool {
        let headers = &head.headers;
        let is_safe = matches!(head.method, Method::GET | Method::HEAD);
        if !headers.contains_key("sec-fetch-site") {
            let own = format!("http://{}", self.authority);
            return !is_safe && headers.contains_key(ORIGIN) && only(headers, ORIGIN.as_str()) != Some(&own);
        }
        let is = |name, value| only(headers, name) == Some(value);
        let is_link = head.method == Method::GET
            && is("sec-fetch-mode", "navigate")
            && is("sec-fetch-dest", "document");
        let is_own = is("sec-fetch-site", "same-origin") || is("sec-fetch-site", "none");
        !(is_own || is_overview && is_link)
    }
}

/// The value of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// Whether `rest` can follow the path of the overview. Paths of pages need no other characters, and these have one
/// meaning for every server on the way.
fn is_page(rest: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.');
    (rest.is_empty() || rest.starts_with('/'))
        && rest.bytes().all(is_plain)
        && rest.split('/').all(|segment| segment != "." && segment != "..")
}

#[cfg(test)]
mod tests {
    use hyper::Request;
    use proptest::prelude::*;

    use super::*;
    use crate::target::Target;

    const HERE: &str = "127.0.0.1:4000";

    fn gate() -> Gate {
        let token = Token::random().unwrap();
        Gate { token, authority: HERE.to_owned(), base: "/debug/memory".to_owned() }
    }

    fn status(gate: &Gate, method: &str, uri: &str, headers: &[(&str, &str)]) -> u16 {
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        gate.pass(&head).map_or_else(|status| status.as_u16(), |_| 200)
    }

    #[test]
    fn s36_every_request_without_the_token_or_for_another_host_is_404() {
        let gate = gate();
        let page = gate.path("/debug/memory");
        let host = ("host", HERE);
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "TRACE", "OPTIONS", "BREW"] {
            for uri in
                ["/", "/debug/memory", "/0123456789abcdef0123456789abcdef/debug/memory", "/favicon.ico", "*"]
            {
                if uri != "*" || method == "OPTIONS" {
                    assert_eq!(status(&gate, method, uri, &[host]), 404, "{method} {uri}");
                }
            }
            for headers in [
                &[][..],
                &[("host", "attacker.example:4000")],
                &[("host", "localhost:4000")],
                &[("host", "127.0.0.1")],
                &[("host", "127.0.0.1:4001")],
                &[host, host],
                &[host, ("host", "attacker.example")],
            ] {
                assert_eq!(status(&gate, method, &page, headers), 404, "{method} {headers:?}");
            }
            let absolute = format!("http://{HERE}{page}");
            assert_eq!(status(&gate, method, &absolute, &[host]), 404, "{method}, as to a proxy");
        }
        assert_eq!(status(&gate, "GET", &page, &[host]), 200);
    }

    #[test]
    fn s36_only_pages_at_and_below_the_base_path_pass() {
        let gate = gate();
        for (path, expected) in [
            ("/debug/memory", 200),
            ("/debug/memory/types?filter=Vec%3Cu8%3E", 200),
            ("/debug/memory/assets/ui-0123456789abcdef.css", 200),
            ("/debug/memory/snapshots/7/delete", 200),
            ("", 404),
            ("/", 404),
            ("/admin", 404),
            ("/debug", 404),
            ("/debug/memoryx", 404),
            ("/debug/memory/../../admin", 404),
            ("/debug/memory/./types", 404),
            ("/debug/memory/%2e%2e/%2E%2E/admin", 404),
            ("/debug/memory/..%2fadmin", 404),
            ("/debug/memory/types;x=y", 404),
            ("/debug/memory/types%00", 404),
        ] {
            assert_eq!(status(&gate, "GET", &gate.path(path), &[("host", HERE)]), expected, "{path}");
        }
        for method in ["OPTIONS", "TRACE", "PATCH", "CONNECTION", "get"] {
            assert_eq!(
                status(&gate, method, &gate.path("/debug/memory"), &[("host", HERE)]),
                405,
                "{method}"
            );
        }
    }

    proptest! {
        #[test]
        fn s36_a_path_that_passes_reaches_the_service_unchanged(rest in "(/|\\.|%2[eEfF]|%5c|[a-z0-9_~;:@-]{1,3}){0,8}") {
            let gate = gate();
            let uri = gate.path(&format!("/debug/memory{rest}"));
            let (head, ()) = Request::builder().uri(uri).header("host", HERE).body(()).unwrap().into_parts();
            if let Ok(wanted) = gate.pass(&head) {
                prop_assert_eq!(&wanted.rest, &rest);
                let url = Target::parse("http://localhost:1").unwrap().url_as_sent(&rest, None);
                prop_assert_eq!(url, format!("http://localhost:1/debug/memory{rest}"));
            }
        }
    }

    #[test]
    fn s37_pages_of_other_sites_cannot_use_the_token() {
        let gate = gate();
        let own = format!("http://{HERE}");
        for (method, site, origin, expected) in [
            ("GET", "", "", 200),
            ("GET", "same-origin", "", 200),
            ("GET", "none", "", 200),
            ("GET", "same-site", "", 403),
            ("GET", "cross-site", "", 403),
            ("GET", "new-kind", "", 403),
            ("HEAD", "cross-site", "", 403),
            ("POST", "", "", 200),
            ("POST", "same-origin", own.as_str(), 200),
            ("POST", "", own.as_str(), 200),
            ("POST", "", "null", 403),
            ("POST", "", "http://127.0.0.1:4001", 403),
            ("POST", "", "http://127.0.0.1:4000.attacker.example", 403),
            ("POST", "", "https://127.0.0.1:4000", 403),
            ("PUT", "same-site", own.as_str(), 403),
            ("DELETE", "cross-site", own.as_str(), 403),
        ] {
            let mut headers = vec![("host", HERE)];
            headers.extend(
                [("sec-fetch-site", site), ("origin", origin)].iter().filter(|(_, value)| !value.is_empty()),
            );
            let found = status(&gate, method, &gate.path("/debug/memory/snapshots"), &headers);
            assert_eq!(found, expected, "{method} {site} {origin}");
        }
        let twice = [("host", HERE), ("sec-fetch-site", "none"), ("sec-fetch-site", "none")];
        assert_eq!(status(&gate, "GET", &gate.path("/debug/memory"), &twice), 403);
    }

    #[test]
    fn s37_other_sites_may_link_only_to_the_overview() {
        let gate = gate();
        let found = |method, path: &str, mode, dest| {
            let headers = [
                ("host", HERE),
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-mode", mode),
                ("sec-fetch-dest", dest),
            ];
            status(&gate, method, &gate.path(path), &headers)
        };
        assert_eq!(found("GET", "/debug/memory", "navigate", "document"), 200);
        assert_eq!(found("GET", "/debug/memory/heap", "navigate", "document"), 403);
        assert_eq!(found("POST", "/debug/memory", "navigate", "document"), 403);
        assert_eq!(found("GET", "/debug/memory", "navigate", "iframe"), 403);
        assert_eq!(found("GET", "/debug/memory", "no-cors", "document"), 403);
    }
}
