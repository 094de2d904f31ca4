//! A heap with thousands of distinct stacks, as in long-running services. Their frames differ by function and by
//! line, and different containers hold the allocations.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::marker::PhantomData;

/// The allocations that one thread holds.
#[derive(Debug, Default)]
pub struct Held {
    bytes: Vec<Vec<u8>>,
    #[allow(clippy::vec_box, reason = "each box is an allocation with its own stack")]
    records: Vec<Box<Record>>,
    sessions: Vec<HashMap<u32, String>>,
    orders: Vec<BTreeMap<u64, Order>>,
}

/// A value of fixed size.
#[derive(Debug)]
pub struct Record {
    _fields: [u64; 40],
}

/// An entry of a map.
#[derive(Debug)]
pub struct Order {
    _lines: Vec<u64>,
}

/// Holds an allocation with its own stack for each of `numbers`, which must be below 16,384.
pub fn fill(numbers: impl Iterator<Item = u32>) -> Held {
    let mut held = Held::default();
    numbers.for_each(|number| Tree::descend::<Root>(number, &mut held));
    held
}

/// Ten levels of functions, 2,047 in all, each with its own name.
type Tree = Above<Above<Above<Above<Above<Above<Above<Above<Above<Above<()>>>>>>>>>>;

/// One level more than `L`.
struct Above<L>(PhantomData<L>);

trait Level {
    fn descend<P: Path>(number: u32, held: &mut Held);
}

impl<L: Level> Level for Above<L> {
    /// Each bit of the number chooses the next function.
    #[inline(never)]
    fn descend<P: Path>(number: u32, held: &mut Held) {
        match number % 2 {
            0 => L::descend::<Even<P>>(number / 2, held),
            _ => L::descend::<Odd<P>>(number / 2, held),
        }
        // The code after the call keeps this frame on the stack, and keeps the compiler from merging equal functions.
        black_box(P::NUMBER);
    }
}

impl Level for () {
    /// The last bits choose a function.
    #[inline(never)]
    fn descend<P: Path>(number: u32, held: &mut Held) {
        let seed = P::NUMBER + (number << 11);
        match number {
            0 => allocate::<0>(seed, held),
            1 => allocate::<1>(seed, held),
            2 => allocate::<2>(seed, held),
            3 => allocate::<3>(seed, held),
            4 => allocate::<4>(seed, held),
            5 => allocate::<5>(seed, held),
            6 => allocate::<6>(seed, held),
            7 => allocate::<7>(seed, held),
            8 => allocate::<8>(seed, held),
            9 => allocate::<9>(seed, held),
            10 => allocate::<10>(seed, held),
            11 => allocate::<11>(seed, held),
            12 => allocate::<12>(seed, held),
            13 => allocate::<13>(seed, held),
            14 => allocate::<14>(seed, held),
            _ => allocate::<15>(seed, held),
        }
        black_box(P::NUMBER);
    }
}

/// The way by which a function was reached.
trait Path {
    const NUMBER: u32;
}

struct Root;
struct Even<P>(PhantomData<P>);
struct Odd<P>(PhantomData<P>);

impl Path for Root {
    const NUMBER: u32 = 1;
}

impl<P: Path> Path for Even<P> {
    const NUMBER: u32 = P::NUMBER * 2;
}

impl<P: Path> Path for Odd<P> {
    const NUMBER: u32 = P::NUMBER * 2 + 1;
}

#[inline(never)]
fn allocate<const LAST: u32>(number: u32, held: &mut Held) {
    black_box(LAST);
    // Sizes that do not repeat, as in sampled heaps.
    let size = number.wrapping_mul(2_654_435_761) >> 19;
    // The third and fourth choice on the way, so any sixteen consecutive numbers have each kind four times.
    match (number >> 6) % 4 {
        0 => held.bytes.push(vec![1; 100 + size as usize]),
        1 => held.records.push(Box::new(Record { _fields: [u64::from(size); 40] })),
        2 => held.sessions.push(HashMap::from_iter([(number, "x".repeat(20 + size as usize))])),
        _ => held.orders.push(BTreeMap::from([(7, Order { _lines: vec![7; 10 + size as usize / 8] })])),
    }
}
