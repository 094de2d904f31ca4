//! What large objects take beside what the heap profile counts for them.

use memory_debug_profile::LargeObjects;

use crate::mallctl::{self, ALL_ARENAS, Error};

/// Reads the sums over all large objects, as of the last epoch. `None` if jemalloc gives every object its size class, as
/// versions before 5.3.1 do: then the profile counts what is there. A jemalloc without statistics has no sums; then
/// they are 0, and every size is taken to be half-way between two classes.
pub(crate) fn read_large_objects() -> Option<LargeObjects> {
    if !mallctl::OPT_DISABLE_LARGE_SIZE_CLASSES.read().ok()? {
        return None;
    }
    let page_bytes = mallctl::ARENAS_PAGE.read().ok()? as u64;
    let (usable_bytes, class_bytes) =
        read_sums(LargeObjects::threshold_bytes(page_bytes)).unwrap_or_default();
    Some(LargeObjects { page_bytes, usable_bytes, class_bytes })
}

/// What objects above the threshold take, and what their classes come to.
fn read_sums(threshold: u64) -> Result<(u64, u64), Error> {
    let (size, live) = (mallctl::LARGE_SIZE.look_up()?, mallctl::LARGE_LIVE.look_up()?);
    // Classes up to the threshold are exact, so what they hold can be taken off the sum.
    let (mut exact_bytes, mut class_bytes) = (0_u64, 0_u64);
    for class in 0..mallctl::ARENAS_LARGE_EXTENTS.read()? as usize {
        let live = live.read([ALL_ARENAS, class])? as u64;
        if live > 0 {
            let size = size.read([class])? as u64;
            let sum = if size <= threshold { &mut exact_bytes } else { &mut class_bytes };
            *sum = sum.saturating_add(live.saturating_mul(size));
        }
    }
    let all = mallctl::ARENA_LARGE_ALLOCATED.look_up()?.read([ALL_ARENAS])? as u64;
    Ok((all.saturating_sub(exact_bytes), class_bytes))
}
