//! The messages of problems: what happened, and what to do next.

use std::borrow::Cow;

use memory_debug_core::Resource;

use super::Problem;
use crate::audit;
use crate::collect::Shortage;
use crate::limits::MAX_REQUEST_BODY_BYTES;
use crate::reply::format::Format;

/// A hint to the log, if the service logs failures.
const SEE_LOG: &str = if audit::IS_ON { "; the log of the service has the reason" } else { "" };

impl Problem {
    /// The message for the client: what happened, and what to do next.
    pub(crate) fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::InvalidParameter { name, reason } => format!("`{name}` {reason}").into(),
            Self::CrossSite => {
                "a browser sent this request on behalf of another site; open the address directly instead".into()
            }
            Self::ForbiddenRole { needed, held } => format!(
                "this needs the role `{}`, but your login has the role `{}`; use another login",
                needed.as_str(),
                held.as_str()
            )
            .into(),
            Self::PeersOwn => "the secret of peers gives access to the overview only, and only to peers".into(),
            Self::UnknownPath { known } => {
                format!("there is no page at this path; the pages are {}", known.join(", ")).into()
            }
            Self::UnknownSnapshot => {
                "there is no such snapshot; GET /snapshots lists the snapshots that are kept".into()
            }
            Self::UnknownType => {
                "no row of the table has this id, now or in a kept snapshot; GET /types lists the rows with their ids".into()
            }
            Self::NoScan => "no scan of this process has ended; GET /holders without `last` starts one".into(),
            Self::SnapshotGone => {
                "the snapshot is no longer kept: it became too old, or newer snapshots replaced it".into()
            }
            Self::MethodNotAllowed { allowed } => format!("this path accepts only {allowed}").into(),
            Self::NotAcceptable { offered } => not_acceptable(offered).into(),
            Self::TooFewSnapshots(reason)
            | Self::AgesNotKept(reason)
            | Self::SnapshotTooLarge(reason)
            | Self::NoProfile(reason)
            | Self::VersionDiffers { reason, .. }
            | Self::OnByConfiguration(reason)
            | Self::AlreadyCounting(reason)
            | Self::ProfilingFailed(reason)
            | Self::FleetUnavailable(reason) => reason.as_str().into(),
            Self::NotBuiltIn(reason) => Cow::Borrowed(reason),
            Self::SamplingChanged(reason) => {
                format!("growth cannot be measured: {reason}; ask again for a time or a base after that").into()
            }
            Self::TooManyWaiters => {
                "too many requests are waiting for the running collection; try again later".into()
            }
            Self::RepliesUnread { most_bytes } => format!(
                "clients have not read their replies, which fill the limit of {most_bytes} bytes or this login's share \
                 of it; read the replies or close their connections, then try again"
            )
            .into(),
            Self::CollectorPanicked => {
                "the collection panicked; the panic message is in the log or standard error of the service".into()
            }
            Self::Internal(problem) => format!("{problem}{SEE_LOG}").into(),
            Self::ReplyTooLarge => {
                "the page exceeds the configured maximum even without rows; raise `Limits::max_body_bytes`".into()
            }
            Self::CollectorOverdue { .. } => {
                "an earlier collection missed its deadline and is still running; a new one cannot start before it ends"
                    .into()
            }
            Self::BreakerOpen { kind, .. } => {
                format!("collecting {kind} failed several times in a row and is paused for a while{SEE_LOG}").into()
            }
            Self::InsufficientHeadroom(shortage) => insufficient(shortage).into(),
            Self::NoThread => {
                "the system refused to create a thread for the collection; try again later".into()
            }
            Self::DeadlineExceeded { deadline } => {
                format!("the collection took longer than {} s", deadline.as_secs_f64()).into()
            }
            Self::UnsupportedBody { wanted } => {
                format!("the body must have `Content-Type: {wanted}` and no `Content-Encoding`").into()
            }
            Self::BodyTooLarge => format!("the body is longer than {MAX_REQUEST_BODY_BYTES} bytes").into(),
            Self::BodyTimeout { limit } => {
                format!("the body did not arrive within {} s", limit.as_secs_f64()).into()
            }
            Self::TooManyBodies => "too many request bodies are arriving at once; try again later".into(),
            Self::InvalidBody { reason } => format!("the body {reason}").into(),
            Self::RawAddressesOff => {
                "this service does not give out addresses of its process; `Endpoint::allow_raw_addresses()` allows it, \
                 and format=pprof needs no addresses"
                    .into()
            }
            Self::TooManyGrowths { .. } => {
                "too many requests with `seconds` are waiting; try again later, or compare snapshots".into()
            }
            Self::SecondHop => {
                "a forwarded request cannot ask for the fleet; send it to this instance directly".into()
            }
            Self::WrongInstance(own) => {
                format!("this is instance {own}, not the requested one; retry, the balancer may choose another")
                    .into()
            }
        }
    }
}

fn not_acceptable(offered: &[Format]) -> String {
    let types: Vec<_> = offered.iter().map(|format| format.media_type()).collect();
    let names: Vec<_> = offered.iter().map(|format| format.name()).collect();
    format!(
        "none of the accepted types is offered; accept {}, or add ?format= with {}",
        types.join(" or "),
        names.join(" or ")
    )
}

fn insufficient(shortage: &Shortage) -> String {
    let Shortage { needed_bytes, available_bytes, resource } = shortage;
    match resource {
        Resource::Addresses => format!(
            "this may need {needed_bytes} bytes of address space, but only {available_bytes} are left; raise the limit \
             (`ulimit -v`, `ulimit -d`)"
        ),
        _ => format!(
            "this may need {needed_bytes} bytes of memory, but only {available_bytes} are left; ask for /stats, or add \
             force=true if your role allows it"
        ),
    }
}
