//! The documented reply to a request, computed without the code under test.

#[path = "change.rs"]
mod change;
#[path = "form.rs"]
mod form;
#[path = "link.rs"]
mod link;
#[path = "metrics.rs"]
mod metrics;

use std::net::IpAddr;

use memory_debug_endpoint::memory_debug_core::instance_id;

use crate::base64::base64;
use crate::heap::heap;
use crate::input::{Sent, Settings};
use crate::{OPS, PEER, READER, ROWS};

#[derive(Debug)]
pub enum Expected {
    PlainHttp,
    Unauthorized,
    /// An error with this status and title.
    Problem(u16, &'static str),
    Page(Page),
    /// The page for a link from another site.
    BeforeLink,
    /// A fleet with this instance, in which the only configured peer is missing.
    Fleet(Page),
    /// Metrics, with a series for each of these types if there are some.
    Metrics {
        is_openmetrics: bool,
        types: Option<Vec<&'static str>>,
    },
    /// A reply about profiles and snapshots. Without a heap profile it is an error in most cases. `may` says that the
    /// role suffices. Peers are refused before they learn what exists.
    OfProfiles {
        may: bool,
        is_peer: bool,
    },
    /// The reply to a request for a heap profile: 200 for HEAD, otherwise an error. `go tool pprof` shows the error
    /// unless it is JSON.
    OfHeap {
        status: u16,
        title: &'static str,
        is_alias: bool,
    },
}

/// The owner of the password in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Ops,
    Reader,
    Peer,
}

impl Who {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ops => "ops",
            Self::Reader => "reader",
            Self::Peer => "peer",
        }
    }

    /// The most rows that a request may ask for. A peer may ask for any number, because it does not know our maximum.
    pub fn most_rows(self) -> u64 {
        if self == Self::Peer { u64::MAX } else { 1000 }
    }
}

impl Expected {
    /// The kind of reply.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::PlainHttp => "plain http",
            Self::Unauthorized => "unauthorized",
            Self::Problem(_, title) | Self::OfHeap { title, .. } => title,
            Self::Page(_) => "page",
            Self::BeforeLink => "before a link",
            Self::Fleet(_) => "fleet",
            Self::Metrics { .. } => "metrics",
            Self::OfProfiles { .. } => "of profiles",
        }
    }
}

#[derive(Debug)]
pub struct Page {
    pub is_json: bool,
    /// The names of the rows, if the page has the table.
    pub rows: Option<Vec<&'static str>>,
}

pub fn expected(settings: Settings, sent: &Sent) -> Expected {
    if settings.requires_tls && !is_private(settings, sent) {
        return Expected::PlainHttp;
    }
    let Some(who) = who(settings, sent) else { return Expected::Unauthorized };
    if let Some(is_link) = cross_site(sent)
        && let Some(expected) = link::expected(settings, sent, who, is_link)
    {
        return expected;
    }
    if sent.path == "/debug/memory/profiling" && sent.method == "PUT" {
        return change::expected(sent, who);
    }
    if sent.path == "/debug/memory/profiling" && sent.method == "POST" {
        return form::expected(sent, who);
    }
    if let Some(expected) = heap(settings, sent, who) {
        return expected;
    }
    if sent.path == "/debug/memory/metrics" {
        return metrics::expected(settings, sent, who);
    }
    if is_of_profiles(sent) {
        let changes = sent.method != "GET" && sent.method != "HEAD";
        let for_readers = !changes && !sent.path.starts_with("/debug/memory/heap");
        let may = who == Who::Ops || who == Who::Reader && for_readers;
        return Expected::OfProfiles { may, is_peer: who == Who::Peer };
    }
    let page = match sent.path.as_str() {
        "/debug/memory" => "",
        "/debug/memory/stats" => "stats",
        "/debug/memory/instance" => "instance",
        "/debug/memory/types" => "types",
        "/debug/memory/doctor" => "doctor",
        "/debug/memory/fleet" => "fleet",
        _ => return Expected::Problem(404, "unknown path"),
    };
    if sent.method != "GET" && sent.method != "HEAD" {
        return Expected::Problem(405, "method not allowed");
    }
    let Some(query) = Query::read(page, sent.query.as_deref().unwrap_or(""), who) else {
        return Expected::Problem(400, "invalid parameter");
    };
    if query.is_for_another {
        return Expected::Problem(421, "wrong instance");
    }
    let Some(is_json) = query.is_json.or_else(|| negotiated_page(sent)) else {
        return Expected::Problem(406, "not acceptable");
    };
    let is_passed_on = !values(sent, "memory-hop").is_empty();
    let may = match who {
        Who::Ops => true,
        Who::Reader => {
            !query.force && !(settings.types_need_profile && page != "stats" && page != "instance")
        }
        Who::Peer => page.is_empty() && is_passed_on && !query.force,
    };
    if !may {
        return Expected::Problem(403, "forbidden role");
    }
    let rows = (["", "types", "fleet"].contains(&page)).then(|| query.rows());
    match page {
        "fleet" if is_passed_on => Expected::Problem(400, "second hop"),
        "fleet" if query.is_of_peers && settings.has_peers => Expected::Fleet(Page { is_json, rows }),
        "fleet" => Expected::Problem(501, "not built in"),
        _ => Expected::Page(Page { is_json, rows }),
    }
}

