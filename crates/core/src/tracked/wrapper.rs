//! The wrapper that counts values.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

use super::counters::Counters;

/// A wrapper that counts the values of a type exactly: how many exist now, and their shallow bytes.
///
/// The heap profile samples; a `Tracked<T>` counts exactly. Wrap the types that need certainty. Their rows have
/// the source `exact`, and their bytes are `size_of::<T>()` each. Memory that a value owns elsewhere on the heap
/// is in the sampled rows. A row also has how many values were created and dropped since the process started,
/// which shows churn that a live count hides. Creating and dropping cost one atomic addition each, and the
/// wrapper is one pointer larger than `T`.
///
/// Comparisons, hashes and formatting use the value itself.
///
/// # Examples
///
/// ```
/// use memory_debug_core::Tracked;
///
/// struct Session {
///     user: String,
/// }
///
/// let mut session = Tracked::new(Session { user: "ada".into() });
/// session.user.push_str(" lovelace");
/// assert_eq!(session.user, "ada lovelace");
/// ```
#[derive(Clone)]
pub struct Tracked<T: 'static> {
    value: T,
    _tally: Tally,
}

impl<T> Tracked<T> {
    /// Wraps `value` and counts it until it is dropped.
    pub fn new(value: T) -> Self {
        Self { value, _tally: Tally::new(Counters::of::<T>()) }
    }

    /// Takes the value out. It is no longer counted.
    pub fn into_inner(self) -> T {
        self.value
    }
}

/// One counted value. It counts in its own `Drop`, so that `into_inner` can move the value out.
struct Tally(&'static Counters);

impl Tally {
    fn new(counters: &'static Counters) -> Self {
        counters.count_created();
        Self(counters)
    }
}

impl Clone for Tally {
    fn clone(&self) -> Self {
        Self::new(self.0)
    }
}

impl Drop for Tally {
    fn drop(&mut self) {
        self.0.count_dropped();
    }
}

impl<T> Deref for Tracked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> DerefMut for Tracked<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> AsRef<T> for Tracked<T> {
    fn as_ref(&self) -> &T {
        &self.value
    }
}

impl<T> AsMut<T> for Tracked<T> {
    fn as_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T> From<T> for Tracked<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Default> Default for Tracked<T> {
    fn default() -> Self {
        Self::new(T::default())
    }
}

impl<T: PartialEq> PartialEq for Tracked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Tracked<T> {}

impl<T: PartialOrd> PartialOrd for Tracked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for Tracked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Hash> Hash for Tracked<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: fmt::Debug> fmt::Debug for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for Tracked<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use memory_debug_report::{RowSource, TypeRow};

    use crate::tracked::rows;

    /// Every test counts a type of its own, because counters belong to the process.
    fn row(full_type: &str) -> TypeRow {
        rows().into_iter().find(|row| row.full_type.ends_with(full_type)).unwrap()
    }

    #[test]
    fn counts_what_lives() {
        struct Cache {
            _bytes: [u8; 24],
        }
        let make = || Tracked::new(Cache { _bytes: [0; 24] });
        let kept = [make(), make()];
        drop(make());
        let row = row("counts_what_lives::Cache");
        assert_eq!((row.objects, row.bytes, row.source), (2, 48, RowSource::Exact));
        assert_eq!((row.created, row.dropped), (Some(3), Some(1)));
        assert_eq!(row.type_name, "Cache");
        assert_eq!((row.objects_stderr, row.bytes_stderr), (0.0, 0.0));
        drop(kept);
        let row = self::row("counts_what_lives::Cache");
        assert_eq!((row.objects, row.created, row.dropped), (0, Some(3), Some(3)));
    }

    #[test]
    fn a_value_taken_out_is_not_counted_and_not_dropped() {
        struct Owned(String);
        let tracked = Tracked::new(Owned("alive".into()));
        let Owned(text) = tracked.into_inner();
        assert_eq!(text, "alive");
        assert_eq!(row("::Owned").objects, 0);
    }

    #[test]
    fn clones_count_as_values_of_their_own() {
        #[derive(Clone)]
        struct Cloned;
        let first = Tracked::new(Cloned);
        let second = first.clone();
        assert_eq!(row("::Cloned").objects, 2);
        drop(first);
        assert_eq!(row("::Cloned").objects, 1);
        drop(second);
    }

    #[test]
    fn values_that_move_between_threads_are_counted_once() {
        struct Moved;
        let made: Vec<_> = (0..40).map(|_| thread::spawn(|| Tracked::new(Moved))).collect();
        let values: Vec<_> = made.into_iter().map(|thread| thread.join().unwrap()).collect();
        assert_eq!(row("::Moved").objects, 40);
        for value in values {
            thread::spawn(move || drop(value)).join().unwrap();
        }
        assert_eq!(row("::Moved").objects, 0);
    }

    #[test]
    fn live_values_are_created_minus_dropped_at_every_moment() {
        struct Churned;
        let churn = || (0..20_000).for_each(|_| drop(Tracked::new(Churned)));
        thread::scope(|scope| {
            let threads: Vec<_> = (0..2).map(|_| scope.spawn(churn)).collect();
            drop(Tracked::new(Churned));
            while threads.iter().any(|thread| !thread.is_finished()) {
                let row = row("::Churned");
                assert_eq!(row.created.unwrap().checked_sub(row.dropped.unwrap()), Some(row.objects));
                assert!(row.objects <= 40_001, "{row:?}");
            }
        });
        let row = row("::Churned");
        assert_eq!((row.objects, row.created, row.dropped), (0, Some(40_001), Some(40_001)));
    }

    #[test]
    fn types_with_the_same_name_are_counted_apart() {
        fn count<T: 'static>(value: T) -> u64 {
            let tracked = Tracked::new(value);
            let objects =
                rows().iter().filter(|row| row.full_type.ends_with("::Twin")).map(|row| row.objects).sum();
            drop(tracked);
            objects
        }
        mod a {
            pub(super) struct Twin;
        }
        mod b {
            pub(super) struct Twin;
        }
        assert_eq!((count(a::Twin), count(b::Twin)), (1, 1));
        assert_eq!(rows().iter().filter(|row| row.type_name == "Twin").count(), 2);
    }

    #[test]
    fn comparisons_and_formatting_use_the_value() {
        let (one, two) = (Tracked::new(1_i8), Tracked::from(2));
        assert!(one < two && one == Tracked::new(1));
        assert_eq!(format!("{one} {one:?} {:03}", two), "1 1 002");
        assert_eq!(Tracked::<i8>::default().into_inner() + *one.as_ref(), 1);
    }
}
