//! Without feature `allocative` nothing can be registered.

use crate::root_summary::RootSummary;
use crate::unavailable::Unavailable;

/// No roots.
pub(crate) fn measure(_unavailable: &mut Unavailable) -> Option<RootSummary> {
    None
}