fn is_of_profiles(sent: &Sent) -> bool {
    let rest = sent.path.strip_prefix("/debug/memory/").unwrap_or_default();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_id = |length| move |id: &str| id.len() == length && id.bytes().all(is_digit);
    let query = sent.query.as_deref().unwrap_or_default();
    const PAGES: [&str; 12] = [
        "heap/flamegraph", "heap/tree", "snapshots", "diff", "leaks", "profiling", "purge", "monitor", "monitor/tasks",
        "trace", "holders", "holders/progress",
    ];
    PAGES.contains(&rest)
        || rest == "stats" && query.contains("detail=")
        || rest.strip_prefix("types/").is_some_and(is_id(16))
        || rest.strip_prefix("snapshots/").is_some_and(|id| is_id(32)(id.strip_suffix("/delete").unwrap_or(id)))
}

fn values<'a>(sent: &'a Sent, name: &str) -> Vec<&'a [u8]> {
    sent.headers.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.as_slice()).collect()
}

fn is_private(settings: Settings, sent: &Sent) -> bool {
    let forwarded = values(sent, "x-forwarded-proto");
    if settings.trusts_forwarded_proto && !forwarded.is_empty() {
        let list = String::from_utf8_lossy(&forwarded.join(&b',')).to_ascii_lowercase();
        return list.split(',').all(|proto| proto.trim_matches([' ', '\t', '\n', '\r', '\u{c}']) == "https");
    }
    let is_loopback = match sent.connection.peer {
        None => false,
        Some(IpAddr::V4(peer)) => peer.octets()[0] == 127,
        Some(IpAddr::V6(peer)) => {
            let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127];
            u128::from(peer) == 1 || peer.octets().starts_with(&mapped)
        }
    };
    is_loopback || sent.connection.tls == Some(true)
}

/// The owner of the password, or `None` if no login has this password.
pub fn who(settings: Settings, sent: &Sent) -> Option<Who> {
    let [header] = *values(sent, "authorization") else { return None };
    let (scheme, rest) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if header.len() > 4096 || scheme.to_ascii_lowercase() != "basic" {
        return None;
    }
    let token = rest.trim_start_matches(' ');
    let is = |(user, password)| base64(format!("{user}:{password}").as_bytes()) == token;
    let known = [(OPS, Who::Ops), (READER, Who::Reader), (PEER, Who::Peer)];
    let (_, who) = known.into_iter().find(|(login, _)| is(*login))?;
    (who != Who::Peer || settings.has_peers).then_some(who)
}

