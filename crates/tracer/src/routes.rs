//! Bytes per request, by route.

use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rustc_hash::FxHasher;

use crate::adding::Adding;
use crate::chunks::Chunks;
use crate::histogram::{Histogram, HistogramSum};
use crate::index::Index;
use crate::name::KeptName;

/// The most routes with a distribution of their own. Further ones share one.
const MAX_ROUTES: u32 = 1_024;

/// The number of the distribution that further routes share.
pub(crate) const OTHER_ROUTES: u32 = MAX_ROUTES;

/// Routes are made in chunks of this many, of 2.9 kB each.
const CHUNK_BITS: u32 = 3;

/// Distributions by the name of the route.
#[derive(Debug)]
pub(crate) struct Routes {
    routes: Chunks<Route>,
    index: Index,
    used: AtomicU32,
}

#[derive(Debug, Default)]
struct Route {
    /// Written once, before the route can be found.
    name: OnceLock<String>,
    bytes: Histogram,
}

impl Routes {
    pub(crate) fn new() -> Self {
        let most = MAX_ROUTES as usize + 1;
        Self { routes: Chunks::new(most, CHUNK_BITS), index: Index::new(most), used: AtomicU32::new(0) }
    }

    /// The number of the route with this name. Makes it if it fits.
    #[cold]
    pub(crate) fn find_or_add(&self, name: &KeptName) -> u32 {
        let name = name.text();
        let mut hasher = FxHasher::default();
        name.hash(&mut hasher);
        let is = |number| self.name(number) == Some(&name);
        let add = || {
            let next = |used: u32| (used < MAX_ROUTES).then(|| used + 1);
            let number = self.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next).ok()?;
            // An error cannot happen: each number is given out once.
            let _ = self.routes.get_or_make(number)?.name.set(name.clone());
            Some(number)
        };
        self.index.find_or_add(hasher.finish(), is, add).unwrap_or(OTHER_ROUTES)
    }

    fn name(&self, number: u32) -> Option<&String> {
        self.routes.get(number)?.name.get()
    }

    /// Makes the distribution of this route, if it does not exist.
    pub(crate) fn make(&self, route: u32) {
        self.routes.get_or_make(route);
    }

    /// A request of this route has allocated `bytes`. Returns whether the distribution exists.
    #[inline]
    pub(crate) fn add(&self, route: u32, bytes: u64) -> bool {
        let route = self.routes.get(route);
        if let Some(route) = route {
            route.bytes.add(Adding::Shared, bytes);
        }
        route.is_some()
    }

    /// Adds the distribution of this route to `sum`, if it exists.
    pub(crate) fn add_to(&self, route: u32, sum: &mut HistogramSum) {
        if let Some(route) = self.routes.get(route) {
            route.bytes.add_to(sum);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_beyond_the_limit_share_one_distribution() {
        let routes = Routes::new();
        let name = |number: u32| KeptName::Route { method: "GET", pattern: format!("/{number}").into() };
        for number in 0..MAX_ROUTES {
            assert_eq!(routes.find_or_add(&name(number)), number);
        }
        assert_eq!(routes.find_or_add(&name(MAX_ROUTES)), OTHER_ROUTES);
        assert_eq!(routes.find_or_add(&name(7)), 7);
        assert!(!routes.add(OTHER_ROUTES, 5));
        routes.make(OTHER_ROUTES);
        assert!(routes.add(OTHER_ROUTES, 5));
        let figures = |route| {
            let mut sum = HistogramSum::default();
            routes.add_to(route, &mut sum);
            sum.figures()
        };
        assert_eq!(figures(OTHER_ROUTES).unwrap().total, 5);
        assert_eq!(figures(7), None);
    }
}
