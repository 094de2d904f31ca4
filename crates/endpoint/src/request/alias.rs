//! Where Go services have their heap profiles, and scrapers look for them.

/// Paths of their own, wherever the page is mounted.
pub(crate) const PATHS: [&str; 2] = [HEAP, ALLOCS];

pub(crate) const HEAP: &str = "/debug/pprof/heap";

/// The same, but readers look first at all that was allocated.
pub(crate) const ALLOCS: &str = "/debug/pprof/allocs";