/// The rules of Go's `http.CrossOriginProtection`. In addition, other sites may not read. If another site is behind the
/// request, tells whether the user followed a link.
fn cross_site(sent: &Sent) -> Option<bool> {
    let is_safe = ["GET", "HEAD", "OPTIONS"].contains(&sent.method.as_str());
    match values(sent, "sec-fetch-site").as_slice() {
        [] => (!is_safe && !has_own_origin(sent)).then_some(false),
        [b"same-origin"] | [b"none"] => None,
        _ => Some(
            sent.method == "GET"
                && values(sent, "sec-fetch-mode") == [b"navigate"]
                && values(sent, "sec-fetch-dest") == [b"document"],
        ),
    }
}

fn has_own_origin(sent: &Sent) -> bool {
    let origins = values(sent, "origin");
    let hosts = values(sent, "host");
    let host = match &sent.authority {
        Some(authority) => Some(authority.as_bytes().to_vec()),
        None => (hosts.len() == 1).then(|| hosts[0].to_vec()),
    };
    match (origins.as_slice(), host) {
        ([], _) => true,
        ([origin], Some(host)) if !host.is_empty() => {
            let (origin, host) = (origin.to_ascii_lowercase(), host.to_ascii_lowercase());
            // The scheme is everything before the first `://`.
            let end = [b"://".as_slice(), &host].concat();
            origin.ends_with(&end)
                && !origin[..origin.len() - end.len() + 2].windows(3).any(|part| part == b"://")
        }
        _ => false,
    }
}

/// Whether the preferred of the two formats is JSON, or `None` if neither is acceptable.
fn negotiated(sent: &Sent) -> Option<bool> {
    preferred(sent, &[("text", "plain"), ("application", "json")]).map(|at| at == 1)
}

/// Whether the preferred format of a page is JSON and not text or HTML, or `None` if none of them is acceptable.
fn negotiated_page(sent: &Sent) -> Option<bool> {
    preferred(sent, &[("text", "plain"), ("application", "json"), ("text", "html")]).map(|at| at == 1)
}

/// The index of the preferred media type, the first of equals, or `None` if no type is acceptable.
pub fn preferred(sent: &Sent, types: &[(&str, &str)]) -> Option<usize> {
    let types: Vec<_> = types.iter().map(|(kind, subtype)| (*kind, vec![*subtype])).collect();
    preferred_of(sent, &types)
}

/// The same for types that have several names.
fn preferred_of(sent: &Sent, types: &[(&str, Vec<&str>)]) -> Option<usize> {
    let ranges: Vec<(String, f64)> = values(sent, "accept")
        .iter()
        .filter_map(|value| std::str::from_utf8(value).ok())
        .flat_map(|value| value.split(','))
        .filter_map(range)
        .collect();
    if ranges.is_empty() {
        return Some(0);
    }
    let quality = |kind: &str, subtypes: &[&str]| {
        let best = |wanted: &[String]| {
            let found =
                ranges.iter().filter(|(range, _)| wanted.contains(range)).map(|(_, quality)| *quality);
            found.reduce(f64::max)
        };
        let named: Vec<_> = subtypes.iter().map(|subtype| format!("{kind}/{subtype}")).collect();
        best(&named).or_else(|| best(&[format!("{kind}/*")])).or_else(|| best(&["*/*".to_owned()]))
    };
    let mut preferred = (0.0, None);
    for (at, (kind, subtypes)) in types.iter().enumerate() {
        let quality = quality(kind, subtypes).unwrap_or(0.0);
        if quality > preferred.0 {
            preferred = (quality, Some(at));
        }
    }
    preferred.1
}

fn range(element: &str) -> Option<(String, f64)> {
    let mut parts = element.split(';').map(str::trim);
    let range = parts.next()?.to_ascii_lowercase();
    let qualities = parts.filter_map(|part| {
        let (name, value) = part.split_once('=')?;
        ["q", "Q"].contains(&name.trim()).then_some(value.trim())
    });
    // The last value counts, and all values must be well-formed.
    let qualities: Option<Vec<f64>> = qualities.map(quality).collect();
    let quality = qualities?.last().copied().unwrap_or(1.0);
    let (kind, subtype) = range.split_once('/')?;
    (!kind.is_empty() && !subtype.is_empty()).then_some((range, quality))
}

