use std::collections::BTreeMap;

use super::fixture::{OwnedTable, allocation, assert_whole};

/// The sizes of the real table.
const REAL: [usize; 4] = [2048 + 24, 8192 + 24, 32_768 + 24, 131_072 + 24];

/// The address of a page, by a random number of a known sequence (splitmix64).
fn page(number: u64) -> u64 {
    let mut bits = number.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    0x7000_0000_0000 | (bits ^ bits >> 31) >> 34 << 12
}

fn live<const TIERS: usize>(table: &OwnedTable<TIERS>) -> BTreeMap<u64, Vec<u64>> {
    let mut live: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for (address, entry) in table.table().entries() {
        assert_whole(address, entry);
        live.entry(address).or_default().push(entry.usable);
    }
    live
}

#[test]
fn an_entry_is_read_until_it_is_removed() {
    let owned = OwnedTable::new(REAL);
    let table = owned.table();
    table.insert(allocation(page(1), 64));
    let sequence = table.newest();
    assert_eq!(live(&owned), BTreeMap::from([(page(1), vec![64])]));
    assert!(table.contains(page(1), sequence) && !table.contains(page(1), sequence + 1));
    table.remove(page(1), 64);
    assert_eq!(live(&owned), BTreeMap::new());
    assert!(!table.contains(page(1), sequence));
    table.insert(allocation(page(1), 64));
    assert!(!table.contains(page(1), sequence), "another allocation at the same address");
    assert_eq!((table.dropped(), table.orphan_frees()), (0, 0));
}

#[test]
fn of_equal_addresses_the_oldest_of_equal_size_goes_first() {
    let owned = OwnedTable::new([64]);
    let table = owned.table();
    for size in [16, 32, 16] {
        table.insert(allocation(page(1), size));
    }
    let sequences = [1, 2, 3];
    let left = || sequences.map(|sequence| table.contains(page(1), sequence));
    table.remove(page(1), 32);
    assert_eq!(left(), [true, false, true]);
    table.remove(page(1), 16);
    assert_eq!(left(), [false, false, true]);
    // A size that no entry has.
    table.remove(page(1), 48);
    assert_eq!(left(), [false; 3]);
    assert_eq!(table.orphan_frees(), 0);
}

#[test]
fn the_oldest_goes_first_from_any_tier() {
    let owned = OwnedTable::new([1, 1, 1]);
    let table = owned.table();
    table.insert(allocation(page(1), 16));
    table.insert(allocation(page(2), 16));
    table.remove(page(1), 16);
    // The newer entry of page 2 is in the first tier now.
    table.insert(allocation(page(2), 16));
    table.remove(page(2), 16);
    assert!(!table.contains(page(2), 2) && table.contains(page(2), 3));
}

#[test]
fn a_full_table_drops_and_the_free_is_an_orphan() {
    let owned = OwnedTable::new([1, 2]);
    let table = owned.table();
    (1..=5).for_each(|number| table.insert(allocation(page(number), 16)));
    assert_eq!((live(&owned).len(), table.dropped()), (3, 2));
    (1..=5).for_each(|number| table.remove(page(number), 16));
    assert_eq!((live(&owned).len(), table.orphan_frees()), (0, 2));
    table.insert(allocation(page(9), 16));
    assert_eq!(live(&owned).len(), 1, "slots are used again");
}

#[test]
fn the_first_ninety_thousand_samples_find_a_place() {
    let owned = OwnedTable::new(REAL);
    let table = owned.table();
    let mut used = Vec::new();
    for number in 0..90_000 {
        table.insert(allocation(page(number), 16));
        used.push(table.tiers.iter().filter(|tier| tier.is_used()).count());
    }
    assert_eq!(table.dropped(), 0);
    assert_eq!(used[500], 1, "a small service needs only the first tier");
    assert!(used[4000] <= 2 && used[20_000] <= 3, "{} {}", used[4000], used[20_000]);
    // Neighbours are frequent too: a heap in one piece.
    let owned = OwnedTable::new(REAL);
    (0..90_000).for_each(|number| owned.table().insert(allocation(0x7f00_0000_0000 + (number << 14), 16)));
    assert_eq!(owned.table().dropped(), 0);
}

#[test]
fn threads_that_share_addresses_leave_exactly_what_is_live() {
    const THREADS: u64 = 4;
    const ADDRESSES: u64 = 24;
    // Small enough that all tiers are in use, and large enough that nothing is dropped.
    let owned = OwnedTable::new([8, 32, 32 + 24, 256 + 24]);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let table = owned.table();
            scope.spawn(move || {
                let mut held = Vec::new();
                for step in 0..50_000_u64 {
                    let random = page(step * THREADS + thread) >> 12;
                    if held.len() < 16 && random % 3 < 2 {
                        let (address, size) = (page(random / 7 % ADDRESSES), 16 << (random / 3 % 2));
                        table.insert(allocation(address, size));
                        held.push((address, size));
                    } else if !held.is_empty() {
                        let (address, size) = held.swap_remove((random / 5) as usize % held.len());
                        table.remove(address, size);
                    }
                }
                held.into_iter().for_each(|(address, size)| table.remove(address, size));
            });
        }
        // A reader meanwhile: `live` checks that each entry is whole.
        for _ in 0..200 {
            live(&owned);
        }
    });
    assert_eq!(live(&owned), BTreeMap::new());
    assert_eq!((owned.table().dropped(), owned.table().orphan_frees()), (0, 0));
}
