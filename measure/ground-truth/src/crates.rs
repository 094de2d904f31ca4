//! Containers of widely used crates.

use std::hash::RandomState;
use std::thread::available_parallelism;

use crossbeam_queue::{ArrayQueue, SegQueue};
use dashmap::{DashMap, DashSet};
use http::HeaderMap;
use indexmap::{IndexMap, IndexSet};
use serde_json::Value;
use slab::Slab;
use slotmap::{DenseSlotMap, SecondaryMap, SlotMap, SparseSecondaryMap};
use smallvec::SmallVec;
use thin_vec::ThinVec;

use crate::element::*;
use crate::ledger::{keep, own, transfer};

pub(crate) fn populate() {
    own("DashMap", || {
        let map = DashMap::with_shard_amount(4);
        for (key, element) in (0_u64..).zip(elements::<DashValue>(2_000)) {
            map.insert(key, element);
        }
        keep(map);
    });
    own("DashMap (twin)", || {
        let map = DashMap::with_shard_amount(2);
        for n in (1_u64..3_000).step_by(2) {
            map.insert(n, DashTwin::nth(n));
        }
        keep(map);
    });
    own("DashSet", || {
        // Hashes are random in each process. A shard has room for 112 or 224 elements, and 168 are far from both, so the
        // memory is the same in each process.
        let shards = (available_parallelism().map_or(1, usize::from) * 4).next_power_of_two();
        let set = DashSet::new();
        for element in elements::<DashSetItem>(168 * shards as u64) {
            set.insert(element);
        }
        keep(set);
    });
    own("IndexMap", || {
        let mut map = IndexMap::<u64, IndexValue>::new();
        for (key, element) in (0..).zip(elements(1_500)) {
            map.insert(key, element);
        }
        keep(map);
    });
    own("IndexMap (twin)", || {
        let mut map = IndexMap::<u64, IndexTwin>::new();
        for n in (1..4_000).step_by(2) {
            map.insert(n, IndexTwin::nth(n));
        }
        keep(map);
    });
    own("IndexSet", || keep(elements(1_500).collect::<IndexSet<IndexSetItem, RandomState>>()));
    own("SmallVec, spilled", || {
        for _ in 0..20 {
            let mut vec = SmallVec::<[SmallItem; 2]>::new();
            elements(50).for_each(|element| vec.push(element));
            keep(vec);
        }
    });
    own("Slab", || {
        let mut slab = Slab::new();
        for element in elements::<SlabItem>(1_000) {
            slab.insert(element);
        }
        keep(slab);
    });
    own("Slab (twin)", || {
        let mut slab = Slab::new();
        for n in (1..3_000).step_by(2) {
            slab.insert(SlabTwin::nth(n));
        }
        keep(slab);
    });
    own("slot maps", || {
        let (mut slots, mut dense) = (SlotMap::new(), DenseSlotMap::new());
        let (mut secondary, mut sparse) = (SecondaryMap::new(), SparseSecondaryMap::new());
        for n in 0..1_000 {
            let key = slots.insert(SlotItem::nth(n));
            dense.insert(DenseItem::nth(n));
            secondary.insert(key, SecondaryItem::nth(n));
            sparse.insert(key, SparseItem::nth(n));
        }
        keep((slots, dense, secondary, sparse));
    });
    own("crossbeam channel, bounded", || {
        let (sender, receiver) = crossbeam_channel::bounded(1_000);
        elements::<CrossbeamBounded>(900).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    own("crossbeam channel, unbounded", || {
        let (sender, receiver) = crossbeam_channel::unbounded();
        elements::<CrossbeamUnbounded>(900).for_each(|element| drop(sender.send(element)));
        keep((sender, receiver));
    });
    own("crossbeam channel, unbounded (twin)", || {
        let (sender, receiver) = crossbeam_channel::unbounded();
        for n in (1..2_000).step_by(2) {
            drop(sender.send(CrossbeamTwin::nth(n)));
        }
        keep((sender, receiver));
    });
    own("SegQueue", || {
        let queue = SegQueue::new();
        elements::<QueueItem>(900).for_each(|element| queue.push(element));
        keep(queue);
    });
    own("ArrayQueue", || {
        let queue = ArrayQueue::new(900);
        elements::<ArrayQueueItem>(800).for_each(|element| drop(queue.push(element)));
        keep(queue);
    });
    own("ThinVec", || {
        let mut vec = ThinVec::new();
        elements::<ThinItem>(1_000).for_each(|element| vec.push(element));
        keep(vec);
    });
    own("triomphe::Arc", || {
        elements::<TriompheItem>(300).for_each(|element| keep(triomphe::Arc::new(element)))
    });
    own("HeaderMap", || {
        let names = [http::header::ACCEPT, http::header::AGE, http::header::ETAG, http::header::HOST];
        for _ in 0..60 {
            let mut headers = HeaderMap::<HeaderItem>::default();
            for (name, element) in names.iter().cycle().zip(elements(60)) {
                headers.append(name, element);
            }
            keep(headers);
        }
    });
    own("HeaderMap (twin)", || {
        for _ in 0..60 {
            let mut headers = HeaderMap::<HeaderTwin>::default();
            for n in (1..90).step_by(2) {
                headers.append(http::header::COOKIE, HeaderTwin::nth(n));
            }
            keep(headers);
        }
    });
    json();
}

fn json() {
    let text = r#"{"id": 17, "name": "a name of some length", "tags": ["one", "two", {"deep": [1, 2, 3]}]}"#;
    for _ in 0..100 {
        let value: Value = own("serde_json::Value", || serde_json::from_str(text).expect("valid"));
        transfer(text_of(&value), "serde_json::Value", "String");
        keep(value);
    }
}

/// The bytes of all strings in a value.
fn text_of(value: &Value) -> u64 {
    match value {
        Value::String(text) => size_class(text.capacity()),
        Value::Array(values) => values.iter().map(text_of).sum(),
        Value::Object(map) => {
            map.iter().map(|(key, value)| size_class(key.capacity()) + text_of(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// The size class that jemalloc reserves for a number of bytes: four sizes per doubling, at least 16 bytes apart.
pub(crate) fn size_class(bytes: usize) -> u64 {
    let size = match bytes {
        0 => 0,
        1..=8 => 8,
        _ => bytes.next_multiple_of((bytes.next_power_of_two() / 8).max(16)),
    };
    size as u64
}
