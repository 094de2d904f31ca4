//! Where reports come from.

use memory_debug_core::{Collector, MemoryReport, Scope};

/// Makes reports. [`Collector`] is the real one; another can stand in for it, for example in tests.
pub trait Collect: Send + Sync + 'static {
    /// Collects `scope`. May block and may take long: it is called on a thread of its own, never twice at once for
    /// the same kind of page. A panic is answered with status 500.
    fn collect(&self, scope: Scope) -> MemoryReport;
}

impl Collect for Collector {
    fn collect(&self, scope: Scope) -> MemoryReport {
        Self::collect(self, scope)
    }
}
