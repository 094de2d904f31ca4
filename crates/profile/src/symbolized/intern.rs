//! Interned values: each is stored once and has a handle.

use std::hash::Hash;

use rustc_hash::FxHashMap;

#[derive(Debug)]
pub(crate) struct Interner<T> {
    values: Vec<T>,
    handles: FxHashMap<T, u32>,
    /// The handles in the order of their values, except handles that are newer than the last call of `order`.
    order: Vec<u32>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Self { values: Vec::new(), handles: FxHashMap::default(), order: Vec::new() }
    }
}

impl<T: Clone + Eq + Hash> Interner<T> {
    /// Returns the handle of a value, and stores the value if it is new.
    pub(crate) fn handle(&mut self, value: T) -> u32 {
        if let Some(handle) = self.handles.get(&value) {
            return *handle;
        }
        // Saturates rather than fails. No profile has 2^32 values of one kind.
        let handle = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value.clone());
        self.handles.insert(value, handle);
        handle
    }

    /// Returns all values by handle. The interner's own copies are freed.
    pub(super) fn into_values(self) -> Vec<T> {
        self.values
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(crate) fn get(&self, handle: u32) -> &T {
        &self.values[handle as usize]
    }
}

impl<T: Clone + Eq + Hash + Ord> Interner<T> {
    /// All handles, in the order of their values.
    pub(super) fn order(&mut self) -> Order {
        let known = self.order.len();
        if known < self.values.len() {
            let values = &self.values;
            self.order.extend((0..).take(values.len()).skip(known));
            // The stable sort only merges the new handles into the ordered handles.
            self.order.sort_by(|a, b| values[*a as usize].cmp(&values[*b as usize]));
        }
        Order::new(self.order.clone())
    }

    /// The marked values, in order.
    pub(super) fn marked(&self, order: &Order) -> Vec<T> {
        order.marked().map(|handle| self.get(handle).clone()).collect()
    }
}

/// Handles in the order of their values. The position of a handle is its rank, and some ranks are marked.
#[derive(Debug)]
pub(super) struct Order {
    handles: Vec<u32>,
    /// Ranks by handle.
    ranks: Vec<u32>,
    /// Marks by rank.
    marks: Vec<bool>,
}

impl Order {
    /// `handles` must contain every number below its length.
    pub(super) fn new(handles: Vec<u32>) -> Self {
        let mut ranks = vec![0; handles.len()];
        (0..).zip(&handles).for_each(|(rank, handle)| ranks[*handle as usize] = rank);
        Self { marks: vec![false; handles.len()], handles, ranks }
    }

    pub(super) fn rank(&self, handle: u32) -> u32 {
        self.ranks[handle as usize]
    }

    pub(super) fn mark(&mut self, rank: u32) {
        self.marks[rank as usize] = true;
    }

    /// The handles with marked ranks, in order.
    pub(super) fn marked(&self) -> impl Iterator<Item = u32> {
        self.handles.iter().zip(&self.marks).filter_map(|(handle, is_marked)| is_marked.then_some(*handle))
    }

    /// The position among the marked ranks, by rank.
    pub(super) fn positions(&self) -> Vec<u32> {
        let mut next = 0;
        let position = |is_marked: &bool| {
            let position = next;
            next += u32::from(*is_marked);
            position
        };
        self.marks.iter().map(position).collect()
    }
}
