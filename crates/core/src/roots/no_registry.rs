//! The twin of `registry` for programs without the feature `allocative`: nothing can be registered.

use memory_debug_report::{RootSummary, Unavailable};

/// Measures nothing, because there are no roots.
pub(crate) fn measure(_unavailable: &mut Unavailable) -> Option<RootSummary> {
    None
}
