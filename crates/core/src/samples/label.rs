//! Labels: which route the thread works for at this moment.

use std::cell::Cell;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use crate::fork::ForkSafe;

/// The most labels of a process. Further routes share no label, so their memory counts for no route.
const MAX_LABELS: usize = 4096;

/// The names, by label. The first is label 1; 0 is no route.
static NAMES: OnceLock<ForkSafe<Vec<String>>> = OnceLock::new();

thread_local! {
    /// Const-initialised and without destructor, so that a hook of the allocator can read it at any time.
    static CURRENT: Cell<u32> = const { Cell::new(0) };
}

/// A route as live samples know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteLabel(NonZeroU32);

impl RouteLabel {
    /// The label of the route `name` (`GET /items/{id}`). The same name has the same label for the life of the process.
    /// `None` if the process has too many routes.
    pub fn of(name: &str) -> Option<Self> {
        let mut names = NAMES.get_or_init(ForkSafe::default).lock();
        let index = names.iter().position(|known| known == name).or_else(|| {
            (names.len() < MAX_LABELS).then(|| {
                names.push(name.to_owned());
                names.len() - 1
            })
        })?;
        NonZeroU32::new(u32::try_from(index).ok()?.checked_add(1)?).map(Self)
    }

    /// The label of this thread now. `None` if the thread works for no route.
    #[inline]
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Cell::get).ok().and_then(NonZeroU32::new).map(Self)
    }

    /// Until the guard is dropped, what this thread allocates counts for the route. Costs two accesses of a
    /// thread-local.
    #[inline]
    pub fn enter(self) -> LabelGuard {
        let before = CURRENT.try_with(|current| current.replace(self.0.get())).unwrap_or(0);
        LabelGuard { before, _not_send: PhantomData }
    }
}

/// What the thread allocates counts for a route. Dropping it restores the route before.
#[derive(Debug)]
#[must_use = "dropping it ends the label"]
pub struct LabelGuard {
    before: u32,
    /// The thread that entered the label must leave it.
    _not_send: PhantomData<*const ()>,
}

impl Drop for LabelGuard {
    #[inline]
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.before));
    }
}

/// The label of this thread now. Allocates nothing and takes no lock.
#[cfg(any(test, all(feature = "jemalloc", target_os = "linux")))]
#[inline]
pub(super) fn current() -> u32 {
    CURRENT.try_with(Cell::get).unwrap_or(0)
}

/// The name of label 0.
const NO_ROUTE: &str = "(no route)";

/// The name of each label, by its number. The first is no route.
#[cfg(any(test, all(feature = "jemalloc", target_os = "linux")))]
pub(super) fn names() -> Vec<String> {
    let known = NAMES.get().map(|names| names.lock().clone()).unwrap_or_default();
    std::iter::once(NO_ROUTE.to_owned()).chain(known).collect()
}

/// The name of one label. `None` if there is no such label. Copies this name only.
pub fn label_name(label: u32) -> Option<String> {
    match label.checked_sub(1) {
        None => Some(NO_ROUTE.to_owned()),
        Some(index) => NAMES.get()?.lock().get(usize::try_from(index).ok()?).cloned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_nest_and_have_stable_names() {
        let one = RouteLabel::of("GET /label-test/one").unwrap();
        let two = RouteLabel::of("GET /label-test/two").unwrap();
        assert_ne!(one, two);
        assert_eq!(RouteLabel::of("GET /label-test/one"), Some(one));
        assert_eq!((current(), RouteLabel::current()), (0, None));
        let outer = one.enter();
        assert_eq!(RouteLabel::current(), Some(one));
        let inner = two.enter();
        assert_eq!(names()[current() as usize], "GET /label-test/two");
        drop(inner);
        assert_eq!(names()[current() as usize], "GET /label-test/one");
        drop(outer);
        assert_eq!(current(), 0);
        assert_eq!(names()[0], "(no route)");
        let each: Vec<_> = (0..).map_while(label_name).collect();
        assert!(each.starts_with(&names()), "{each:?}");
    }
}
