//! The routes that this process has seen, each with its label for live samples.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use memory_debug_core::__private::RouteLabel as LiveLabel;
use rustc_hash::FxHasher;

use crate::chunks::Chunks;
use crate::index::Index;
use crate::name::{RouteLabel, are_equal};

/// The most known routes. Requests of further routes are found by their name, and have no label.
const MAX_ROUTES: u32 = 4_096;

/// Routes are made in chunks of this many.
const CHUNK_BITS: u32 = 5;

/// How many routes a thread remembers.
const RECENT: usize = 64;

/// A method and a pattern, for the life of the process.
#[derive(Debug)]
pub(crate) struct KnownRoute {
    pub(crate) number: u32,
    method: &'static str,
    pattern: Box<str>,
    /// `None` if there are too many labels.
    pub(crate) label: Option<LiveLabel>,
}

#[derive(Debug)]
struct KnownRoutes {
    routes: Chunks<OnceLock<KnownRoute>>,
    index: Index,
    used: AtomicU32,
}

static ROUTES: OnceLock<KnownRoutes> = OnceLock::new();

thread_local! {
    /// The last routes of this thread.
    static LAST: [Cell<Option<&'static KnownRoute>>; RECENT] = const { [const { Cell::new(None) }; RECENT] };
}

/// The route of this name, if this thread has had it lately. Compares, but hashes only a few bytes.
#[inline]
pub(crate) fn recent(name: RouteLabel<'_>) -> Option<&'static KnownRoute> {
    let found = LAST.try_with(|last| last[place(name)].get()).ok()??;
    if found.is(name) { Some(found) } else { None }
}

/// The route of this name. Makes it if it fits. The thread remembers it.
#[cold]
pub(crate) fn find_or_add(name: RouteLabel<'_>) -> Option<&'static KnownRoute> {
    if ROUTES.get().is_none() {
        // An error says that another thread was first. No thread waits for another, for the sake of forks.
        let _ = ROUTES.set(KnownRoutes::new());
    }
    let found = ROUTES.get()?.find_or_add(name)?;
    let _ = LAST.try_with(|last| last[place(name)].set(Some(found)));
    Some(found)
}

/// Where a thread remembers a route. Most routes of one service differ in what is hashed here.
#[inline]
fn place(name: RouteLabel<'_>) -> usize {
    let bytes = name.pattern.as_bytes();
    let word = match (bytes.last_chunk::<8>(), bytes.last_chunk::<4>()) {
        (Some(last), _) => u64::from_le_bytes(*last),
        (None, Some(last)) => u64::from(u32::from_le_bytes(*last)),
        (None, None) => 0,
    };
    let lengths = (bytes.len() << 8 | name.method.len()) as u64;
    ((word ^ lengths).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize % RECENT
}

impl KnownRoutes {
    fn new() -> Self {
        let most = MAX_ROUTES as usize;
        Self { routes: Chunks::new(most, CHUNK_BITS), index: Index::new(most), used: AtomicU32::new(0) }
    }

    fn find_or_add(&self, name: RouteLabel<'_>) -> Option<&KnownRoute> {
        let mut hasher = FxHasher::default();
        name.hash(&mut hasher);
        let is = |number| self.get(number).is_some_and(|route| route.is(name));
        let add = || {
            let next = |used: u32| (used < MAX_ROUTES).then(|| used + 1);
            let number = self.used.fetch_update(Ordering::AcqRel, Ordering::Relaxed, next).ok()?;
            // An error cannot happen: each number is given out once.
            let _ = self.routes.get_or_make(number)?.set(KnownRoute {
                number,
                method: name.method,
                pattern: name.pattern.into(),
                label: LiveLabel::of(&format!("{} {}", name.method, name.pattern)),
            });
            Some(number)
        };
        self.get(self.index.find_or_add(hasher.finish(), is, add)?)
    }

    fn get(&self, number: u32) -> Option<&KnownRoute> {
        self.routes.get(number)?.get()
    }
}

impl KnownRoute {
    #[inline]
    pub(crate) fn name(&self) -> RouteLabel<'_> {
        RouteLabel { method: self.method, pattern: &self.pattern }
    }

    #[inline]
    fn is(&self, name: RouteLabel<'_>) -> bool {
        *self.pattern == *name.pattern && are_equal(self.method, name.method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_has_one_number_and_one_label_on_all_threads() {
        let pattern = String::from("/known/{id}");
        let name = RouteLabel::new("GET", Some(&pattern));
        assert!(recent(name).is_none());
        let found = find_or_add(name).unwrap();
        assert_eq!(recent(name).unwrap().number, found.number);
        let elsewhere = std::thread::spawn(|| {
            find_or_add(RouteLabel::new("GET", Some("/known/{id}"))).map(|route| (route.number, route.label))
        });
        assert_eq!(elsewhere.join().unwrap(), Some((found.number, found.label)));
        assert_eq!(found.label, LiveLabel::of("GET /known/{id}"));
        for other in
            [RouteLabel::new("PUT", Some("/known/{id}")), RouteLabel::new("GET", Some("/known/{ix}"))]
        {
            let other = find_or_add(other).unwrap();
            assert!(other.number != found.number && other.label != found.label);
        }
    }

    #[test]
    fn routes_beyond_the_limit_are_not_known() {
        let routes = KnownRoutes::new();
        for number in 0..MAX_ROUTES {
            let pattern = format!("/{number}");
            let name = RouteLabel::new("GET", Some(&pattern));
            assert_eq!(routes.find_or_add(name).unwrap().number, number);
        }
        assert!(routes.find_or_add(RouteLabel::new("GET", Some("/more"))).is_none());
        assert_eq!(routes.find_or_add(RouteLabel::new("GET", Some("/7"))).unwrap().number, 7);
    }
}
