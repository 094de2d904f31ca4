//! The table of live samples against a list: three bytes are one step. The table has what the list has, a free removes the
//! oldest allocation of equal size at its address or else the oldest, and nothing is dropped before a window is full.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_core::__private::SmallTable;

/// The slots of the smallest windows in all tiers together.
const WINDOWS: usize = 4 + 32 + 32;

const PAGE: u64 = 4096;

fuzz_target!(|steps: &[u8]| {
    let table = SmallTable::default();
    // Address, sequence, usable size; in the order of the sequence.
    let mut list: Vec<(u64, u64, u64)> = Vec::new();
    let mut newest = 0;
    for step in steps.chunks_exact(3) {
        let (address, usable) = (0x7000_0000_0000 + u64::from(step[1] % 96) * 7 * PAGE, 16 << (step[2] % 3));
        if step[0] % 8 < 5 {
            newest += 1;
            match table.insert(address, usable) {
                Some(sequence) => {
                    assert_eq!(sequence, newest);
                    list.push((address, sequence, usable));
                }
                None => assert!(list.len() >= WINDOWS, "dropped with {} entries", list.len()),
            }
        } else {
            let position = |is: &dyn Fn(&(u64, u64, u64)) -> bool| list.iter().position(is);
            let expected = position(&|entry| (entry.0, entry.2) == (address, usable))
                .or_else(|| position(&|entry| entry.0 == address));
            assert_eq!(table.remove(address, usable), expected.is_some());
            if let Some(position) = expected {
                let (address, sequence, _) = list.remove(position);
                assert!(!table.contains(address, sequence));
            }
        }
    }
    assert!(list.iter().all(|(address, sequence, _)| table.contains(*address, *sequence)));
    list.sort_unstable();
    assert_eq!(table.live(), list);
});
