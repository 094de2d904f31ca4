//! Numbers of JSON as whole ones.

use std::io;

use super::damaged;

/// The largest number below which every whole number is a float.
const MAX: f64 = 9_007_199_254_740_992.0;

/// A number in a unit of `scale` smaller ones: 1,000 nanoseconds are a microsecond.
///
/// # Errors
///
/// If the number is too large, or a fraction of something that has none.
pub(super) fn whole(number: f64, scale: f64) -> io::Result<i64> {
    let scaled = number * scale;
    let rounded = scaled.round();
    if rounded.is_nan() || rounded.abs() > MAX {
        return Err(damaged(format!("has the number {number}, which is too large to be exact")));
    }
    if scale == 1.0 && rounded != scaled {
        return Err(damaged(format!("has the number {number}, and a conversion would lose the fraction")));
    }
    Ok(rounded as i64)
}
