//! The registry of roots, and their measurement.

use std::any::type_name;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Instant;

use memory_debug_report::{RootRow, RootSummary, Unavailable};
use memory_debug_retained::__private::{Found, Limits, Walk, arc_size};
use memory_debug_retained::{Allocative, Visitor};

use crate::fork::ForkSafe;

/// Most roots that are measured.
const MAX_ROOTS: usize = 64;

/// Most parts of a root that are reported one by one.
const MAX_FIELDS: usize = 64;

static ROOTS: ForkSafe<Vec<Arc<Root>>> = ForkSafe::new(Vec::new());

/// The number of roots that were refused because there were too many.
static REFUSED: AtomicU64 = AtomicU64::new(0);

/// Registers a value under a name. Pages that show types then show its retained size: every byte that `root`
/// owns, by field and type.
///
/// Registering costs a weak handle. The service can drop the value at any time, and the next report no longer has it.
/// (As with every `Weak`, the bytes of `T` itself stay allocated until the registration ends. What `T` owned is
/// freed.)
///
/// The value is visited only when a page with types is requested, on the collecting thread, while the service goes
/// on. The time is in proportion to the number of values that own something: some 24 million steps a second. A struct
/// is one step, and each field is one or two more. After 20 million steps the visit stops, and the report says so. A
/// lock on the way is tried for up to 10 ms and held while its contents are visited. A value shared by `Arc` is
/// counted once over all roots, by the first root that reaches it, in the order of registration. An `Arc` that is a
/// root itself is counted as that root.
///
/// Names may be equal: the second becomes `name #2`. Only the first 64 roots are measured, and the report says how
/// many were not.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use std::sync::{Arc, RwLock};
///
/// use memory_debug_core::allocative::{self, Allocative};
/// use memory_debug_core::{Collector, Scope, register_root};
///
/// #[derive(Allocative)]
/// struct Session {
///     user: String,
///     cart: Vec<u64>,
/// }
///
/// #[derive(Allocative, Default)]
/// struct Sessions {
///     by_id: RwLock<HashMap<u64, Session>>,
/// }
///
/// let sessions = Arc::new(Sessions::default());
/// let _registered = register_root("sessions", &sessions);
///
/// let session = Session { user: "ada".into(), cart: Vec::with_capacity(100) };
/// sessions.by_id.write().unwrap().insert(7, session);
///
/// // What a request for the page does:
/// let report = Collector::new().collect(Scope::Types).report;
/// let root = &report.roots.unwrap().rows[0];
/// assert_eq!((root.name.as_str(), root.type_name.as_str()), ("sessions", "Sessions"));
/// let cart = root.fields.iter().find(|field| field.field == "by_id.value.cart").unwrap();
/// assert_eq!((cart.type_name.as_str(), cart.bytes), ("Vec<u64>", 24 + 100 * 8));
/// ```
pub fn register_root<T>(name: impl Into<String>, root: &Arc<T>) -> RegisteredRoot
where
    T: Allocative + Send + Sync + ?Sized + 'static,
{
    register(name.into(), type_name::<T>(), Box::new(Arc::downgrade(root)))
}

