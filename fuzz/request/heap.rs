//! The documented reply to a request for a heap profile, at the page's path and at Go's path.

use crate::expected::{Expected, Who, decoded, is_for_another, number, preferred};
use crate::input::{Sent, Settings};

pub const ALIASES: [&str; 2] = ["/debug/pprof/heap", "/debug/pprof/allocs"];

/// The formats in order of preference, with their media types.
const FORMATS: [(&str, &str, &str); 10] = [
    ("pprof", "application", "octet-stream"),
    ("text", "text", "plain"),
    ("json", "application", "json"),
    ("collapsed", "text", "plain"),
    ("raw", "text", "plain"),
    ("heapprofile", "application", "json"),
    ("heapsnapshot", "application", "json"),
    ("heaptimeline", "application", "json"),
    ("speedscope", "application", "json"),
    ("callgrind", "text", "plain"),
];

/// The reply to a request for a heap profile, or `None` for other requests. The fake report has no heap profile.
pub fn heap(settings: Settings, sent: &Sent, who: Who) -> Option<Expected> {
    let is_alias = is_alias(settings, &sent.path);
    if !is_alias && sent.path != "/debug/memory/heap" {
        return None;
    }
    let refused = |status, title| Some(Expected::OfHeap { status, title, is_alias });
    if sent.method != "GET" && sent.method != "HEAD" {
        return refused(405, "method not allowed");
    }
    let Some((format, is_for_another)) = query(is_alias, sent.query.as_deref().unwrap_or(""), who) else {
        return refused(400, "invalid parameter");
    };
    if is_for_another {
        return refused(421, "wrong instance");
    }
    let by_accept = || {
        let types = FORMATS.map(|(_, kind, subtype)| (kind, subtype));
        preferred(sent, &types).map(|at| FORMATS[at].0.to_owned())
    };
    let format = match format {
        Some(format) => Some(format),
        None if is_alias => Some("pprof".to_owned()),
        None => by_accept(),
    };
    let Some(format) = format else { return refused(406, "not acceptable") };
    if who != Who::Ops {
        return refused(403, "forbidden role");
    }
    if format == "raw" && !settings.gives_addresses {
        return refused(403, "raw addresses off");
    }
    if sent.method == "HEAD" { refused(200, "") } else { refused(501, "not built in") }
}

pub fn is_alias(settings: Settings, path: &str) -> bool {
    settings.has_pprof_aliases && ALIASES.contains(&path)
}

/// The format in the query, if it has one, and whether the query addresses another process. `None` if the query is
/// invalid.
fn query(is_alias: bool, query: &str, who: Who) -> Option<(Option<String>, bool)> {
    let pairs = query.split('&').filter(|_| !query.is_empty());
    let pairs: Vec<(&str, &str)> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let count = |name: &str| pairs.iter().filter(|(known, _)| *known == name).count();
    if query.len() > 4096 || pairs.iter().any(|(name, _)| count(name) > 1) {
        return None;
    }
    let has = |name: &str| count(name) > 0;
    let mut format = None;
    let (mut is_debug, mut for_another) = (false, false);
    for (name, value) in &pairs {
        let value = decoded(value)?;
        match (*name, value.as_str()) {
            ("debug", "0") => {}
            ("debug", "1") => is_debug = true,
            ("instance", id) => for_another = is_for_another(id)?,
            ("seconds", digits) => _ = number(digits, 60)?,
            ("gc", _) if is_alias => {}
            _ if is_alias => return None,
            ("format", name) if FORMATS.iter().any(|(known, ..)| *known == name) => format = Some(value),
            ("force", "true" | "false") | ("symbols", "inline" | "functions" | "none") => {}
            ("top", digits) => _ = number(digits, who.most_rows())?,
            _ => return None,
        }
    }
    let is_signed = matches!(format.as_deref(), None | Some("pprof" | "text" | "json"));
    if has("debug") && has("format") || has("seconds") && (is_debug || !is_signed) {
        return None;
    }
    Some((if is_debug { Some("text".to_owned()) } else { format }, for_another))
}
