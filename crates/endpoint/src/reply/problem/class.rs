//! The classes of problems: status, type and title.

use std::time::Duration;

use super::Problem;

impl Problem {
    /// The status, the last part of the type's URN, and the title.
    pub(super) fn class(&self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidParameter { .. } => (400, "invalid-parameter", "invalid parameter"),
            Self::CrossSite => (403, "cross-site-request", "cross-site request"),
            Self::ForbiddenRole { .. } => (403, "forbidden-role", "forbidden role"),
            Self::PeersOwn => (403, "forbidden-role", "forbidden role"),
            Self::UnknownPath { .. } => (404, "unknown-path", "unknown path"),
            Self::UnknownSnapshot => (404, "unknown-snapshot", "unknown snapshot"),
            Self::UnknownType => (404, "unknown-type", "unknown type"),
            Self::NoScan => (409, "no-scan", "no scan"),
            Self::SnapshotGone => (410, "snapshot-gone", "snapshot gone"),
            Self::MethodNotAllowed { .. } => (405, "method-not-allowed", "method not allowed"),
            Self::NotAcceptable { .. } => (406, "not-acceptable", "not acceptable"),
            Self::TooFewSnapshots(_) => (409, "too-few-snapshots", "too few snapshots"),
            Self::SamplingChanged(_) => (409, "sampling-changed", "sampling changed"),
            Self::AgesNotKept(_) => (409, "ages-not-kept", "ages not kept"),
            Self::TooManyWaiters => (429, "too-many-waiters", "too many waiters"),
            Self::RepliesUnread { .. } => (503, "replies-unread", "replies unread"),
            Self::CollectorPanicked => (500, "collector-panicked", "collector panicked"),
            Self::Internal(_) => (500, "internal-error", "internal error"),
            Self::ReplyTooLarge => (500, "reply-too-large", "reply too large"),
            Self::SnapshotTooLarge(_) => (500, "snapshot-too-large", "snapshot too large"),
            Self::NotBuiltIn(_) => (501, "not-built-in", "not built in"),
            Self::NoProfile(_) => (503, "no-profile", "no profile"),
            Self::CollectorOverdue { .. } => (503, "collector-overdue", "collector overdue"),
            Self::BreakerOpen { .. } => (503, "breaker-open", "breaker open"),
            Self::InsufficientHeadroom(_) => (503, "insufficient-headroom", "insufficient headroom"),
            Self::NoThread => (503, "no-thread", "no thread"),
            Self::DeadlineExceeded { .. } => (504, "deadline-exceeded", "deadline exceeded"),
            Self::UnsupportedBody { .. } => (415, "unsupported-body", "unsupported body"),
            Self::BodyTooLarge => (413, "body-too-large", "body too large"),
            Self::BodyTimeout { .. } => (408, "body-timeout", "body timeout"),
            Self::TooManyBodies => (429, "too-many-bodies", "too many bodies"),
            Self::InvalidBody { .. } => (400, "invalid-body", "invalid body"),
            Self::VersionDiffers { .. } => (409, "version-differs", "version differs"),
            Self::OnByConfiguration(_) => (409, "on-by-configuration", "on by configuration"),
            Self::AlreadyCounting(_) => (409, "already-counting", "already counting"),
            Self::ProfilingFailed(_) => (500, "profiling-failed", "profiling failed"),
            Self::RawAddressesOff => (403, "raw-addresses-off", "raw addresses off"),
            Self::TooManyGrowths { .. } => (429, "too-many-growths", "too many growths"),
            Self::FleetUnavailable(_) => (503, "fleet-unavailable", "fleet unavailable"),
            Self::SecondHop => (400, "second-hop", "second hop"),
            Self::WrongInstance(_) => (421, "wrong-instance", "wrong instance"),
        }
    }

    #[cfg(feature = "html")]
    pub(crate) fn title(&self) -> &'static str {
        self.class().2
    }

    pub(crate) fn status(&self) -> u16 {
        self.class().0
    }

    /// The seconds for the header `Retry-After`.
    pub(crate) fn retry_after_s(&self) -> Option<u64> {
        let at_least_one = |time: &Duration| time.as_secs().max(1);
        match self {
            Self::TooManyWaiters | Self::TooManyBodies | Self::NoThread => Some(1),
            Self::InsufficientHeadroom(_) => Some(10),
            Self::RepliesUnread { .. } => Some(5),
            Self::NoProfile(_) | Self::FleetUnavailable(_) => Some(60),
            Self::CollectorOverdue { retry_after }
            | Self::BreakerOpen { retry_after, .. }
            | Self::TooManyGrowths { retry_after } => Some(at_least_one(retry_after)),
            _ => None,
        }
    }

    /// The value of the header `ETag`: the tag of the present state, for a client that expected a different state.
    pub(crate) fn etag(&self) -> Option<&str> {
        match self {
            Self::VersionDiffers { etag, .. } => Some(etag),
            _ => None,
        }
    }

    /// The value of the header `Allow`.
    pub(crate) fn allowed_methods(&self) -> Option<&str> {
        match self {
            Self::MethodNotAllowed { allowed } => Some(allowed),
            _ => None,
        }
    }
}
