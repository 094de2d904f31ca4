//! Empty functions in place of audit events, without the feature `tracing`.

use std::path::Path;
use std::time::{Duration, Instant};

use memory_debug_core::{FleetReport, ProfilingChange};

use crate::auth::Authorized;
use crate::auth::CredentialsError;
use crate::parts::RequestParts;
use crate::reply::Problem;
use crate::wanted::Kind;

#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(());

impl Audit {
    pub(crate) fn authorized(&self, _: &RequestParts<'_>, _: &Authorized, _: Option<u16>) {}

    pub(crate) fn refused(&self, _: &RequestParts<'_>, _: &'static str, _: Option<u16>, _: Instant) {}
}

pub(crate) fn credentials_replaced(_: &Path) {}

pub(crate) fn credentials_kept(_: &CredentialsError) {}

pub(crate) fn plain_http(_: &RequestParts<'_>) {}

pub(crate) fn profiling(_: &str, _: ProfilingChange, _: Result<u64, &Problem>) {}

pub(crate) fn fleet(_: &FleetReport) {}

pub(crate) fn collection(_: Kind, _: &'static str, _: Duration) {}

#[cfg(all(feature = "fleet", target_os = "linux"))]
pub(crate) fn no_siblings(_: &str) {}
