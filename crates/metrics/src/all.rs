//! All metrics of a report.

use memory_debug_report::{MemoryReport, TypeRow};

use crate::families::{self, MetricFamily};
use crate::view::MetricsView;
use crate::{monitor, types};

/// The metrics of a report, of tracked types, and of the monitor, if the report has its state
/// ([`MemoryReport::note_monitor`]).
///
/// `tracked` has the rows of tracked types, for a report without a table. If it is empty, the table's rows are used.
pub fn families(report: &MemoryReport, tracked: &[TypeRow], view: MetricsView) -> Vec<MetricFamily> {
    let mut families = families::of_numbers(report);
    families.extend(types::of_types(report, tracked, view));
    families
        .extend(report.monitor().into_iter().flat_map(|monitor| monitor::of_monitor(monitor, view.exact)));
    families.retain(|family| !family.metrics.is_empty());
    families
}
