//! Errors for clients: generic, without paths, panic messages or chains of causes.

mod class;
mod detail;
mod render;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt::Display;
use std::io;
use std::time::Duration;

use memory_debug_core::{Error, ErrorKind, Headroom, InstanceId, MemoryReport};

use crate::audit;
use crate::auth::Role;
use crate::collect::{Shortage, check_headroom};
use crate::reply::format::Format;

/// The reason why a request is not answered with a page. Failed authentication has a constant reply instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    /// A parameter is unknown, repeated, malformed or out of range.
    InvalidParameter { name: String, reason: String },
    /// A browser sent the request on behalf of another site's page.
    CrossSite,
    /// The login lacks the role that the request needs.
    ForbiddenRole { needed: Role, held: Role },
    /// The secret of peers does not give access to this page.
    PeersOwn,
    /// There is no page at this path.
    UnknownPath { known: Vec<String> },
    /// There is no snapshot with this id.
    UnknownSnapshot,
    /// The table has no row with this id.
    UnknownType,
    /// No scan of the heap has ended.
    NoScan,
    /// The snapshot is no longer kept.
    SnapshotGone,
    /// The path has no page for this method.
    MethodNotAllowed { allowed: String },
    /// The client accepts none of the page's formats.
    NotAcceptable { offered: &'static [Format] },
    /// There are not enough snapshots to tell growth from chance.
    TooFewSnapshots(String),
    /// The samples of two profiles cannot be compared.
    SamplingChanged(String),
    /// A moment of a difference does not keep ages and routes.
    AgesNotKept(String),
    /// The maximum number of requests is waiting, or they ask for too many different pages.
    TooManyWaiters,
    /// Replies that clients have not read take up the maximum number of bytes.
    RepliesUnread { most_bytes: usize },
    /// The collector or a renderer panicked.
    CollectorPanicked,
    /// An unexpected failure, which was logged.
    Internal(&'static str),
    /// A single snapshot exceeds the limit for all snapshots.
    SnapshotTooLarge(String),
    /// The service was built or configured without something that the page needs.
    NotBuiltIn(Cow<'static, str>),
    /// There is no heap profile at present.
    NoProfile(String),
    /// The page is larger than the configured maximum, even without rows.
    ReplyTooLarge,
    /// An earlier collection missed its deadline and has not returned.
    CollectorOverdue { retry_after: Duration },
    /// Several collections of this kind failed in a row, so further ones are paused for a while.
    BreakerOpen { kind: &'static str, retry_after: Duration },
    /// A collection could take all the memory that is left.
    InsufficientHeadroom(Shortage),
    /// The operating system refused to create a thread.
    NoThread,
    /// The collection took too long.
    DeadlineExceeded { deadline: Duration },
    /// The type or encoding of the request's body is not supported.
    UnsupportedBody { wanted: &'static str },
    /// The request's body is too long.
    BodyTooLarge,
    /// The request's body did not arrive in time.
    BodyTimeout { limit: Duration },
    /// The maximum number of request bodies is arriving.
    TooManyBodies,
    /// The request's body does not describe an operation of this page.
    InvalidBody { reason: String },
    /// The profiler's state is not the state that the change was meant for. `etag` is its present tag.
    VersionDiffers { reason: String, etag: String },
    /// Sampling was turned on by configuration, so no request may turn it off.
    OnByConfiguration(String),
    /// The tracer counts already, so it cannot be started.
    AlreadyCounting(String),
    /// jemalloc or the system refused the change.
    ProfilingFailed(String),
    /// The service does not give out addresses of its process.
    RawAddressesOff,
    /// The maximum number of growth measurements is running, for at least `retry_after` more.
    TooManyGrowths { retry_after: Duration },
    /// Siblings or peers cannot be asked.
    FleetUnavailable(String),
    /// A request that another instance forwarded asks for a fleet.
    SecondHop,
    /// The request is meant for another instance.
    WrongInstance(InstanceId),
}

impl Problem {
    /// The problem that a report's heap profile cannot be used.
    pub(crate) fn of_profile(report: &MemoryReport, error: &Error) -> Self {
        let reason = error.to_string();
        match error.kind() {
            ErrorKind::NoProfile | ErrorKind::NotMeasured if report.allocator.is_some() => {
                Self::NoProfile(reason)
            }
            ErrorKind::NoProfile | ErrorKind::NotMeasured | ErrorKind::Allocator => {
                Self::NotBuiltIn(reason.into())
            }
            _ => Self::internal("the heap profile cannot be read, written or compared", error),
        }
    }

    /// The problem of an unexpected failure. Logs the error, which clients do not see.
    pub(crate) fn internal(problem: &'static str, error: &dyn Display) -> Self {
        audit::internal(problem, error);
        Self::Internal(problem)
    }

    /// The problem that no siblings are configured.
    pub(crate) fn no_siblings() -> Self {
        Self::NotBuiltIn(
            "this service has no siblings; build it with the cargo feature `siblings` and call \
             `Endpoint::siblings(directory)`, on Linux"
                .into(),
        )
    }

    /// The problem that no peers are configured.
    pub(crate) fn no_peers() -> Self {
        Self::NotBuiltIn(
            "this service has no peers; build it with the cargo feature `peers` and name them in `Endpoint::peers`, or \
             use the command `memory-debug fleet`, which asks instances itself"
                .into(),
        )
    }

    /// The problem that peers would receive an operator's password.
    pub(crate) fn peers_share_a_password() -> Self {
        let reason = "the secret of peers is also an operator's password, so it is not sent to them; give peers \
                      their own secret";
        Self::FleetUnavailable(reason.to_owned())
    }

    /// The problem that no thread could be created: the system refused, or too little address space is left.
    pub(crate) fn no_thread(error: &io::Error) -> Self {
        let headroom = error.get_ref().and_then(|error| error.downcast_ref::<Headroom>());
        let shortage = headroom.and_then(|headroom| check_headroom(headroom).err());
        shortage.map_or(Self::NoThread, Self::InsufficientHeadroom)
    }

    pub(crate) fn invalid_body(reason: impl Into<String>) -> Self {
        Self::InvalidBody { reason: reason.into() }
    }
}
