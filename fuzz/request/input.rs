//! Requests that are nearly right, so that the reply depends on one field at a time.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use memory_debug_endpoint::Connection;
use memory_debug_endpoint::memory_debug_core::instance_id;

use crate::base64::base64;
use crate::heap::ALIASES;
use crate::{OPS, PEER, READER};

#[derive(Arbitrary, Debug)]
pub struct Request<'a> {
    pub settings: Settings,
    method: Method<'a>,
    path: Path<'a>,
    query: Option<Vec<Parameter<'a>>>,
    accept: Vec<Accept<'a>>,
    authorization: Authorization<'a>,
    browser: Option<Browser<'a>>,
    forwarded: Vec<Forwarded<'a>>,
    peer: Peer,
    tls: Option<bool>,
    described: Option<Described<'a>>,
    body: Body<'a>,
    if_match: Option<&'a [u8]>,
    is_passed_on: bool,
}

/// The settings of the endpoint.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Settings {
    pub requires_tls: bool,
    pub trusts_forwarded_proto: bool,
    pub is_hidden: bool,
    pub types_need_profile: bool,
    pub has_pprof_aliases: bool,
    pub gives_addresses: bool,
    pub has_peers: bool,
}

/// A request as text, both for the endpoint and for the prediction of the reply.
#[derive(Debug)]
pub struct Sent {
    pub method: String,
    pub authority: Option<String>,
    pub path: String,
    pub query: Option<String>,
    pub headers: Vec<(&'static str, Vec<u8>)>,
    pub connection: Connection,
    /// The body in the pieces in which it arrives.
    pub body: Vec<Vec<u8>>,
}

#[derive(Arbitrary, Debug)]
enum Method<'a> {
    Get,
    Head,
    Post,
    Put,
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Path<'a> {
    Overview,
    Stats,
    Instance,
    Types,
    Doctor,
    Fleet,
    /// The fleet with `scope=peers`.
    FleetOfPeers,
    Heap,
    Flamegraph,
    Tree,
    Snapshots,
    Diff,
    Leaks,
    Monitor,
    Tasks,
    Trace,
    Metrics,
    Profiling,
    Delete,
    Alias(bool),
    Below(&'a str),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Parameter<'a> {
    Format(u8),
    Force(bool),
    Top(u16),
    Sort(u8),
    Group(u8),
    Profile(u8),
    Seconds(u8),
    Types(u8),
    Debug(bool),
    Scope(bool),
    Instance(bool),
    Encoded(u8, &'a [u8]),
    Known(u8, &'a str),
    Other(&'a str),
}

#[derive(Arbitrary, Debug)]
enum Accept<'a> {
    Range(u8, u8),
    Other(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Authorization<'a> {
    Ops,
    Reader,
    Peer,
    None,
    Twice,
    Pair(&'a str),
    Other(&'a [u8]),
}

/// The headers by which a browser describes the requesting page.
#[derive(Arbitrary, Debug)]
struct Browser<'a> {
    site: Vec<Word<'a>>,
    mode: Option<Word<'a>>,
    dest: Option<Word<'a>>,
    origin: Vec<Word<'a>>,
    host: Option<Word<'a>>,
    authority: Option<&'a str>,
}

#[derive(Arbitrary, Debug)]
enum Word<'a> {
    Known(u8),
    Other(&'a [u8]),
}

#[derive(Arbitrary, Debug)]
enum Forwarded<'a> {
    Https,
    Http,
    Other(&'a [u8]),
}

/// The headers that describe the body.
#[derive(Arbitrary, Debug)]
struct Described<'a> {
    types: Vec<Word<'a>>,
    encodings: Vec<Word<'a>>,
    lengths: Vec<Word<'a>>,
}

#[derive(Arbitrary, Debug)]
enum Body<'a> {
    /// A change with these fields.
    Change(Vec<Field<'a>>),
    /// A form with these fields.
    Form(Vec<Field<'a>>),
    Other(Vec<&'a [u8]>),
    /// This number of times 64 spaces, then an object.
    Long(u16),
}

#[derive(Arbitrary, Debug)]
enum Field<'a> {
    Active(bool),
    ForSeconds(u16),
    SampleBytes(u8),
    Known(u8, u8),
    Other(&'a str, u64),
}

#[derive(Arbitrary, Debug)]
enum Peer {
    Unknown,
    Loopback,
    V4([u8; 4]),
    V6([u8; 16]),
    Mapped([u8; 4]),
}

impl Request<'_> {
    pub fn sent(&self) -> Sent {
        let mut headers = Vec::new();
        let mut add = |name, value| headers.push((name, value));
        match self.authorization {
            Authorization::Ops => add("authorization", basic(OPS)),
            Authorization::Reader => add("authorization", basic(READER)),
            Authorization::Peer => add("authorization", basic(PEER)),
            Authorization::None => {}
            Authorization::Twice => (0..2).for_each(|_| add("authorization", basic(OPS))),
            Authorization::Pair(pair) => {
                add("authorization", format!("Basic {}", base64(pair.as_bytes())).into_bytes());
            }
            Authorization::Other(value) => add("authorization", value.to_vec()),
        }
        self.accept.iter().for_each(|accept| add("accept", accept.value()));
        self.forwarded.iter().for_each(|forwarded| add("x-forwarded-proto", forwarded.value()));
        if let Some(Browser { site, mode, dest, origin, host, .. }) = &self.browser {
            site.iter().for_each(|word| add("sec-fetch-site", word.value(&SITES)));
            mode.iter().for_each(|word| add("sec-fetch-mode", word.value(&["navigate", "cors"])));
            dest.iter().for_each(|word| add("sec-fetch-dest", word.value(&["document", "image"])));
            origin.iter().for_each(|word| add("origin", word.value(&ORIGINS)));
            host.iter().for_each(|word| add("host", word.value(&["shop.example", "Shop.Example:80"])));
        }
        match &self.described {
            None => add("content-type", b"application/json".to_vec()),
            Some(Described { types, encodings, lengths }) => {
                types.iter().for_each(|word| add("content-type", word.value(&TYPES)));
                encodings.iter().for_each(|word| add("content-encoding", word.value(&["identity", "gzip"])));
                lengths.iter().for_each(|word| add("content-length", word.value(&["0", "16384", "16385"])));
            }
        }
        if let Some(value) = self.if_match {
            add("if-match", value.to_vec());
        }
        if self.is_passed_on {
            add("memory-hop", b"1".to_vec());
        }
        let own = matches!(self.path, Path::FleetOfPeers).then(|| "scope=peers".to_owned());
        let query = self.query.as_ref().map(|pairs| pairs.iter().map(Parameter::text));
        Sent {
            method: self.method.text().to_owned(),
            authority: self.browser.as_ref().and_then(|browser| browser.authority).map(str::to_owned),
            path: self.path.text(),
            query: match (own, query) {
                (own, Some(pairs)) => Some(own.into_iter().chain(pairs).collect::<Vec<_>>().join("&")),
                (own, None) => own,
            },
            headers,
            connection: Connection { peer: self.peer.address(), tls: self.tls },
            body: self.body.parts(),
        }
    }
}

const SITES: [&str; 5] = ["same-origin", "none", "same-site", "cross-site", ""];
const ORIGINS: [&str; 4] = ["https://shop.example", "http://SHOP.example:80", "https://evil.example", "null"];
const TYPES: [&str; 6] = [
    "application/json",
    "Application/Json; charset=utf-8",
    "text/plain",
    "",
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-Urlencoded; charset=utf-8",
];
const NAMES: [&str; 15] = [
    "format", "force", "top", "sort", "filter", "group", "focus", "ignore", "seconds", "debug", "symbols",
    "gc", "types", "scope", "instance",
];
const PROFILES: [&str; 10] = [
    "pprof",
    "collapsed",
    "raw",
    "text",
    "svg",
    "prometheus",
    "openmetrics",
    "heapsnapshot",
    "callgrind",
    "cpuprofile",
];
const GROUPS: &[&str] = &[
    "container",
    "element",
    "function",
    "file",
    "line",
    "crate",
    "thread",
    "thread_id",
    "size_class",
    "age",
    "route",
    "type",
];

fn basic((user, password): (&str, &str)) -> Vec<u8> {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes())).into_bytes()
}

fn one_of<'a>(known: &[&'a str], at: u8) -> &'a str {
    known[usize::from(at) % known.len()]
}

impl Method<'_> {
    fn text(&self) -> &str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Other(method) => method,
        }
    }
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Overview => "/debug/memory".to_owned(),
            Self::Stats => "/debug/memory/stats".to_owned(),
            Self::Instance => "/debug/memory/instance".to_owned(),
            Self::Types => "/debug/memory/types".to_owned(),
            Self::Doctor => "/debug/memory/doctor".to_owned(),
            Self::Fleet | Self::FleetOfPeers => "/debug/memory/fleet".to_owned(),
            Self::Heap => "/debug/memory/heap".to_owned(),
            Self::Flamegraph => "/debug/memory/heap/flamegraph".to_owned(),
            Self::Tree => "/debug/memory/heap/tree".to_owned(),
            Self::Snapshots => "/debug/memory/snapshots".to_owned(),
            Self::Diff => "/debug/memory/diff".to_owned(),
            Self::Leaks => "/debug/memory/leaks".to_owned(),
            Self::Monitor => "/debug/memory/monitor".to_owned(),
            Self::Tasks => "/debug/memory/monitor/tasks".to_owned(),
            Self::Trace => "/debug/memory/trace".to_owned(),
            Self::Metrics => "/debug/memory/metrics".to_owned(),
            Self::Profiling => "/debug/memory/profiling".to_owned(),
            Self::Delete => "/debug/memory/snapshots/000102030405060708090a0b0c0d0e0f/delete".to_owned(),
            Self::Alias(is_allocs) => ALIASES[usize::from(*is_allocs)].to_owned(),
            Self::Below(rest) => format!("/debug/memory{rest}"),
            Self::Other(path) => (*path).to_owned(),
        }
    }
}

