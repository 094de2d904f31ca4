//! Empty audit functions, for builds without the feature `tracing`.

use std::fmt::Display;
use std::path::Path;
use std::time::{Duration, Instant};

use memory_debug_core::{FleetReport, ProfilingChange};

use crate::parts::RequestParts;

pub(crate) const IS_ON: bool = false;

#[derive(Clone, Debug, Default)]
pub(crate) struct Audit(());

impl Audit {
    pub(crate) fn authorized(&self, _: &RequestParts<'_>, _: &str, _: &str, _: Option<u16>) {}

    pub(crate) fn refused(&self, _: &RequestParts<'_>, _: &'static str, _: Option<u16>, _: Instant) {}
}

pub(crate) fn credentials_replaced(_: &Path) {}

pub(crate) fn credentials_kept(_: &dyn Display) {}

pub(crate) fn plain_http(_: &RequestParts<'_>) {}

pub(crate) fn profiling(_: &str, _: ProfilingChange, _: Result<u64, u16>) {}

pub(crate) fn trace_started(_: &str, _: Duration, _: Result<&(), u16>) {}

pub(crate) fn trace_stopped(_: &str, _: u64) {}

pub(crate) fn fleet(_: &FleetReport) {}

pub(crate) fn collection(_: &str, _: &'static str, _: Duration) {}

pub(crate) fn internal(_: &str, _: &dyn Display) {}

pub(crate) fn no_siblings(_: &str) {}
