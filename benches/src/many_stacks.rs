//! A heap with thousands of distinct stacks, as services have them that run for long: their frames differ by function and
//! by line, and different containers hold what is allocated at their ends.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;

/// What one thread holds.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<Vec<u8>>,
    records: Vec<Box<Record>>,
    sessions: Vec<HashMap<u32, String>>,
    orders: Vec<BTreeMap<u64, Order>>,
}

/// Something of a fixed size.
#[derive(Debug)]
pub struct Record {
    _fields: [u64; 40],
}

/// An entry of a map.
#[derive(Debug)]
pub struct Order {
    _lines: Vec<u64>,
}

/// Levels of functions above an allocation: as many bits of a number tell one stack from all others.
const LEVELS: u32 = 13;

/// Holds an allocation for each of `numbers`, which are below 8,192, each with a stack of its own.
pub fn fill(numbers: impl Iterator<Item = u32>) -> Held {
    let mut held = Held::default();
    numbers.for_each(|number| descend::<LEVELS>(number, &mut held));
    held
}

/// One of two functions for each bit.
fn descend<const LEVEL: u32>(number: u32, held: &mut Held) {
    match number >> (LEVEL - 1) & 1 {
        0 => even::<LEVEL>(number, held),
        _ => odd::<LEVEL>(number, held),
    }
}

#[inline(never)]
fn even<const LEVEL: u32>(number: u32, held: &mut Held) {
    below::<LEVEL>(number, held);
    // What follows the call keeps this frame on the stack, and the two functions apart.
    black_box(LEVEL * 2);
}

#[inline(never)]
fn odd<const LEVEL: u32>(number: u32, held: &mut Held) {
    below::<LEVEL>(number, held);
    black_box(LEVEL * 2 + 1);
}

/// A generic function cannot count down by itself, so the levels are written out.
#[inline(always)]
fn below<const LEVEL: u32>(number: u32, held: &mut Held) {
    match LEVEL {
        13 => descend::<12>(number, held),
        12 => descend::<11>(number, held),
        11 => descend::<10>(number, held),
        10 => descend::<9>(number, held),
        9 => descend::<8>(number, held),
        8 => descend::<7>(number, held),
        7 => descend::<6>(number, held),
        6 => descend::<5>(number, held),
        5 => descend::<4>(number, held),
        4 => descend::<3>(number, held),
        3 => descend::<2>(number, held),
        2 => descend::<1>(number, held),
        _ => allocate(number, held),
    }
}

#[inline(never)]
fn allocate(number: u32, held: &mut Held) {
    // Sizes that do not repeat, as those of sampled heaps.
    let size = number.wrapping_mul(2_654_435_761) >> 19;
    match number % 4 {
        0 => held.bytes.push(vec![1; 100 + size as usize]),
        1 => held.records.push(Box::new(Record { _fields: [u64::from(size); 40] })),
        2 => held.sessions.push(HashMap::from_iter([(number, "x".repeat(20 + size as usize))])),
        _ => held.orders.push(BTreeMap::from([(7, Order { _lines: vec![7; 10 + size as usize / 8] })])),
    }
}