impl Parameter<'_> {
    fn text(&self) -> String {
        match self {
            Self::Format(at) => format!("format={}", one_of(&["json", "text", "html"], *at)),
            Self::Force(force) => format!("force={force}"),
            Self::Top(top) => format!("top={top}"),
            Self::Sort(sort) => format!("sort={}", one_of(&["bytes", "count", "name", "type"], *sort)),
            Self::Group(group) => format!("group={}", one_of(GROUPS, *group)),
            Self::Profile(format) => format!("format={}", one_of(&PROFILES, *format)),
            Self::Seconds(seconds) => format!("seconds={seconds}"),
            Self::Types(types) => format!("types={types}"),
            Self::Debug(debug) => format!("debug={}", u8::from(*debug)),
            Self::Scope(is_host) => format!("scope={}", if *is_host { "host" } else { "peers" }),
            Self::Instance(is_own) if *is_own => format!("instance={}", instance_id()),
            Self::Instance(_) => "instance=00000000-0000-4000-8000-000000000000".to_owned(),
            Self::Encoded(name, value) => {
                let value: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
                format!("{}={value}", one_of(&NAMES, *name))
            }
            Self::Known(name, value) => format!("{}={value}", one_of(&NAMES, *name)),
            Self::Other(text) => (*text).to_owned(),
        }
    }
}

