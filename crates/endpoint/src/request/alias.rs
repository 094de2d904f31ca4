//! The paths of heap profiles in Go services, where scrapers look for them.

/// All alias paths. They do not depend on the base path.
pub(crate) const PATHS: [&str; 2] = [HEAP, ALLOCS];

pub(crate) const HEAP: &str = "/debug/pprof/heap";

/// The same profile, but readers first show everything that was ever allocated.
pub(crate) const ALLOCS: &str = "/debug/pprof/allocs";
