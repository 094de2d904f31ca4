//! How large the heap is.

use std::sync::OnceLock;

static SCALE: OnceLock<f64> = OnceLock::new();

/// Sets the scale. Only the first call has an effect.
pub(crate) fn set(scale: f64) {
    let _ = SCALE.set(scale);
}

/// A count at the chosen scale, at least 1.
pub(crate) fn count(at_scale_one: u64) -> u64 {
    ((at_scale_one as f64 * SCALE.get_or_init(|| 1.0)) as u64).max(1)
}
