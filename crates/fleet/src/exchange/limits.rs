//! The limits for asking neighbours.

use std::time::{Duration, Instant};

use crate::fan_out::FanOut;

/// Maximum number of neighbours that are asked at once.
const AT_ONCE: usize = 8;

/// Maximum time for one neighbour to answer.
pub(crate) const FOR_ONE: Duration = Duration::from_secs(2);

/// Maximum time for all neighbours to answer.
pub(crate) const FOR_ALL: Duration = Duration::from_secs(5);

/// The limits for asking neighbours, if the reply must be written within `deadline`.
pub(crate) fn fan_out(deadline: Duration) -> FanOut {
    FanOut { at_once: AT_ONCE, for_one: Some(FOR_ONE), end: Instant::now() + FOR_ALL.min(deadline / 4 * 3) }
}
