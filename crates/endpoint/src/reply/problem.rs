//! Errors as the client sees them: generic, without paths, panics or chains of causes.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use memory_debug_core::{Headroom, InstanceId, MemoryReport, Resource, render};
use serde::Serialize;

use crate::auth::Role;
use crate::collect::{Shortage, check};
use crate::reply::format::Format;
use crate::request_body::MAX_BYTES;

/// Why a request was not answered with a page. An authentication failure is not among them: it is one constant reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A parameter is unknown, repeated, malformed or out of range.
    InvalidParameter { name: String, reason: String },
    /// A browser sent it on behalf of another site's page.
    CrossSite,
    /// The login may not do this.
    ForbiddenRole { needed: Role, held: Role },
    /// The secret of peers does not open this.
    PeersOwn,
    /// There is no page at this path.
    UnknownPath { known: Vec<String> },
    /// There is no snapshot of that name.
    UnknownSnapshot,
    /// The snapshot was kept, and is not any more.
    SnapshotGone,
    /// There is something at this path, for other methods.
    MethodNotAllowed { allowed: String },
    /// No format that the client accepts.
    NotAcceptable { offered: &'static [Format] },
    /// There are not enough snapshots to tell growth from chance.
    TooFewSnapshots(String),
    /// The samples of two moments cannot be compared, for that reason.
    SamplingChanged(String),
    /// As many requests wait as may, or they want too many different views.
    TooManyWaiters,
    /// Replies that clients have not read take as many bytes as they may.
    RepliesUnread { most_bytes: usize },
    /// The collector or a renderer panicked.
    CollectorPanicked,
    /// The snapshot alone is larger than all together may be.
    SnapshotTooLarge(String),
    /// There is no heap profile: for want of what has to be built in, or of a setting.
    NoProfile { is_built: bool, reason: String },
    /// The page does not fit into the configured number of bytes, even without rows.
    ReplyTooLarge,
    /// An earlier collection missed its deadline and has not returned.
    CollectorOverdue { retry_after: Duration },
    /// Collections of this kind failed again and again, and are not tried for a while.
    BreakerOpen { kind: &'static str, retry_after: Duration },
    /// Collecting could take the memory that is left.
    InsufficientHeadroom(Shortage),
    /// The operating system gave no thread to collect on.
    NoThread,
    /// The collection took too long.
    DeadlineExceeded { deadline: Duration },
    /// The body is of a type or encoding that is not read.
    UnsupportedBody,
    /// The body is longer than is read.
    BodyTooLarge,
    /// The body did not arrive in time.
    BodyTimeout { limit: Duration },
    /// As many bodies are on their way as may.
    TooManyBodies,
    /// The body is not what the operation takes.
    InvalidBody { reason: String },
    /// The profiler is not in the state that the change was meant for, but in that of this tag.
    VersionDiffers { reason: String, etag: String },
    /// Sampling is on, and not by a change that could be ended.
    OnByConfiguration(String),
    /// jemalloc or the system refused a change.
    ProfilingFailed(String),
    /// The service does not give out addresses of its process.
    RawAddressesOff,
    /// As many growths are being measured as may. For as long as this, if that is known.
    TooManyGrowths { retry_after: Duration },
    /// There are no siblings to be asked, for want of a setting or of what has to be built in.
    NoFleet(&'static str),
    /// Siblings cannot be asked, for that reason.
    FleetUnavailable(String),
    /// One that is asked for others asks others in turn.
    SecondHop,
    /// The request is for another instance than this.
    WrongInstance(InstanceId),
}

/// RFC 9457.
#[derive(Serialize)]
struct ProblemJson<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameter: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allowed: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    needed_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    available_bytes: Option<u64>,
}

impl Problem {
    /// A report is without a heap profile, for that reason.
    pub(crate) fn no_profile(report: &MemoryReport, reason: memory_debug_core::Error) -> Self {
        Self::NoProfile { is_built: report.allocator.is_some(), reason: reason.to_string() }
    }

    /// No siblings were configured.
    pub(crate) fn no_siblings() -> Self {
        Self::NoFleet(
            "this service knows no siblings; it does if built with the cargo feature `fleet` and \
             `Endpoint::siblings(directory)`, on Linux",
        )
    }

    /// No peers can be configured.
    pub(crate) fn no_peers() -> Self {
        Self::NoFleet(
            "this service knows no peers; it does if built with the cargo feature `peers` and an `Endpoint::peers` that names some. The command \
             `memory-debug fleet` asks instances elsewhere, too",
        )
    }

    /// Peers would be sent an operator's password.
    pub(crate) fn peers_share_a_password() -> Self {
        let reason = "the secret of peers is an operator's password as well, so they are not sent it; give peers a secret of \
                      their own";
        Self::FleetUnavailable(reason.to_owned())
    }

    /// Why there is no thread: the system gave none, or too few addresses are left for it.
    pub(crate) fn no_thread(error: &io::Error) -> Self {
        let headroom = error.get_ref().and_then(|error| error.downcast_ref::<Headroom>());
        let shortage = headroom.and_then(|headroom| check(headroom).err());
        shortage.map_or(Self::NoThread, Self::InsufficientHeadroom)
    }

    pub(crate) fn invalid_body(reason: impl Into<String>) -> Self {
        Self::InvalidBody { reason: reason.into() }
    }

    /// Status, the last part of the type's URN, and title.
    fn class(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidParameter { .. } => (400, "invalid-parameter", "invalid parameter"),
            Self::CrossSite => (403, "cross-site-request", "cross-site request"),
            Self::ForbiddenRole { .. } => (403, "forbidden-role", "forbidden role"),
            Self::PeersOwn => (403, "forbidden-role", "forbidden role"),
            Self::UnknownPath { .. } => (404, "unknown-path", "unknown path"),
            Self::UnknownSnapshot => (404, "unknown-snapshot", "unknown snapshot"),
            Self::SnapshotGone => (410, "snapshot-gone", "snapshot gone"),
            Self::MethodNotAllowed { .. } => (405, "method-not-allowed", "method not allowed"),
            Self::NotAcceptable { .. } => (406, "not-acceptable", "not acceptable"),
            Self::TooFewSnapshots(_) => (409, "too-few-snapshots", "too few snapshots"),
            Self::SamplingChanged(_) => (409, "sampling-changed", "sampling changed"),
            Self::TooManyWaiters => (429, "too-many-waiters", "too many waiters"),
            Self::RepliesUnread { .. } => (503, "replies-unread", "replies unread"),
            Self::CollectorPanicked => (500, "collector-panicked", "collector panicked"),
            Self::ReplyTooLarge => (500, "reply-too-large", "reply too large"),
            Self::SnapshotTooLarge(_) => (500, "snapshot-too-large", "snapshot too large"),
            Self::NoProfile { is_built: false, .. } => (501, "not-built-in", "not built in"),
            Self::NoProfile { is_built: true, .. } => (503, "no-profile", "no profile"),
            Self::CollectorOverdue { .. } => (503, "collector-overdue", "collector overdue"),
            Self::BreakerOpen { .. } => (503, "breaker-open", "breaker open"),
            Self::InsufficientHeadroom(_) => (503, "insufficient-headroom", "insufficient headroom"),
            Self::NoThread => (503, "no-thread", "no thread"),
            Self::DeadlineExceeded { .. } => (504, "deadline-exceeded", "deadline exceeded"),
            Self::UnsupportedBody => (415, "unsupported-body", "unsupported body"),
            Self::BodyTooLarge => (413, "body-too-large", "body too large"),
            Self::BodyTimeout { .. } => (408, "body-timeout", "body timeout"),
            Self::TooManyBodies => (429, "too-many-bodies", "too many bodies"),
            Self::InvalidBody { .. } => (400, "invalid-body", "invalid body"),
            Self::VersionDiffers { .. } => (409, "version-differs", "version differs"),
            Self::OnByConfiguration(_) => (409, "on-by-configuration", "on by configuration"),
            Self::ProfilingFailed(_) => (500, "profiling-failed", "profiling failed"),
            Self::RawAddressesOff => (403, "raw-addresses-off", "raw addresses off"),
            Self::TooManyGrowths { .. } => (429, "too-many-growths", "too many growths"),
            Self::NoFleet(_) => (501, "not-built-in", "not built in"),
            Self::FleetUnavailable(_) => (503, "fleet-unavailable", "fleet unavailable"),
            Self::SecondHop => (400, "second-hop", "second hop"),
            Self::WrongInstance(_) => (421, "wrong-instance", "wrong instance"),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.class().0
    }

    /// What happened, and what to do.
    pub(crate) fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::InvalidParameter { name, reason } => format!("`{name}` {reason}").into(),
            Self::CrossSite => {
                "a browser sent this for a page of another site; open the address itself instead".into()
            }
            Self::ForbiddenRole { needed, held } => format!(
                "this takes the role `{}`, and yours is `{}`; ask with another login",
                needed.as_str(),
                held.as_str()
            )
            .into(),
            Self::PeersOwn => "the secret of peers opens the overview alone, and for peers alone".into(),
            Self::UnknownPath { known } => {
                format!("there is nothing here; the pages are {}", known.join(", ")).into()
            }
            Self::UnknownSnapshot => "there is no such snapshot; GET /snapshots lists those there are".into(),
            Self::SnapshotGone => "the snapshot became too old, or others took its place".into(),
            Self::MethodNotAllowed { allowed } => format!("this can only be asked for by {allowed}").into(),
            Self::SamplingChanged(reason) => {
                format!("growth cannot be told: {reason}; ask again for a time or a base after that").into()
            }
            Self::TooFewSnapshots(reason) | Self::SnapshotTooLarge(reason) => reason.as_str().into(),
            Self::NoProfile { reason, .. } => reason.as_str().into(),
            Self::NotAcceptable { offered } => {
                let types: Vec<_> = offered.iter().map(|format| format.media_type()).collect();
                let names: Vec<_> = offered.iter().map(|format| format.name()).collect();
                format!(
                    "none of the accepted types is offered; accept {}, or add ?format= with {}",
                    types.join(" or "),
                    names.join(" or ")
                )
                .into()
            }
            Self::TooManyWaiters => {
                "too many requests wait for the running collection; try again later".into()
            }
            Self::RepliesUnread { most_bytes } => format!(
                "replies that clients have not read fill the {most_bytes} bytes that they may take together, or this \
                 login's share of them; read them or close their connections, then ask again"
            )
            .into(),
            Self::CollectorPanicked => "collecting failed; the log of the service says why".into(),
            Self::ReplyTooLarge => {
                "the page exceeds the configured size even without rows; raise the limit".into()
            }
            Self::CollectorOverdue { .. } => {
                "an earlier collection missed its deadline and still runs; no second one is started".into()
            }
            Self::BreakerOpen { kind, .. } => format!(
                "collecting {kind} failed several times in a row and is not tried for a while; the log of the \
                 service says why"
            )
            .into(),
            Self::InsufficientHeadroom(Shortage { needed_bytes, available_bytes, resource: Resource::Addresses }) => {
                format!(
                    "this may take {needed_bytes} bytes of addresses and {available_bytes} are left; raise the limit on \
                     them (`ulimit -v`, `ulimit -d`)"
                )
                .into()
            }
            Self::InsufficientHeadroom(Shortage { needed_bytes, available_bytes, .. }) => format!(
                "this may take {needed_bytes} bytes of memory and {available_bytes} are left; ask for /stats, or for this \
                 with force=true if you may"
            )
            .into(),
            Self::NoThread => "the system gave no thread to collect on; try again later".into(),
            Self::DeadlineExceeded { deadline } => {
                format!("the collection took longer than {} s", deadline.as_secs_f64()).into()
            }
            Self::UnsupportedBody => {
                "the body has to be `Content-Type: application/json`, without a `Content-Encoding`".into()
            }
            Self::BodyTooLarge => format!("the body is longer than {MAX_BYTES} bytes").into(),
            Self::BodyTimeout { limit } => {
                format!("the body did not arrive within {} s", limit.as_secs_f64()).into()
            }
            Self::TooManyBodies => "too many bodies are on their way; try again later".into(),
            Self::InvalidBody { reason } => format!("the body {reason}").into(),
            Self::VersionDiffers { reason, .. }
            | Self::OnByConfiguration(reason)
            | Self::ProfilingFailed(reason) => reason.as_str().into(),
            Self::TooManyGrowths { .. } => {
                "as many requests with `seconds` wait as may at once; try again later, or compare snapshots".into()
            }
            Self::NoFleet(reason) => (*reason).into(),
            Self::FleetUnavailable(reason) => reason.as_str().into(),
            Self::SecondHop => "who is asked for others answers for itself only".into(),
            Self::WrongInstance(own) => {
                format!("this is instance {own}; try again until the one that is meant answers").into()
            }
            Self::RawAddressesOff => {
                "this service does not give out addresses of its process; it does if built with \
                 `Endpoint::allow_raw_addresses()`, and format=pprof needs none"
                    .into()
            }
        }
    }

    /// Seconds for `Retry-After`.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::TooManyWaiters | Self::TooManyBodies | Self::NoThread => Some(1),
            Self::InsufficientHeadroom(_) => Some(10),
            Self::RepliesUnread { .. } => Some(5),
            Self::NoProfile { is_built: true, .. } | Self::FleetUnavailable(_) => Some(60),
            Self::CollectorOverdue { retry_after }
            | Self::BreakerOpen { retry_after, .. }
            | Self::TooManyGrowths { retry_after } => Some(retry_after.as_secs().max(1)),
            _ => None,
        }
    }

    /// The value of `ETag`: of the state as it is, for who knew another.
    pub(crate) fn etag(&self) -> Option<&str> {
        match self {
            Self::VersionDiffers { etag, .. } => Some(etag),
            _ => None,
        }
    }

    /// The value of `Allow`.
    pub(crate) fn allowed_methods(&self) -> Option<&str> {
        match self {
            Self::MethodNotAllowed { allowed } => Some(allowed),
            _ => None,
        }
    }

    /// The body.
    pub(crate) fn render(&self, format: Format) -> String {
        let (status, slug, title) = self.class();
        let detail = &*self.detail();
        if format != Format::Json {
            return format!("{status} {title}: {detail}\n");
        }
        let shortage = match self {
            Self::InsufficientHeadroom(shortage) => Some(shortage),
            _ => None,
        };
        let body = ProblemJson {
            r#type: format!("urn:memory-debug:problem:{slug}"),
            title,
            status,
            detail,
            parameter: match self {
                Self::InvalidParameter { name, .. } => Some(name),
                _ => None,
            },
            allowed: match self {
                Self::MethodNotAllowed { allowed } => allowed.split(", ").collect(),
                Self::NotAcceptable { offered } => offered.iter().map(|format| format.media_type()).collect(),
                _ => Vec::new(),
            },
            retry_after_s: self.retry_after_s(),
            needed_bytes: shortage.map(|shortage| shortage.needed_bytes),
            available_bytes: shortage.map(|shortage| shortage.available_bytes),
        };
        render::to_json_line(&body).expect("strings and numbers always serialise")
    }

    /// One of each, for tests that go through them all.
    #[cfg(test)]
    pub(crate) fn examples() -> Vec<Self> {
        vec![
            Self::InvalidParameter { name: "top".to_owned(), reason: "is \"odd\"".to_owned() },
            Self::CrossSite,
            Self::ForbiddenRole { needed: Role::Profile, held: Role::Read },
            Self::PeersOwn,
            Self::UnknownPath { known: vec!["/debug/memory".to_owned()] },
            Self::UnknownSnapshot,
            Self::SnapshotGone,
            Self::MethodNotAllowed { allowed: "GET, HEAD".to_owned() },
            Self::NotAcceptable { offered: Format::PAGE },
            Self::TooFewSnapshots("2 are there".to_owned()),
            Self::SamplingChanged("the rate was changed".to_owned()),
            Self::SnapshotTooLarge("has 9 bytes".to_owned()),
            Self::NoProfile { is_built: false, reason: "no jemalloc".to_owned() },
            Self::NoProfile { is_built: true, reason: "not active".to_owned() },
            Self::TooManyWaiters,
            Self::RepliesUnread { most_bytes: 32 << 20 },
            Self::CollectorPanicked,
            Self::ReplyTooLarge,
            Self::CollectorOverdue { retry_after: Duration::from_secs(30) },
            Self::BreakerOpen { kind: "types", retry_after: Duration::from_secs(60) },
            Self::InsufficientHeadroom(Shortage {
                needed_bytes: 64 << 20,
                available_bytes: 1 << 20,
                resource: Resource::Memory,
            }),
            Self::InsufficientHeadroom(Shortage {
                needed_bytes: 24 << 20,
                available_bytes: 1 << 20,
                resource: Resource::Addresses,
            }),
            Self::NoThread,
            Self::DeadlineExceeded { deadline: Duration::from_secs(30) },
            Self::UnsupportedBody,
            Self::BodyTooLarge,
            Self::BodyTimeout { limit: Duration::from_secs(10) },
            Self::TooManyBodies,
            Self::no_siblings(),
            Self::no_peers(),
            Self::peers_share_a_password(),
            Self::FleetUnavailable("open to others".to_owned()),
            Self::SecondHop,
            Self::WrongInstance(memory_debug_core::instance_id()),
            Self::invalid_body("is empty"),
            Self::VersionDiffers { reason: "it is of version 7".to_owned(), etag: "\"x-7\"".to_owned() },
            Self::OnByConfiguration("sampling is on".to_owned()),
            Self::ProfilingFailed("no thread".to_owned()),
            Self::RawAddressesOff,
            Self::TooManyGrowths { retry_after: Duration::from_secs(7) },
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn text_is_one_line() {
        for problem in Problem::examples() {
            let text = problem.render(Format::Text);
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.starts_with(&problem.status().to_string()), "{text}");
            assert!(text.ends_with('\n'), "{text}");
        }
    }

    #[test]
    fn json_has_the_members_of_rfc_9457() {
        for problem in Problem::examples() {
            let json: Value = serde_json::from_str(&problem.render(Format::Json)).unwrap();
            assert!(json["type"].as_str().unwrap().starts_with("urn:memory-debug:problem:"), "{json}");
            assert_eq!(json["status"], problem.status(), "{json}");
            assert!(json["title"].is_string() && json["detail"].is_string(), "{json}");
        }
    }

    #[test]
    fn json_names_the_parameter_the_alternatives_and_the_wait() {
        let json = |problem: Problem| serde_json::from_str::<Value>(&problem.render(Format::Json)).unwrap();
        let examples = Problem::examples();
        assert_eq!(json(examples[0].clone())["parameter"], "top");
        assert_eq!(
            json(Problem::MethodNotAllowed { allowed: "GET, HEAD".to_owned() })["allowed"],
            serde_json::json!(["GET", "HEAD"])
        );
        assert_eq!(
            json(Problem::NotAcceptable { offered: Format::PAGE })["allowed"],
            serde_json::json!(["text/plain", "application/json"])
        );
        assert_eq!(json(Problem::TooManyWaiters)["retry_after_s"], 1);
        assert_eq!(json(Problem::CollectorPanicked).get("retry_after_s"), None);
    }

    #[test]
    fn s44_a_thread_without_addresses_is_a_shortage_and_one_that_the_system_refuses_is_not() {
        let mut headroom = Headroom::for_threads(2);
        headroom.available_bytes = Some(1 << 20);
        assert!(headroom.is_short());
        let problem = Problem::no_thread(&io::Error::new(io::ErrorKind::OutOfMemory, headroom));
        assert!(
            problem.detail().contains("1048576 are left; raise the limit on them (`ulimit -v`"),
            "{problem:?}"
        );
        assert_eq!(Problem::no_thread(&io::ErrorKind::WouldBlock.into()), Problem::NoThread);
    }

    #[test]
    fn nobody_is_asked_to_come_back_at_once() {
        let overdue = |seconds| Problem::CollectorOverdue { retry_after: Duration::from_secs(seconds) };
        assert_eq!(overdue(30).retry_after_s(), Some(30));
        assert_eq!(overdue(0).retry_after_s(), Some(1));
    }
}
