//! The trait for values that can be visited, and the visitor.

use std::any::type_name;
use std::sync::Arc;

use crate::walk::{Step, Walk};

/// A value that can show what it owns.
///
/// It mirrors the trait of the crate [allocative](https://docs.rs/allocative). It has that crate's derive macro with
/// the attributes `skip`, `bound` and `visit`, but its own bounded [visitor](Visitor). The macro uses the path
/// `allocative::`, so that name must be in scope:
///
/// ```
/// use memory_debug_retained::{self as allocative, Allocative, Visitor};
///
/// #[derive(Allocative)]
/// struct Session {
///     user: String,
///     cart: Vec<u64>,
///     #[allocative(visit = visit_foreign)]
///     token: Foreign,
///     #[allocative(skip)]
///     closed: std::sync::mpsc::Sender<()>,
/// }
///
/// /// A type of another crate, which has no implementation.
/// struct Foreign(Vec<u8>);
///
/// fn visit_foreign(foreign: &Foreign, visitor: &mut Visitor<'_>) {
///     let mut inside = visitor.enter_self(foreign);
///     inside.visit_heap(foreign.0.capacity());
/// }
/// ```
///
/// A lock of another crate is visited the same way:
///
/// ```ignore
/// fn visit_lock<T: Allocative>(lock: &tokio::sync::RwLock<T>, visitor: &mut Visitor<'_>) {
///     let mut inside = visitor.enter_self(lock);
///     if let Some(value) = inside.try_lock(|| lock.try_read().ok()) {
///         inside.descend(&*value);
///     }
/// }
/// ```
///
/// # For implementors
///
/// `visit` runs on the collecting thread while the service goes on. It must not wait for a lock, and can try one with
/// [`Visitor::try_lock`]. It should visit fields with [`Visitor::visit_field`], which stops at the bounds. If it
/// panics, its root is not measured, but all other roots are.
pub trait Allocative {
    /// Shows the visitor this value and everything it owns.
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>);
}

/// The name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key(&'static str);

impl Key {
    /// A key with this name.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The function that the derive macro calls. The hash is not used.
    #[doc(hidden)]
    pub const fn new_unchecked(_hash: u64, name: &'static str) -> Self {
        Self(name)
    }
}

/// Receives a value's parts one by one. Each part is entered and left.
///
/// A visitor is left when it is dropped or [`exit`](Self::exit) is called. Beyond the bounds of depth and number
/// it accepts every call but neither descends nor counts, and the report says so.
#[derive(Debug)]
#[must_use]
pub struct Visitor<'a> {
    walk: &'a mut Walk,
    /// Number of steps taken before the step that made this visitor. `None` if that step was refused.
    before: Option<usize>,
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        if let Some(before) = self.before {
            self.walk.leave(before);
        }
    }
}