/// [`register_root`] for a value that is not behind an `Arc`: a static, or a leaked value.
pub fn register_static_root<T>(name: impl Into<String>, root: &'static T) -> RegisteredRoot
where
    T: Allocative + Sync + ?Sized,
{
    register(name.into(), type_name::<T>(), Box::new(root))
}

/// A registration, which ends when this value is dropped.
#[derive(Debug)]
#[must_use = "dropping it ends the registration; keep it, or call `forever`"]
pub struct RegisteredRoot(Option<Arc<Root>>);

impl RegisteredRoot {
    /// Keeps the root registered for as long as its value lives.
    pub fn forever(mut self) {
        // A refused registration stays counted as refused.
        self.0 = None;
        std::mem::forget(self);
    }
}

impl Drop for RegisteredRoot {
    fn drop(&mut self) {
        match &self.0 {
            Some(own) => ROOTS.lock().retain(|root| !Arc::ptr_eq(root, own)),
            None => {
                REFUSED.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

/// A value and its name.
#[derive(Debug)]
struct Root {
    name: String,
    type_name: &'static str,
    value: Box<dyn Value>,
}

/// A value that can be visited while it exists.
trait Value: Send + Sync {
    /// Whether the value still exists.
    fn is_alive(&self) -> bool;

    /// The address of the value, if it is shared.
    fn address(&self) -> Option<usize>;

    /// Visits the value, if it still exists.
    fn visit(&self, walk: &mut Walk);
}

impl std::fmt::Debug for dyn Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Value")
    }
}

impl<T: Allocative + Send + Sync + ?Sized> Value for Weak<T> {
    fn is_alive(&self) -> bool {
        self.strong_count() > 0
    }

    fn address(&self) -> Option<usize> {
        Some(self.as_ptr().addr())
    }

    fn visit(&self, walk: &mut Walk) {
        // If the service drops its last handle meanwhile, the value is dropped here.
        let Some(root) = self.upgrade() else { return };
        if walk.owns(Arc::as_ptr(&root).addr()) {
            Visitor::visit_root::<T>(walk, &root, arc_size(&root));
        }
    }
}

impl<T: Allocative + Sync + ?Sized> Value for &'static T {
    fn is_alive(&self) -> bool {
        true
    }

    fn address(&self) -> Option<usize> {
        None
    }

    fn visit(&self, walk: &mut Walk) {
        let root: &T = self;
        Visitor::visit_root(walk, root, size_of_val(root));
    }
}

fn register(name: String, type_name: &'static str, value: Box<dyn Value>) -> RegisteredRoot {
    let mut roots = ROOTS.lock();
    roots.retain(|root| root.value.is_alive());
    if roots.len() >= MAX_ROOTS {
        REFUSED.fetch_add(1, Ordering::Relaxed);
        return RegisteredRoot(None);
    }
    let numbers = (2..).map(|number| format!("{name} #{number}"));
    let is_free = |name: &String| roots.iter().all(|root| root.name != *name);
    let free = std::iter::once(name.clone()).chain(numbers).find(is_free);
    let root = Arc::new(Root { name: free.unwrap_or(name), type_name, value });
    roots.push(Arc::clone(&root));
    RegisteredRoot(Some(root))
}

/// Visits all roots that are alive, in the order of registration. `None` if there are no roots.
pub(crate) fn measure(unavailable: &mut Unavailable) -> Option<RootSummary> {
    let roots: Vec<_> = ROOTS.lock().iter().filter(|root| root.value.is_alive()).cloned().collect();
    let refused = REFUSED.load(Ordering::Relaxed);
    let mut summary = measure_roots(&roots, Limits::default(), unavailable);
    summary.refused = refused;
    (!roots.is_empty()).then_some(summary)
}

fn measure_roots(roots: &[Arc<Root>], limits: Limits, unavailable: &mut Unavailable) -> RootSummary {
    let begin = Instant::now();
    let mut walk = Walk::new(limits);
    for (index, root) in roots.iter().enumerate() {
        root.value.address().into_iter().for_each(|address| walk.reserve(index, address));
    }
    let rows = roots.iter().enumerate().map(|(index, root)| {
        let found = root.measure(index, &mut walk);
        root.row(unavailable.keep(&format!("roots.{}", root.name), found), roots)
    });
    let mut summary = RootSummary::default();
    summary.rows = rows.collect();
    summary.duration_us = u64::try_from(begin.elapsed().as_micros()).unwrap_or(u64::MAX);
    summary
}

impl Root {
    fn measure(&self, index: usize, walk: &mut Walk) -> Result<Found, &'static str> {
        if walk.is_exhausted() {
            return Err("earlier roots used up the number of values that one collection visits");
        }
        walk.begin(index);
        // The state that a panic leaves in the walk is discarded. The panic's message stays in the service's own
        // log, because it may quote data, which no page shows.
        match catch_unwind(AssertUnwindSafe(|| self.value.visit(walk))) {
            Ok(()) => Ok(walk.finish()),
            Err(_panic) => {
                walk.abandon(self.value.address());
                Err("its implementation of `Allocative` panicked; the service's log has the message")
            }
        }
    }

    fn row(&self, found: Option<Found>, roots: &[Arc<Self>]) -> RootRow {
        let mut row = RootRow::default();
        row.name = self.name.clone();
        row.type_name = memory_debug_profile::readable_type_name(self.type_name);
        row.full_type = self.type_name.to_owned();
        let Some(found) = found else { return row };
        let names = found
            .elsewhere
            .into_iter()
            .filter_map(|(index, pointers)| roots.get(index).map(|root| (root.name.clone(), pointers)));
        row.retained_bytes = Some(found.retained_bytes);
        row.not_counted = found.not_counted;
        row.counted_elsewhere = names.collect();
        row.fields = found.fields;
        row.cut(MAX_FIELDS)
    }
}

#[cfg(test)]
mod tests;
