//! Values that are stored once each, with handles.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

#[derive(Debug)]
pub(super) struct Interner<T> {
    values: Vec<T>,
    handles: FxHashMap<T, u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), handles: FxHashMap::default() }
    }
}

impl<T: Clone + Eq + Hash + Ord> Interner<T> {
    /// The handle of `value`, new or known.
    pub(super) fn handle(&mut self, value: T) -> u32 {
        if let Some(handle) = self.handles.get(&value) {
            return *handle;
        }
        // Saturates rather than fails; no profile has 2^32 of anything.
        let handle = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.handles.insert(value, handle);
        handle
    }

    /// The values whose handle is `used`, in order, and for each handle where its value now stands.
    pub(super) fn sorted(self, used: &FxHashSet<u32>) -> Sorted<T> {
        let numbered = self.values.into_iter().zip(0..).filter(|(_, handle)| used.contains(handle));
        Sorted::new(numbered.collect())
    }

    pub(super) fn get(&self, handle: u32) -> &T {
        &self.values[handle as usize]
    }
}

/// Values in order, and where that of a handle stands.
#[derive(Debug)]
pub(super) struct Sorted<T> {
    pub(super) values: Vec<T>,
    places: FxHashMap<u32, u32>,
}

impl<T: Ord> Sorted<T> {
    fn new(mut numbered: Vec<(T, u32)>) -> Self {
        numbered.sort_unstable();
        let places = numbered.iter().zip(0..).map(|((_, handle), place)| (*handle, place)).collect();
        Self { values: numbered.into_iter().map(|(value, _)| value).collect(), places }
    }

    /// The values changed, and put in order again.
    pub(super) fn map(self, change: impl Fn(T) -> T) -> Self {
        let Self { values, places } = self;
        let again = Self::new(values.into_iter().map(change).zip(0..).collect());
        let places = places.into_iter().map(|(handle, place)| (handle, again.place(place))).collect();
        Self { values: again.values, places }
    }

    /// Where the value of a handle that was used stands.
    pub(super) fn place(&self, handle: u32) -> u32 {
        self.places[&handle]
    }
}
