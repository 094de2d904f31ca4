//! Where Go services have their heap profiles, and scrapers look for them.

/// Paths of their own, wherever the page is mounted.
pub(crate) const PATHS: [&str; 2] = [HEAP, ALLOCS];

pub(crate) const HEAP: &str = "/debug/pprof/heap";

/// The same, but readers look first at all that was allocated.
pub(crate) const ALLOCS: &str = "/debug/pprof/allocs";

/// Whether `target`, a path with or without its query, might be one of these. Other paths below the same folder are the
/// application's.
///
/// Every request of a service that opted in passes here.
#[inline]
pub(crate) fn may_hold(target: &str) -> bool {
    target.starts_with("/debug/pprof/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s20_the_first_look_misses_no_alias() {
        for path in PATHS {
            assert!(may_hold(path) && may_hold(&format!("{path}?seconds=1")), "{path}");
        }
        for path in
            ["", "/", "/debug/pprof", "/debug/memory/heap", "/x/debug/pprof/heap", "//debug/pprof/heap"]
        {
            assert!(!may_hold(path), "{path}");
        }
    }
}
