//! Passes a browser's request on to an instance, and its response back.

use memory_debug_fleet::Refusal;
use ureq::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use ureq::http::{Method, Request, StatusCode};
use url::Url;

use super::{Client, refusal};
use crate::failure::Failure;
use crate::login::Login;
use crate::target::Target;

/// The headers of a request that an instance needs. `Cookie`, `Origin`, `Referer`, `Sec-Fetch-Site` and the like do not
/// pass: they are about the address that the browser used.
const OF_REQUESTS: [&str; 4] = ["accept", "content-type", "if-match", "if-none-match"];

/// The headers of a response that a browser needs. `Set-Cookie`, `WWW-Authenticate`, `Access-Control-*` and the like do
/// not pass.
const OF_RESPONSES: [&str; 17] = [
    "allow",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "etag",
    "memory-instance",
    "referrer-policy",
    "retry-after",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-robots-tag",
    "last-modified",
];

/// Headers for responses that lack them. Pages of memory-debug have them all; a page of another program must neither
/// run a script nor tell other sites the address of the page.
const IF_MISSING: [(&str, &str); 3] = [
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// A request of a browser for a page below the overview.
#[derive(Debug)]
pub(crate) struct Forwarded {
    pub(crate) method: Method,
    /// The path below the overview, as sent. Empty for the overview itself.
    pub(crate) rest: String,
    /// The query, as sent.
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// A response for a browser.
#[derive(Debug)]
pub(crate) struct Forwardable {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Where a redirect leads to: a path at or below the overview, with its query.
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    /// Sends the request of a browser with the login, and returns the response.
    ///
    /// # Errors
    ///
    /// If no response arrives, if it rejects the login, or if it is a redirect that does not lead to a page.
    pub(crate) fn forward(
        &self,
        target: &Target,
        login: &Login,
        forwarded: Forwarded,
    ) -> Result<Forwardable, Failure> {
        let Forwarded { method, rest, query, headers, body } = forwarded;
        let url = target.url_as_sent(&rest, query.as_deref());
        let mut request = Request::builder().method(method).uri(&url).header("connection", "close");
        for (name, value) in passing(&headers, &OF_REQUESTS) {
            request = request.header(name, value);
        }
        request = request.header("authorization", login.caller().expose());
        let mut response = if body.is_empty() {
            self.send(target, request.body(()))
        } else {
            self.send(target, request.body(body))
        }?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = self.read(target, &mut response)?;
        let location = location(target, &url, &headers);
        let is_lost = status.is_redirection() && status != StatusCode::NOT_MODIFIED && location.is_none();
        if is_lost || Refusal::of(status.as_u16()) == Refusal::Unauthorized {
            return Err(refusal(target, login, status.as_u16(), &body));
        }
        Ok(Forwardable { status, headers: for_browser(&headers), location, body })
    }
}

/// The headers with these names.
fn passing<'a>(
    headers: &'a HeaderMap,
    names: &[&'static str],
) -> impl Iterator<Item = (HeaderName, &'a HeaderValue)> {
    let named = |name: &&'static str| {
        headers.get_all(*name).iter().map(|value| (HeaderName::from_static(name), value))
    };
    names.iter().flat_map(named).collect::<Vec<_>>().into_iter()
}

fn for_browser(headers: &HeaderMap) -> HeaderMap {
    let mut passed = HeaderMap::new();
    for (name, value) in passing(headers, &OF_RESPONSES) {
        passed.append(name, value.clone());
    }
    for (name, value) in IF_MISSING {
        passed.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if !passed.contains_key(CONTENT_TYPE) {
        passed.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    passed
}

/// Where the response to a request for `url` leads, if that is a page of `target`.
fn location(target: &Target, url: &str, headers: &HeaderMap) -> Option<String> {
    let text = headers.get(LOCATION)?.to_str().ok()?;
    let destination = Url::parse(url).ok()?.join(text).ok()?;
    target.has_page(&destination).then(|| match destination.query() {
        Some(query) => format!("{}?{query}", destination.path()),
        None => destination.path().to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        headers.iter().map(pair).collect()
    }

    #[test]
    fn s38_a_response_passes_only_headers_that_a_page_needs() {
        let sent = map(&[
            ("content-type", "text/html"),
            ("content-security-policy", "default-src 'self'"),
            ("set-cookie", "a=b"),
            ("www-authenticate", "Basic"),
            ("access-control-allow-origin", "*"),
            ("clear-site-data", "*"),
            ("refresh", "0; url=https://attacker.example"),
            ("link", "<https://attacker.example>; rel=preload"),
            ("location", "https://attacker.example"),
            ("connection", "close"),
        ]);
        let passed = for_browser(&sent);
        let mut names: Vec<_> = passed.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(
            names,
            ["content-security-policy", "content-type", "referrer-policy", "x-content-type-options"]
        );
        assert_eq!(passed["content-security-policy"], "default-src 'self'", "the page's own policy wins");
    }

    #[test]
    fn s38_a_page_of_another_program_runs_no_script() {
        let passed = for_browser(&map(&[("content-type", "text/html")]));
        assert_eq!(passed["content-security-policy"], "default-src 'none'; sandbox");
        assert_eq!(for_browser(&HeaderMap::new())["content-type"], "text/plain; charset=utf-8");
    }

    #[test]
    fn s38_a_redirect_leads_only_to_a_page_of_the_same_service() {
        let target = Target::parse("http://localhost:1/internal/memory").unwrap();
        let url = "http://localhost:1/internal/memory/snapshots";
        for (text, expected) in [
            ("snapshots/7", Some("/internal/memory/snapshots/7")),
            ("./snapshots?a=b", Some("/internal/memory/snapshots?a=b")),
            ("../memory", Some("/internal/memory")),
            ("/internal/memory/leaks", Some("/internal/memory/leaks")),
            ("http://localhost:1/internal/memory", Some("/internal/memory")),
            ("/internal", None),
            ("/internal/memoryx", None),
            ("../../admin", None),
            ("https://localhost:1/internal/memory", None),
            ("//attacker.example/internal/memory", None),
            ("javascript:alert(1)", None),
        ] {
            let found = location(&target, url, &map(&[("location", text)]));
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }
}
