//! The documented reply to a request with another site behind it.

use super::{Expected, Who, preferred_of};
use crate::input::{Sent, Settings};

const PAGES: [&str; 18] = [
    "",
    "/stats",
    "/instance",
    "/types",
    "/doctor",
    "/heap",
    "/heap/flamegraph",
    "/snapshots",
    "/diff",
    "/leaks",
    "/holders",
    "/holders/progress",
    "/monitor",
    "/monitor/tasks",
    "/trace",
    "/metrics",
    "/profiling",
    "/fleet",
];

/// The reply, or `None` if the link may open its page at once. `is_link` says that the user followed a link.
pub(super) fn expected(settings: Settings, sent: &Sent, who: Who, is_link: bool) -> Option<Expected> {
    let refused = Some(Expected::Problem(403, "cross-site request"));
    if !is_link {
        return refused;
    }
    let is_overview = sent.path == "/debug/memory";
    if is_overview && !settings.types_need_profile {
        return None;
    }
    if is_page(&sent.path) && is_html(sent) && who != Who::Peer {
        return Some(Expected::BeforeLink);
    }
    if is_overview { None } else { refused }
}

fn is_page(path: &str) -> bool {
    let Some(rest) = path.strip_prefix("/debug/memory") else { return false };
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let id = rest.strip_prefix("/snapshots/");
    PAGES.contains(&rest) || id.is_some_and(|id| id.len() == 32 && id.bytes().all(is_digit))
}

/// Whether the reply is HTML: the first format in the query that a page can have, otherwise the preferred type, where
/// the types of errors count too.
fn is_html(sent: &Sent) -> bool {
    let pairs = sent.query.as_deref().unwrap_or_default().split('&');
    let mut named = pairs.filter_map(|pair| pair.strip_prefix("format="));
    match named.find(|name| ["text", "json", "html"].contains(name)) {
        Some(name) => name == "html",
        None => {
            let types = [
                ("text", vec!["plain"]),
                ("application", vec!["json", "problem+json"]),
                ("text", vec!["html", "plain"]),
            ];
            preferred_of(sent, &types) == Some(2)
        }
    }
}