impl Body<'_> {
    fn parts(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Change(fields) => {
                let fields: Vec<_> = fields.iter().map(Field::text).collect();
                let text = format!("{{{}}}", fields.join(","));
                let (begin, end) = text.as_bytes().split_at(text.len() / 2);
                vec![begin.to_vec(), end.to_vec()]
            }
            Self::Form(fields) => {
                let fields: Vec<_> = fields.iter().map(Field::form_text).collect();
                vec![fields.join("&").into_bytes()]
            }
            Self::Other(parts) => parts.iter().map(|part| part.to_vec()).collect(),
            Self::Long(spaces) => {
                vec![vec![b' '; usize::from(*spaces) * 64], b"{\"active\":false}".to_vec()]
            }
        }
    }
}

impl Field<'_> {
    fn form_text(&self) -> String {
        const FIELDS: [&str; 5] = ["active", "for_seconds", "sample_bytes", "if_match", "label"];
        const VALUES: [&str; 7] = ["true", "", "1", "%2B1", "4096", "%22x%22", "%g"];
        match self {
            Self::Active(active) => format!("active={active}"),
            Self::ForSeconds(seconds) => format!("for_seconds={seconds}"),
            Self::SampleBytes(lg) => format!("sample_bytes={}", 1_u64 << (lg % 64)),
            Self::Known(name, value) => format!("{}={}", one_of(&FIELDS, *name), one_of(&VALUES, *value)),
            Self::Other(name, value) => format!("{name}={value}"),
        }
    }

    fn text(&self) -> String {
        const FIELDS: [&str; 4] = ["active", "for_seconds", "sample_bytes", "\\u0061ctive"];
        const VALUES: [&str; 8] = ["true", "null", "1", "1.0", "4096", "\"1\"", "[[1]]", "{\"a\":1}"];
        match self {
            Self::Active(active) => format!("\"active\":{active}"),
            Self::ForSeconds(seconds) => format!("\"for_seconds\":{seconds}"),
            Self::SampleBytes(lg) => format!("\"sample_bytes\":{}", 1_u64 << (lg % 64)),
            Self::Known(name, value) => format!("\"{}\":{}", one_of(&FIELDS, *name), one_of(&VALUES, *value)),
            Self::Other(name, value) => format!("\"{name}\": {value}"),
        }
    }
}

impl Accept<'_> {
    fn value(&self) -> Vec<u8> {
        const RANGES: [&str; 8] = [
            "text/html",
            "text/plain",
            "text/*",
            "application/json",
            "Application/*",
            "*/*",
            "image/png",
            "application/openmetrics-text",
        ];
        match self {
            Self::Range(range, quality) => format!("{};q=0.{quality}", one_of(&RANGES, *range)).into_bytes(),
            Self::Other(value) => value.to_vec(),
        }
    }
}

impl Word<'_> {
    fn value(&self, known: &[&str]) -> Vec<u8> {
        match self {
            Self::Known(at) => one_of(known, *at).as_bytes().to_vec(),
            Self::Other(value) => value.to_vec(),
        }
    }
}

impl Forwarded<'_> {
    fn value(&self) -> Vec<u8> {
        match self {
            Self::Https => b"https".to_vec(),
            Self::Http => b"http".to_vec(),
            Self::Other(value) => value.to_vec(),
        }
    }
}

impl Peer {
    fn address(&self) -> Option<IpAddr> {
        match *self {
            Self::Unknown => None,
            Self::Loopback => Some(Ipv6Addr::LOCALHOST.into()),
            Self::V4(bytes) => Some(Ipv4Addr::from(bytes).into()),
            Self::V6(bytes) => Some(Ipv6Addr::from(bytes).into()),
            Self::Mapped(bytes) => Some(Ipv4Addr::from(bytes).to_ipv6_mapped().into()),
        }
    }
}
