//! A heap with any number of distinct stacks, which differ by the names of their functions.
//!
//! Sixteen functions call each other through a table, so that the hexadecimal digits of a number determine a stack.

use std::hint::black_box;

/// The held allocations: one for each stack.
#[derive(Debug, Default)]
pub struct Held {
    texts: Vec<String>,
    numbers: Vec<Vec<u64>>,
    bytes: Vec<Box<[u8]>>,
}

/// The number of nested functions at the end of each stack, of which five differ.
const DEPTH: u32 = 24;

/// Holds an allocation with its own stack for each number below `stacks`.
pub fn fill(stacks: u32) -> Held {
    let mut held = Held::default();
    (0..stacks).for_each(|number| CALLS[0](number, DEPTH, &mut held));
    held
}

type Call = fn(u32, u32, &mut Held);

fn call(number: u32, depth: u32, held: &mut Held) {
    if depth == 0 {
        return allocate(number, held);
    }
    // The outer functions are the same for all stacks, like the functions of a runtime.
    let digit = if depth > 5 { depth % 16 } else { number >> (4 * (depth - 1)) & 15 };
    CALLS[digit as usize](number, depth - 1, held);
}

#[inline(never)]
fn allocate(number: u32, held: &mut Held) {
    // Sizes that do not repeat, as in sampled heaps.
    let size = (number.wrapping_mul(2_654_435_761) >> 22) as usize;
    match number % 3 {
        0 => held.texts.push("x".repeat(20 + size)),
        1 => held.numbers.push(vec![7; 4 + size / 8]),
        _ => held.bytes.push(vec![7; 30 + size].into()),
    }
}

macro_rules! functions {
    ($($name:ident = $number:literal),*) => {
        const CALLS: [Call; 16] = [$($name),*];

        $(#[inline(never)]
        fn $name(number: u32, depth: u32, held: &mut Held) {
            call(number, depth, held);
            // The code after the call keeps this frame on the stack, and keeps the compiler from merging equal
            // functions.
            black_box($number);
        })*
    };
}

functions!(
    accept_connection = 0,
    read_request = 1,
    parse_header = 2,
    check_session = 3,
    route_request = 4,
    load_order = 5,
    find_customer = 6,
    decode_row = 7,
    apply_discount = 8,
    reserve_stock = 9,
    write_journal = 10,
    render_page = 11,
    fill_cache = 12,
    encode_reply = 13,
    compress_body = 14,
    queue_message = 15
);
