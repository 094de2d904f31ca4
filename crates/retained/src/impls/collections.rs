//! Collections. They own their spare capacity, and their elements are parts of their own.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, VecDeque};
use std::ffi::OsString;
use std::path::PathBuf;

use crate::visitor::{Allocative, Visitor};

macro_rules! texts {
    ($($text:ty),*) => {
        $(impl Allocative for $text {
            fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
                visitor.enter_self_sized::<Self>().visit_heap(self.capacity());
            }
        })*
    };
}

texts!(String, OsString, PathBuf);

macro_rules! arrays {
    ($($array:ident),*) => {
        $(impl<T: Allocative> Allocative for $array<T> {
            fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
                let mut this = visitor.enter_self_sized::<Self>();
                let capacity = if size_of::<T>() == 0 { 0 } else { self.capacity() };
                this.enter_heap(capacity * size_of::<T>()).visit_iter(self);
            }
        })*
    };
}

arrays!(Vec, VecDeque, BinaryHeap);

impl<T: Allocative> Allocative for [T] {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        visitor.enter_self(self).visit_iter(self);
    }
}

impl<T: Allocative, const N: usize> Allocative for [T; N] {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        visitor.enter_self(self).visit_iter(self);
    }
}

impl<K: Allocative, V: Allocative, S> Allocative for HashMap<K, V, S> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        this.enter_heap(hash_table_bytes::<(K, V)>(self.capacity())).visit_entries(self);
    }
}

impl<T: Allocative, S> Allocative for HashSet<T, S> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        this.enter_heap(hash_table_bytes::<T>(self.capacity())).visit_iter(self);
    }
}

/// A map does not show how full its nodes are, so their free slots and links are not counted.
impl<K: Allocative, V: Allocative> Allocative for BTreeMap<K, V> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        this.enter_heap(self.len() * (size_of::<K>() + size_of::<V>())).visit_entries(self);
    }
}

/// Like [`BTreeMap`].
impl<T: Allocative> Allocative for BTreeSet<T> {
    fn visit<'a, 'b: 'a>(&self, visitor: &'a mut Visitor<'b>) {
        let mut this = visitor.enter_self_sized::<Self>();
        this.enter_heap(self.len() * size_of::<T>()).visit_iter(self);
    }
}

/// The bytes of a hash table that can hold `capacity` entries: one control byte per bucket, and a group of control
/// bytes at the end. The number of buckets is a power of two, of which 7 in 8 may be used (`capacity_to_buckets` and
/// `calculate_layout_for` in hashbrown 0.16). A table from which many entries were removed reports less capacity than
/// it has.
fn hash_table_bytes<T>(capacity: usize) -> usize {
    /// `Group::WIDTH` with SSE2; 8 elsewhere.
    const GROUP: usize = if cfg!(target_feature = "sse2") { 16 } else { 8 };
    let buckets: usize = match capacity {
        0 => return 0,
        1..4 => 4,
        4..8 => 8,
        _ => (capacity.saturating_mul(8) / 7).next_power_of_two(),
    };
    let align = GROUP.max(align_of::<T>());
    (buckets * size_of::<T>()).next_multiple_of(align) + buckets + GROUP
}