fn quality(text: &str) -> Option<f64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = ["", "0", "1"].contains(&whole) && fraction.bytes().all(|digit| digit.is_ascii_digit());
    let fraction = fraction.get(..3).unwrap_or(fraction);
    let number: f64 = is_number.then(|| format!("0{whole}.{fraction}0"))?.parse().ok()?;
    (number <= 1.0).then_some(number)
}

/// The parameters that a prediction needs.
struct Query {
    is_json: Option<bool>,
    force: bool,
    top: usize,
    sort: String,
    filter: String,
    is_for_another: bool,
    is_of_peers: bool,
}

impl Query {
    /// Reads the query, or returns `None` if it is invalid.
    fn read(page: &str, query: &str, who: Who) -> Option<Self> {
        let is_types = page == "types";
        let has_top = is_types || page.is_empty() || page == "fleet";
        let pairs: Vec<(&str, &str)> = if query.is_empty() {
            Vec::new()
        } else {
            query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect()
        };
        let count = |name: &str| pairs.iter().filter(|(known, _)| *known == name).count();
        if query.len() > 4096 || pairs.iter().any(|(name, _)| count(name) > 1) {
            return None;
        }
        let mut read = Self {
            is_json: None,
            force: false,
            top: 50,
            sort: "bytes".into(),
            filter: String::new(),
            is_for_another: false,
            is_of_peers: false,
        };
        for (name, value) in pairs {
            let value = decoded(value)?;
            match (name, value.as_str()) {
                ("format", "json") => read.is_json = Some(true),
                ("format", "text" | "html") => read.is_json = Some(false),
                ("force", "true") => read.force = true,
                ("force", "false") => {}
                ("instance", id) => read.is_for_another = is_for_another(id)?,
                ("scope", scope @ ("host" | "peers")) if page == "fleet" => {
                    read.is_of_peers = scope == "peers"
                }
                ("top", digits) if has_top => {
                    read.top = usize::try_from(number(digits, who.most_rows())?).ok()?;
                }
                ("sort", "bytes" | "count" | "name") if is_types => read.sort = value,
                (
                    "group",
                    "container" | "element" | "function" | "file" | "line" | "crate" | "thread" | "thread_id"
                    | "size_class" | "traceback" | "age" | "route",
                ) if is_types => {}
                ("depth", digits) if is_types => {
                    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
                    let digits = is_number.then(|| digits.trim_start_matches('0'))?;
                    (1..=2).contains(&digits.len()).then_some(())?;
                    digits.parse::<u8>().ok().filter(|depth| (1..=32).contains(depth))?;
                }
                ("filter" | "focus" | "ignore", text) if is_types || page == "fleet" && name == "filter" => {
                    // An empty text counts as missing.
                    if text.len() > 128 || text.chars().any(char::is_control) {
                        return None;
                    }
                    if name == "filter" {
                        read.filter = value;
                    }
                }
                _ => return None,
            }
        }
        Some(read)
    }

    fn rows(&self) -> Vec<&'static str> {
        let mut rows: Vec<_> = ROWS.iter().filter(|(name, ..)| name.contains(&self.filter)).collect();
        rows.sort_by_key(|(name, objects, bytes)| match self.sort.as_str() {
            "bytes" => (u64::MAX - bytes, *name),
            "count" => (u64::MAX - objects, *name),
            _ => (0, *name),
        });
        rows.iter().take(self.top).map(|(name, ..)| *name).collect()
    }
}

/// A number from 1 to `most`.
pub fn number(digits: &str, most: u64) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    let digits = is_number.then(|| digits.trim_start_matches('0'))?;
    let number = (1..=20).contains(&digits.len()).then(|| digits.parse::<u64>().ok())??;
    (number <= most).then_some(number)
}

/// Whether the id belongs to another process. `None` if it is not an id: groups of lower-case digits.
pub fn is_for_another(id: &str) -> Option<bool> {
    let groups: Vec<&str> = id.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_id = lengths == [8, 4, 4, 4, 12] && groups.concat().bytes().all(is_digit);
    is_id.then(|| instance_id().to_string() != id)
}

/// The text that `%2b+` stands for.
pub fn decoded(text: &str) -> Option<String> {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).ok()
}