impl<'a> Visitor<'a> {
    /// Enters a field of `size` bytes inside the value that is being visited.
    pub fn enter<'b>(&'b mut self, name: Key, size: usize) -> Visitor<'b>
    where
        'a: 'b,
    {
        self.step(Step::Field(name.0), size)
    }

    /// Enters the value itself. Most implementations begin with this.
    pub fn enter_self<'b, T: ?Sized>(&'b mut self, this: &T) -> Visitor<'b>
    where
        'a: 'b,
    {
        self.step(Step::Type(type_name::<T>()), size_of_val(this))
    }

    /// Like [`enter_self`](Self::enter_self), by the type alone.
    pub fn enter_self_sized<'b, T>(&'b mut self) -> Visitor<'b>
    where
        'a: 'b,
    {
        self.step(Step::Type(type_name::<T>()), size_of::<T>())
    }

    /// Enters `size` bytes of memory that the value owns elsewhere, as a vector does.
    pub fn enter_heap<'b>(&'b mut self, size: usize) -> Visitor<'b>
    where
        'a: 'b,
    {
        self.step(Step::Heap { shared: false }, size)
    }

    /// Enters `size` bytes at `address` that other values may own as well. `None` if they were already counted.
    pub fn enter_shared<'b>(&'b mut self, address: *const (), size: usize) -> Option<Visitor<'b>>
    where
        'a: 'b,
    {
        let is_first = self.is_inside() && self.walk.claim(address.addr());
        is_first.then(|| self.step(Step::Heap { shared: true }, size))
    }

    /// Visits a field.
    pub fn visit_field<T: Allocative + ?Sized>(&mut self, name: Key, field: &T) {
        self.enter(name, size_of_val(field)).descend(field);
    }

    /// Visits a field without descending into it.
    pub fn visit_simple(&mut self, name: Key, size: usize) {
        self.enter(name, size).exit();
    }

    /// Visits `size` bytes of memory that the value owns elsewhere and that own nothing themselves.
    pub fn visit_heap(&mut self, size: usize) {
        self.enter_heap(size).exit();
    }

    /// Visits the elements of a collection, all as the field `item`. Elements without anything to drop own
    /// nothing and are skipped.
    pub fn visit_iter<'i, T: Allocative + 'i>(&mut self, items: impl IntoIterator<Item = &'i T>) {
        if std::mem::needs_drop::<T>() {
            for item in items {
                if self.is_finished() {
                    break;
                }
                self.visit_field(Key::new("item"), item);
            }
        }
    }

    /// Visits the entries of a map, as the fields `key` and `value`.
    pub fn visit_entries<'i, K: Allocative + 'i, V: Allocative + 'i>(
        &mut self,
        entries: impl IntoIterator<Item = (&'i K, &'i V)>,
    ) {
        if std::mem::needs_drop::<(K, V)>() {
            for (key, value) in entries {
                if self.is_finished() {
                    break;
                }
                self.visit_field(Key::new("key"), key);
                self.visit_field(Key::new("value"), value);
            }
        }
    }

    /// Visits what is inside the value but is not a field of its own, as for an `Option`.
    pub fn descend<T: Allocative + ?Sized>(&mut self, inside: &T) {
        if self.is_inside() {
            inside.visit(self);
        }
    }

    /// Tries a lock for up to 10 ms, and all locks of a collection together for 100 ms. If the lock stays held,
    /// the report says that its contents are missing.
    pub fn try_lock<G>(&mut self, attempt: impl FnMut() -> Option<G>) -> Option<G> {
        if self.is_inside() { self.walk.lock(attempt) } else { None }
    }

    /// Leaves the part, as dropping does.
    pub fn exit(self) {}

    /// Visits a whole root, which is behind an `Arc` or in a static. Not part of the interface.
    #[doc(hidden)]
    pub fn visit_root<T: Allocative + ?Sized>(walk: &mut Walk, root: &T, size: usize) {
        let before = walk.enter(Step::Heap { shared: false }, size);
        Visitor { walk, before }.descend(root);
    }

    /// Visits the pointee of an `Arc`. Its address is remembered only if there are several handles, so that a million
    /// unshared `Arc`s cost no memory.
    pub(crate) fn enter_arc<'b, T: ?Sized>(&'b mut self, arc: &Arc<T>) -> Option<Visitor<'b>>
    where
        'a: 'b,
    {
        let size = arc_size(arc);
        if Arc::strong_count(arc) == 1 {
            return Some(self.step(Step::Heap { shared: true }, size));
        }
        self.enter_shared(Arc::as_ptr(arc).cast(), size)
    }

    fn is_finished(&mut self) -> bool {
        // Only a refused step records that values were left out, so the first step beyond the bound is still tried.
        !self.is_inside() || (self.walk.is_exhausted() && !self.enter_heap(0).is_inside())
    }

    fn is_inside(&self) -> bool {
        self.before.is_some()
    }

    fn step<'b>(&'b mut self, step: Step, size: usize) -> Visitor<'b>
    where
        'a: 'b,
    {
        let before = self.before.and_then(|_| self.walk.enter(step, size));
        Visitor { walk: self.walk, before }
    }
}

/// The bytes of an `Arc`'s allocation: two counters and the value (`ArcInner` in std, `repr(C)`).
pub fn arc_size<T: ?Sized>(arc: &Arc<T>) -> usize {
    let (size, align) = (size_of_val::<T>(arc), align_of_val::<T>(arc).max(align_of::<usize>()));
    let before = (2 * size_of::<usize>()).next_multiple_of(align);
    (before + size).next_multiple_of(align)
}
