//! Audit events as `tracing` events. All events use the same field names.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use memory_debug_core::{FleetReport, MissingReason, ProfilingChange};
use tracing::field::display;
use tracing::{info, warn};

use crate::escape::Escaped;
use crate::parts::RequestParts;
use crate::rate_limit::RateLimit;

/// Whether events are logged, so that replies can refer to the log.
pub(crate) const IS_ON: bool = true;

/// The target of all events, for the filters of subscribers.
const TARGET: &str = "memory_debug::audit";

const MAX_METHOD_CHARS: usize = 16;
const MAX_PATH_CHARS: usize = 128;
const MAX_USER_CHARS: usize = 64;
const MAX_REASON_CHARS: usize = 512;

/// The log of authentication. Clones limit refusals together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(Arc<Refusals>);

/// A limit of one event per second for refusals, so that a flood of wrong passwords does not become a flood of events.
/// Each event carries the number of refusals that were left out before it.
#[derive(Debug)]
struct Refusals {
    rate_limit: RateLimit,
    left_out: AtomicU64,
}

impl Audit {
    /// Reports a request with the right password. `status` is the status of the reply, or `None` if the body or a
    /// collection has yet to determine it.
    pub(crate) fn authorized(&self, parts: &RequestParts<'_>, user: &str, role: &str, status: Option<u16>) {
        info!(
            target: TARGET,
            outcome = "authorized",
            method = %Escaped::new(parts.method, MAX_METHOD_CHARS),
            path = %Escaped::new(parts.path, MAX_PATH_CHARS),
            peer = parts.connection.peer.map(display),
            user = %Escaped::new(user, MAX_USER_CHARS),
            role,
            status,
            "memory page: authorized"
        );
    }

    /// Reports a request that was turned away before it was authenticated. `status` is `None` if the
    /// application answers it.
    pub(crate) fn refused(
        &self,
        parts: &RequestParts<'_>,
        outcome: &'static str,
        status: Option<u16>,
        now: Instant,
    ) {
        if let Some(suppressed) = self.0.count(now) {
            warn!(
                target: TARGET,
                outcome,
                method = %Escaped::new(parts.method, MAX_METHOD_CHARS),
                path = %Escaped::new(parts.path, MAX_PATH_CHARS),
                peer = parts.connection.peer.map(display),
                status,
                suppressed,
                "memory page: refused"
            );
        }
    }
}

impl Refusals {
    /// Counts a refusal. Returns the number of refusals that were left out before it, or `None` if this one must be
    /// left out too.
    fn count(&self, now: Instant) -> Option<u64> {
        if self.rate_limit.allows(now) {
            return Some(self.left_out.swap(0, Ordering::Relaxed));
        }
        self.left_out.fetch_add(1, Ordering::Relaxed);
        None
    }
}

impl Default for Refusals {
    fn default() -> Self {
        Self { rate_limit: RateLimit::new(Duration::from_secs(1)), left_out: AtomicU64::new(0) }
    }
}

/// Reports that the credentials file changed and its logins are now in force.
pub(crate) fn credentials_replaced(path: &Path) {
    let file = path.to_string_lossy();
    let file = Escaped::new(&file, MAX_PATH_CHARS);
    info!(target: TARGET, outcome = "credentials-replaced", %file, "memory page: credentials");
}

/// Reports that the credentials file changed but is invalid, so the old logins stay in force.
pub(crate) fn credentials_kept(error: &dyn Display) {
    let error = error.to_string();
    let error = Escaped::new(&error, MAX_REASON_CHARS);
    warn!(target: TARGET, outcome = "credentials-kept", %error, "memory page: credentials");
}

/// Warns that others could have read a correct password on its way. Warns once per process, because the cause is the
/// deployment and not the request.
pub(crate) fn plain_http(parts: &RequestParts<'_>) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Ordering::Relaxed) {
        let peer = parts.connection.peer.map(display);
        warn!(
            target: TARGET,
            outcome = "plain-http-accepted",
            peer,
            "memory page: a password arrived over a connection that may be unencrypted; use TLS, or see \
             Endpoint::require_tls, trust_forwarded_proto and allow_plain_http"
        );
    }
}

