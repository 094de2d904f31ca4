//! The leaks of this example, each of its own kind.

use memory_debug_endpoint::exports::monitor;
use memory_debug_endpoint::exports::tracer::TraceExt;

use crate::{audit, circles, receipts};

/// Which leaks run, all off by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Leaks {
    /// The audit log grows: a task holds it.
    pub log: bool,
    /// Closed circles of friends hold themselves through a cycle of `Arc`s.
    pub cycle: bool,
    /// Receipts are forgotten: nothing holds them.
    pub forget: bool,
}

impl Leaks {
    /// Starts a task for each leak. It ends with the runtime.
    pub(crate) fn start(self) {
        if self.log {
            monitor::spawn("audit log", audit::leak().traced("audit log"));
        }
        if self.cycle {
            monitor::spawn("circles", circles::leak().traced("circles"));
        }
        if self.forget {
            monitor::spawn("receipts", receipts::leak().traced("receipts"));
        }
    }
}
