//! The collections of the standard library.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque};

use crate::element::*;
use crate::ledger::{keep, own};

pub(crate) fn populate() {
    vectors();
    queues();
    maps();
    trees();
}

fn vectors() {
    own("Vec, pushed", || keep(pushed::<VecPushed>(9_000)));
    own("Vec, pushed (twin)", || {
        let mut vec = Vec::new();
        elements::<VecTwin>(10_000).for_each(|element| vec.push(element));
        keep(vec);
    });
    own("Vec, collected", || keep(elements(5_000).collect::<Vec<VecCollected>>()));
    own("Vec, filled", || keep(vec![VecFilled::nth(1); 4_000]));
    own("Vec, written out", || {
        for n in 0..50 {
            keep(vec![VecWritten::nth(n), VecWritten::nth(n + 1), VecWritten::nth(n + 2)]);
        }
    });
    own("Vec, cloned", || {
        let original = vec![VecCloned::nth(2); 2_000];
        keep(original.clone());
        keep(original);
    });
    own("Vec, collected in place", || {
        let numbers = elements::<VecInPlace>(3_000).collect::<Vec<_>>();
        keep(numbers.into_iter().filter(|e| *e != VecInPlace::nth(7)).collect::<Vec<_>>());
    });
    own("Vec, collected in place and shrunk", || {
        let pairs = (0..9_001).map(|n| (VecShrunk::nth(n), n)).collect::<Vec<_>>();
        keep(pairs.into_iter().map(|(element, _)| element).collect::<Vec<_>>());
    });
    own("Vec<Vec<_>>", || {
        let row = |_| own("Vec<_> in a Vec", || elements(60).collect::<Vec<VecInner>>());
        keep((0..200).map(row).collect::<Vec<_>>());
    });
    own("Box<[_]>", || keep(elements(2_000).collect::<Box<[SliceItem]>>()));
    own("container of this crate", || {
        let mut ring = Ring::new(1_500);
        elements::<RingItem>(2_500).for_each(|element| ring.push(element));
        keep(ring);
    });
}

fn pushed<E: Element>(count: u64) -> Vec<E> {
    let mut vec = Vec::new();
    for n in 0..count {
        vec.push(E::nth(n));
    }
    vec
}

/// Keeps the last `capacity` elements.
struct Ring<T> {
    elements: Vec<T>,
    next: usize,
}

impl<T> Ring<T> {
    fn new(capacity: usize) -> Self {
        Self { elements: Vec::with_capacity(capacity), next: 0 }
    }

    fn push(&mut self, element: T) {
        if self.elements.len() < self.elements.capacity() {
            self.elements.push(element);
        } else {
            self.elements[self.next] = element;
        }
        self.next = (self.next + 1) % self.elements.capacity();
    }
}

fn queues() {
    own("VecDeque", || {
        let mut deque = VecDeque::new();
        elements::<DequeItem>(6_000).for_each(|element| deque.push_back(element));
        keep(deque);
    });
    own("VecDeque (twin)", || {
        let mut deque = VecDeque::new();
        for n in (1..8_000).step_by(2) {
            deque.push_front(DequeTwin::nth(n));
        }
        keep(deque);
    });
    own("BinaryHeap", || {
        let mut heap = BinaryHeap::new();
        elements::<HeapItem>(4_000).for_each(|element| heap.push(element));
        keep(heap);
    });
    own("BinaryHeap (twin)", || {
        let mut heap = BinaryHeap::new();
        for n in (1..9_000).step_by(2) {
            heap.push(Reverse(HeapTwin::nth(n)));
        }
        keep(heap);
    });
    own("LinkedList", || keep(elements(1_500).collect::<LinkedList<ListItem>>()));
}

fn maps() {
    own("HashMap, inserted", || keep(inserted::<MapValue>(3_000)));
    own("HashMap, inserted (twin)", || {
        let mut map = HashMap::new();
        for n in (1_u64..7_000).step_by(2) {
            map.insert(n, MapTwin::nth(n));
        }
        keep(map);
    });
    own("HashMap, collected", || {
        keep((0..2_000).zip(elements(2_000)).collect::<HashMap<u64, MapCollected>>())
    });
    own("HashMap, cloned", || {
        let original: HashMap<u32, MapCloned> = (0..1_000).zip(elements(1_000)).collect();
        keep(original.clone());
        keep(original);
    });
    own("HashMap with owned keys", || {
        let mut map = HashMap::new();
        for n in 0..800_u64 {
            map.insert(own("String", || format!("a key with the number {n}")), n);
        }
        keep(map);
    });
    own("HashSet", || {
        let mut set = HashSet::new();
        for element in elements::<SetItem>(12_000) {
            set.insert(element);
        }
        keep(set);
    });
    own("HashSet (twin)", || {
        let mut set = HashSet::new();
        for n in (1..20_000).step_by(2) {
            set.insert(SetTwin::nth(n));
        }
        keep(set);
    });
}

fn inserted<E: Element>(count: u64) -> HashMap<u64, E> {
    let mut map = HashMap::new();
    for n in 0..count {
        map.insert(n, E::nth(n));
    }
    map
}

fn trees() {
    own("BTreeMap, inserted", || keep(grown::<TreeValue>(2_000)));
    own("BTreeMap, inserted (twin)", || {
        let mut map = BTreeMap::new();
        for n in (1_u64..5_000).step_by(2) {
            map.insert(n, TreeTwin::nth(n));
        }
        keep(map);
    });
    own("BTreeMap, collected", || {
        keep((0..1_500).zip(elements(1_500)).collect::<BTreeMap<u64, TreeCollected>>())
    });
    own("BTreeSet", || {
        let mut set = BTreeSet::new();
        for element in elements::<TreeSetItem>(6_000) {
            set.insert(element);
        }
        keep(set);
    });
    own("BTreeSet (twin)", || {
        let mut set = BTreeSet::new();
        for n in (1..9_000).step_by(2) {
            set.insert(TreeSetTwin::nth(n));
        }
        keep(set);
    });
}

fn grown<E: Element>(count: u64) -> BTreeMap<u64, E> {
    let mut map = BTreeMap::new();
    for n in 0..count {
        map.insert(n, E::nth(n));
    }
    map
}
