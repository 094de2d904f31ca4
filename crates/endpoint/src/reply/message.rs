//! The reply, independent of any web framework.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use memory_debug_formats::TreeFormat;

use crate::auth::Refusal;
use crate::reply::format::Format;
#[cfg(any(test, feature = "html"))]
use crate::reply::headers::OF_ASSET;
use crate::reply::headers::{ALWAYS, CHALLENGE, of_flame_graph, of_html};
use crate::reply::problem::Problem;

const UNAUTHORIZED_BODY: &str = "401 unauthorized: this page requires a user name and a password\n";

const PLAIN_HTTP_BODY: &str =
    "403 plain http: this page is served over TLS only; change the password, which others may have read\n";

const THROTTLED_BODY: &str =
    "429 too many wrong passwords: no password is checked for a while; try again later\n";

/// A response that an adapter translates field by field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header fields. Each name occurs once, in lower case. The server adds `Content-Length`.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// The body; empty for `HEAD`.
    pub body: Bytes,
}

impl Reply {
    /// The reply to every client that is not authorized. It is constant, so it reveals nothing.
    pub(crate) fn unauthorized() -> Self {
        Self::new(401, Format::Text.content_type(), Bytes::from_static(UNAUTHORIZED_BODY.as_bytes()))
            .with_header(CHALLENGE.0, CHALLENGE.1)
    }

    /// The constant reply to a password that others could have read on its way.
    pub(crate) fn plain_http() -> Self {
        Self::new(403, Format::Text.content_type(), Bytes::from_static(PLAIN_HTTP_BODY.as_bytes()))
    }

    /// The reply after too many wrong passwords. It is the same whether the next password is right or wrong.
    pub(crate) fn throttled(wait: Duration) -> Self {
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        Self::new(429, Format::Text.content_type(), Bytes::from_static(THROTTLED_BODY.as_bytes()))
            .with_header("retry-after", seconds.to_string())
    }

    /// The reply of a hidden page if there is no application: the same as for an unknown path.
    pub(crate) fn not_found() -> Self {
        Self { status: 404, headers: Vec::new(), body: Bytes::new() }
    }

    /// The reply to a request that was refused before anything else about it was examined.
    pub(crate) fn refusal(refusal: Refusal) -> Self {
        match refusal {
            Refusal::PlainHttp => Self::plain_http(),
            Refusal::Throttled(wait) => Self::throttled(wait),
            Refusal::Unauthorized => Self::unauthorized(),
        }
    }

    pub(crate) fn page(format: Format, body: Bytes) -> Self {
        let reply = Self::new(200, format.content_type(), body);
        let reply = if format == Format::Html { reply.with_replaced(&of_html()) } else { reply };
        match format.disposition() {
            Some(disposition) => reply.with_header("content-disposition", disposition),
            None => reply,
        }
    }

    /// The frame of the flame graph.
    pub(crate) fn flame_graph(page: String) -> Self {
        Self::page(Format::Html, page.into()).with_replaced(&of_flame_graph())
    }

    /// A file that pages for browsers load.
    #[cfg(any(test, feature = "html"))]
    pub(crate) fn asset(content_type: &'static str, bytes: &'static [u8]) -> Self {
        Self::new(200, content_type, Bytes::from_static(bytes)).with_replaced(&OF_ASSET)
    }

    /// Marks the page as showing something new, at `location` relative to the path of the request.
    pub(crate) fn created(self, location: String) -> Self {
        Self { status: 201, ..self.with_header("location", location) }
    }

    /// Sends a browser to the page at `location` after a change, so that a reload does not repeat the change.
    pub(crate) fn see_other(location: String) -> Self {
        Self { status: 303, ..Self::page(Format::Html, Bytes::new()).with_header("location", location) }
    }

    /// Adds the tag of the state on the page, for conditional changes.
    pub(crate) fn tagged(self, etag: String) -> Self {
        self.with_header("etag", etag)
    }

    /// The same reply as a page for a browser.
    pub(crate) fn into_page(self, page: String) -> Self {
        let headers = [("content-type", Format::Html.content_type())];
        Self { body: page.into(), ..self }.with_replaced(&of_html()).with_replaced(&headers)
    }

    /// The empty reply to a request that succeeded.
    pub(crate) fn nothing() -> Self {
        Self { status: 204, ..Self::new(204, Format::Text.content_type(), Bytes::new()) }
    }

