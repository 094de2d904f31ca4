//! Values that are stored once each, with handles.

use std::hash::Hash;

use rustc_hash::FxHashMap;

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
    pub(super) fn sorted(self, used: &Handles) -> Sorted<T> {
        let handles = self.values.len();
        let numbered = self.values.into_iter().zip(0..).filter(|(_, handle)| used.contains(*handle));
        Sorted::new(numbered.collect(), handles)
    }

    /// No handles, with room for all.
    pub(super) fn none(&self) -> Handles {
        Handles(vec![false; self.values.len()])
    }

    pub(super) fn get(&self, handle: u32) -> &T {
        &self.values[handle as usize]
    }
}

/// A set of handles.
#[derive(Debug)]
pub(super) struct Handles(Vec<bool>);

impl Handles {
    pub(super) fn insert(&mut self, handle: u32) {
        self.0[handle as usize] = true;
    }

    fn contains(&self, handle: u32) -> bool {
        self.0[handle as usize]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.0).filter_map(|(handle, is_in)| is_in.then_some(handle))
    }
}

/// Values in order, and where that of a handle stands.
#[derive(Debug)]
pub(super) struct Sorted<T> {
    pub(super) values: Vec<T>,
    /// By handle. Of handles that were not used, any.
    places: Vec<u32>,
}

impl<T: Ord> Sorted<T> {
    fn new(mut numbered: Vec<(T, u32)>, handles: usize) -> Self {
        numbered.sort_unstable();
        let mut places = vec![0; handles];
        for ((_, handle), place) in numbered.iter().zip(0..) {
            places[*handle as usize] = place;
        }
        Self { values: numbered.into_iter().map(|(value, _)| value).collect(), places }
    }

    /// The values changed, and put in order again.
    pub(super) fn map(self, change: impl Fn(T) -> T) -> Self {
        let Self { values, places } = self;
        let count = values.len();
        let again = Self::new(values.into_iter().map(change).zip(0..).collect(), count);
        let place = |place: u32| again.places.get(place as usize).copied().unwrap_or_default();
        Self { places: places.into_iter().map(place).collect(), values: again.values }
    }

    /// Where the value of a handle that was used stands.
    pub(super) fn place(&self, handle: u32) -> u32 {
        self.places[handle as usize]
    }
}