/// Reports a change of the profiler by `user`, or its failure. Catches panics of subscribers, because the change is
/// already made.
pub(crate) fn profiling(user: &str, change: ProfilingChange, version: Result<u64, u16>) {
    let user = Escaped::new(user, MAX_USER_CHARS);
    let _panic = catch_unwind(AssertUnwindSafe(|| match version {
        Ok(version) => {
            info!(target: TARGET, outcome = "profiling-changed", %user, %change, version, "memory page: profiler");
        }
        Err(status) => {
            warn!(target: TARGET, outcome = "profiling-not-changed", %user, %change, status, "memory page: profiler");
        }
    }));
}

/// Reports that `user` started the tracer for `time`, or the status of the failure. Catches panics of subscribers,
/// because the tracer already counts.
pub(crate) fn trace_started(user: &str, time: Duration, result: Result<&(), u16>) {
    let (user, seconds) = (Escaped::new(user, MAX_USER_CHARS), time.as_secs());
    let _panic = catch_unwind(AssertUnwindSafe(|| match result {
        Ok(()) => info!(target: TARGET, outcome = "trace-started", %user, seconds, "memory page: tracer"),
        Err(status) => {
            warn!(target: TARGET, outcome = "trace-not-started", %user, seconds, status, "memory page: tracer");
        }
    }));
}

/// Reports that `user` stopped the tracer after `seconds`. Catches panics of subscribers, as above.
pub(crate) fn trace_stopped(user: &str, seconds: u64) {
    let user = Escaped::new(user, MAX_USER_CHARS);
    let _panic = catch_unwind(AssertUnwindSafe(
        || info!(target: TARGET, outcome = "trace-stopped", %user, seconds, "memory page: tracer"),
    ));
}

/// Reports that the endpoint cannot listen for siblings. Catches panics of subscribers, because the calling
/// thread has other work.
pub(crate) fn no_siblings(reason: &str) {
    let reason = Escaped::new(reason, MAX_REASON_CHARS);
    let _panic = catch_unwind(AssertUnwindSafe(
        || warn!(target: TARGET, outcome = "siblings-unavailable", %reason, "memory page: siblings"),
    ));
}

/// Reports an unexpected failure. Catches panics of subscribers, so that the thread goes on.
pub(crate) fn internal(problem: &str, error: &dyn Display) {
    let error = error.to_string();
    let error = Escaped::new(&error, MAX_REASON_CHARS);
    let _panic = catch_unwind(AssertUnwindSafe(
        || warn!(target: TARGET, outcome = "internal-error", problem, %error, "memory page: internal error"),
    ));
}

/// Reports that siblings or peers were asked: how many instances answered, and why others did not.
pub(crate) fn fleet(report: &FleetReport) {
    let (scope, answered, missing) = (&*report.scope, report.instances.len(), report.missing.len());
    let reasons: BTreeSet<_> = report.missing.iter().map(|missing| missing.reason.as_str()).collect();
    let suspicious = [MissingReason::Tls, MissingReason::Unauthorized, MissingReason::Foreign];
    let is_suspicious = suspicious.iter().any(|reason| reasons.contains(reason.as_str()));
    let reasons = reasons.into_iter().collect::<Vec<_>>().join(",");
    let _panic = catch_unwind(AssertUnwindSafe(|| {
        if is_suspicious {
            warn!(target: TARGET, outcome = "fleet-asked", scope, answered, missing, reasons, "memory page: fleet");
        } else {
            info!(target: TARGET, outcome = "fleet-asked", scope, answered, missing, reasons, "memory page: fleet");
        }
    }));
}

/// Reports that a collection has ended or was abandoned.
pub(crate) fn collection(scope: &str, outcome: &'static str, duration: Duration) {
    let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    if outcome == "collected" {
        info!(target: TARGET, outcome, %scope, duration_us, "memory page: collection");
    } else {
        warn!(target: TARGET, outcome, %scope, duration_us, "memory page: collection");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s64_a_flood_of_refusals_is_reported_once_a_second_with_a_count() {
        let refusals = Refusals::default();
        let start = Instant::now();
        assert_eq!(refusals.count(start), Some(0));
        for number in 0..500 {
            assert_eq!(refusals.count(start + Duration::from_millis(number)), None);
        }
        assert_eq!(refusals.count(start + Duration::from_millis(1001)), Some(500));
        assert_eq!(refusals.count(start + Duration::from_millis(1002)), None);
    }
}