    pub(crate) fn problem(problem: &Problem, format: Format) -> Self {
        let is_for_pprof = matches!(format, Format::Pprof | Format::Trace(TreeFormat::Pprof));
        let format = format.for_problem();
        let mut reply =
            Self::new(problem.status(), format.problem_content_type(), problem.render(format).into());
        if is_for_pprof {
            // `go tool pprof` shows the body only with this header.
            reply = reply.with_header("x-go-pprof", "1");
        }
        if let Some(methods) = problem.allowed_methods() {
            reply = reply.with_header("allow", methods.to_owned());
        }
        if let Some(etag) = problem.etag() {
            reply = reply.tagged(etag.to_owned());
        }
        if let Some(seconds) = problem.retry_after_s() {
            reply = reply.with_header("retry-after", seconds.to_string());
        }
        reply
    }

    /// The reply to `HEAD`: the same headers without a body.
    pub(crate) fn without_body(self) -> Self {
        Self { body: Bytes::new(), ..self }
    }

    fn new(status: u16, content_type: &'static str, body: Bytes) -> Self {
        let always = ALWAYS.iter().map(|&(name, value)| (name, Cow::Borrowed(value)));
        let headers = always.chain([("content-type", Cow::Borrowed(content_type))]).collect();
        Self { status, headers, body }
    }

    /// Replaces the values of headers that the reply has.
    fn with_replaced(mut self, headers: &[(&'static str, &'static str)]) -> Self {
        for (name, value) in &mut self.headers {
            if let Some((_, other)) = headers.iter().find(|(wanted, _)| wanted == name) {
                *value = Cow::Borrowed(other);
            }
        }
        self
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The headers of a reply that differ from the usual ones.
    fn of_its_kind(reply: &Reply) -> Vec<(&'static str, &'static str)> {
        let (_, content_type) = reply.headers.iter().find(|(name, _)| *name == "content-type").unwrap();
        match &**content_type {
            "text/html; charset=utf-8" => of_html().to_vec(),
            "text/css; charset=utf-8" => OF_ASSET.to_vec(),
            _ => Vec::new(),
        }
    }

    fn every_kind_of_reply() -> Vec<Reply> {
        let mut replies =
            vec![Reply::unauthorized(), Reply::plain_http(), Reply::throttled(Duration::from_millis(9001))];
        replies.push(Reply::asset("text/css; charset=utf-8", b""));
        replies.push(Reply::see_other("./profiling".to_owned()));
        for &format in Format::PAGE {
            replies.push(Reply::page(format, Bytes::new()));
            replies.extend(Problem::examples().iter().map(|problem| Reply::problem(problem, format)));
        }
        replies.extend(replies.clone().into_iter().map(Reply::without_body));
        replies
    }

    #[test]
    fn s33_every_reply_has_the_protective_headers() {
        for reply in every_kind_of_reply() {
            let own = of_its_kind(&reply);
            for (name, value) in ALWAYS {
                let value = own.iter().find(|(known, _)| *known == name).map_or(value, |(_, value)| value);
                assert!(reply.headers.contains(&(name, value.into())), "{name}: {reply:?}");
            }
            let (_, content_type) = reply.headers.iter().find(|(name, _)| *name == "content-type").unwrap();
            let known = [
                "text/plain; charset=utf-8",
                "application/json",
                "application/problem+json",
                "text/html; charset=utf-8",
                "text/css; charset=utf-8",
            ];
            assert!(known.contains(&&**content_type), "{reply:?}");
        }
    }

    #[test]
    fn header_names_are_unique_lower_case_tokens_and_values_visible_ascii() {
        for reply in every_kind_of_reply() {
            let names: BTreeSet<_> = reply.headers.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), reply.headers.len(), "{reply:?}");
            for (name, value) in &reply.headers {
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
                assert!(value.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{value}");
            }
        }
    }

    #[test]
    fn s32_no_reply_opens_the_page_to_other_origins() {
        for reply in every_kind_of_reply() {
            assert!(!reply.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{reply:?}");
        }
    }

    #[test]
    fn s13_only_the_401_carries_a_challenge() {
        for reply in every_kind_of_reply() {
            let challenge = reply.headers.iter().find(|(name, _)| *name == "www-authenticate");
            let expected = "Basic realm=\"memory\", charset=\"UTF-8\"";
            assert_eq!(
                challenge.map(|(_, value)| &**value),
                (reply.status == 401).then_some(expected),
                "{reply:?}"
            );
        }
    }

    #[test]
    fn s40_replies_that_ask_for_a_retry_say_when() {
        for reply in every_kind_of_reply() {
            let says_when = reply.headers.iter().any(|(name, _)| *name == "retry-after");
            assert_eq!(says_when, matches!(reply.status, 429 | 503), "{reply:?}");
        }
    }
}
