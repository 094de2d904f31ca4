//! `/metrics`: metrics for a scraper.

#[cfg(not(feature = "prometheus"))]
mod disabled;
#[cfg(feature = "prometheus")]
mod enabled;

use std::sync::Arc;

use memory_debug_core::{MonitorHandle, Snapshots, Work};

#[cfg(not(feature = "prometheus"))]
use self::disabled::write;
#[cfg(feature = "prometheus")]
use self::enabled::write;
use super::kind::Kind;
use super::page_request::{Material, PageRequest, RenderRequest};
use crate::auth::Authorized;
use crate::reply::{Problem, Reply};
use crate::request::Asking;

/// Maximum number of types with their own metrics. A scraper keeps three series for each.
const MAX_SERIES: usize = 200;

/// A request for metrics.
#[derive(Debug, PartialEq)]
struct Metrics {
    /// The number of types with their own metrics.
    series: usize,
    /// Whether the reader may see the names of types.
    knows_types: bool,
    /// The monitor, which has metrics too.
    monitor: Option<MonitorHandle>,
}

pub(crate) fn metrics(asking: &mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem> {
    let series = asking.query.rows("types", MAX_SERIES).unwrap_or(0);
    let monitor = asking.monitor.cloned();
    Ok(Arc::new(Metrics { series, knows_types: asking.knows_types, monitor }))
}

impl PageRequest for Metrics {
    fn answer(
        &self,
        request: &RenderRequest,
        material: Material<'_>,
        _proof: &Authorized,
    ) -> Result<Reply, Problem> {
        write(request, self.series, self.knows_types, self.monitor.as_ref(), material)
    }

    fn work(&self, _snapshots: &Snapshots) -> Option<Work> {
        (self.series > 0).then_some(Work::Page)
    }

    fn kind(&self, default: Kind) -> Kind {
        if self.series > 0 { Kind::Everything } else { default }
    }

    fn names_types(&self, default: bool) -> bool {
        default || self.series > 0
    }
}
