//! The memory that large objects take beyond what the heap profile counts for them.

use std::sync::{Mutex, PoisonError};

use memory_debug_profile::LargeObjects;

use crate::mallctl::{self, ALL_ARENAS, Error};
use crate::per_process::PerProcess;

/// The most precise sums over large objects so far. If each page used the sums of its own moment, the same objects
/// would have other sizes on each page.
static BEST: PerProcess<Mutex<Option<LargeObjects>>> = PerProcess::new(Mutex::new(None));

/// The known sizes of large objects, as of the last epoch or of an earlier, more precise one. `None` if jemalloc
/// gives every object its size class, as versions before 5.3.1 do, because then the profile counts the true
/// size. A jemalloc without statistics has no sums.
pub(crate) fn read_large_objects() -> Option<LargeObjects> {
    if !mallctl::OPT_DISABLE_LARGE_SIZE_CLASSES.read().ok()? {
        return None;
    }
    let page_bytes = mallctl::ARENAS_PAGE.read().ok()? as u64;
    let (all_bytes, classes) = read_classes().unwrap_or_default();
    let now = LargeObjects::new(page_bytes, all_bytes, classes);
    let mut best = BEST.get(|_| Mutex::default()).lock().unwrap_or_else(PoisonError::into_inner);
    if best.is_none_or(|best| now.outweigh(best)) {
        *best = Some(now);
    }
    *best
}

/// The bytes that all large objects take, and the size classes with the number of their live objects.
fn read_classes() -> Result<(u64, Vec<(u64, u64)>), Error> {
    let (size, live) = (mallctl::LARGE_SIZE.look_up()?, mallctl::LARGE_LIVE.look_up()?);
    let mut classes = Vec::new();
    for class in 0..mallctl::ARENAS_LARGE_EXTENTS.read()? as usize {
        match live.read([ALL_ARENAS, class])? as u64 {
            0 => {}
            live => classes.push((size.read([class])? as u64, live)),
        }
    }
    Ok((mallctl::ARENA_LARGE_ALLOCATED.look_up()?.read([ALL_ARENAS])? as u64, classes))
}
