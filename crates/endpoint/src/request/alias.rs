//! The paths of heap profiles in Go services, where scrapers look for them.

/// All alias paths. They do not depend on the base path.
pub(crate) const PATHS: [&str; 2] = [HEAP, ALLOCS];

/// The path of the heap profile.
pub(crate) const HEAP: &str = "/debug/pprof/heap";

/// The path of the same profile, for readers that first show allocations since the start.
pub(crate) const ALLOCS: &str = "/debug/pprof/allocs";
