//! Two or three threads add, remove and read in every order of their steps: `scripts/loom`.

use std::sync::Arc;

use loom::thread;

use super::fixture::{OwnedTable, allocation, assert_whole};

/// Two addresses. The windows of all addresses are the whole of a table this small.
const X: u64 = 0x7000_1000;
const Y: u64 = 0x7000_2000;

type Shared = Arc<OwnedTable<1>>;

/// A table of two slots with allocations of these sizes at X.
fn with(sizes: &[u64]) -> Shared {
    let table = Arc::new(OwnedTable::new([2]));
    for size in sizes {
        table.table().insert(allocation(X, *size));
    }
    table
}

fn spawn(table: &Shared, work: impl FnOnce(&Shared) + 'static) -> thread::JoinHandle<()> {
    let table = Arc::clone(table);
    thread::spawn(move || work(&table))
}

/// What is in the table, by address and size. Each entry is whole.
fn live(table: &Shared) -> Vec<(u64, u64)> {
    let entries = table.table().entries().map(|(address, entry)| {
        assert_whole(address, entry);
        (address, entry.usable)
    });
    let mut live: Vec<_> = entries.collect();
    live.sort_unstable();
    live
}

#[track_caller]
fn assert_exact(table: &Shared, expected: &[(u64, u64)]) {
    assert_eq!(live(table), expected);
    assert_eq!((table.table().dropped(), table.table().orphan_frees()), (0, 0));
}

#[test]
fn a_reader_sees_whole_entries_while_a_slot_is_used_again_for_another_address() {
    loom::model(|| {
        let table = Arc::new(OwnedTable::new([1]));
        table.table().insert(allocation(X, 8));
        let other = spawn(&table, |table| {
            table.table().remove(X, 8);
            table.table().insert(allocation(Y, 16));
        });
        let seen = live(&table);
        assert!(seen.is_empty() || seen == [(X, 8)] || seen == [(Y, 16)], "{seen:?}");
        other.join().unwrap();
        assert_exact(&table, &[(Y, 16)]);
    });
}

#[test]
fn a_reader_sees_whole_entries_while_a_slot_is_used_again_for_the_same_address() {
    loom::model(|| {
        let table = Arc::new(OwnedTable::new([1]));
        table.table().insert(allocation(X, 8));
        let other = spawn(&table, |table| {
            table.table().remove(X, 8);
            table.table().insert(allocation(X, 16));
        });
        let seen = live(&table);
        assert!(seen.is_empty() || seen == [(X, 8)] || seen == [(X, 16)], "{seen:?}");
        other.join().unwrap();
        assert_exact(&table, &[(X, 16)]);
    });
}

#[test]
fn an_allocation_is_live_until_it_is_removed_whatever_others_do() {
    loom::model(|| {
        let table = with(&[8]);
        let sequence = table.table().newest();
        let other = spawn(&table, |table| {
            table.table().insert(allocation(Y, 16));
            table.table().remove(Y, 16);
        });
        assert!(table.table().contains(X, sequence));
        assert!(live(&table).contains(&(X, 8)));
        other.join().unwrap();
        assert_exact(&table, &[(X, 8)]);
    });
}

#[test]
fn threads_that_add_different_addresses_lose_none() {
    loom::model(|| {
        let table = with(&[]);
        let other = spawn(&table, |table| table.table().insert(allocation(Y, 16)));
        table.table().insert(allocation(X, 8));
        other.join().unwrap();
        assert_exact(&table, &[(X, 8), (Y, 16)]);
    });
}

#[test]
fn threads_that_free_one_address_remove_an_entry_each() {
    loom::model(|| {
        let table = with(&[8, 8]);
        let other = spawn(&table, |table| table.table().remove(X, 8));
        table.table().remove(X, 8);
        other.join().unwrap();
        assert_exact(&table, &[]);
    });
}

/// jemalloc frees an object that `realloc` has moved before it reports so. Meanwhile another thread can get the address.
#[test]
fn an_address_that_is_used_again_before_its_end_is_reported_leaves_nothing_behind() {
    loom::model(|| {
        let table = with(&[8]);
        let other = spawn(&table, |table| {
            table.table().insert(allocation(X, 8));
            table.table().remove(X, 8);
        });
        table.table().remove(X, 8);
        other.join().unwrap();
        assert_exact(&table, &[]);
    });
}

/// The second slot holds the old entry, so the new entry is behind a search that has begun.
#[test]
fn an_entry_behind_a_search_is_found_by_the_next_search() {
    loom::model(|| {
        let table = with(&[]);
        table.table().insert(allocation(Y, 16));
        table.table().insert(allocation(X, 8));
        table.table().remove(Y, 16);
        let other = spawn(&table, |table| {
            table.table().insert(allocation(X, 8));
            table.table().remove(X, 8);
        });
        table.table().remove(X, 8);
        other.join().unwrap();
        assert_exact(&table, &[]);
    });
}

/// A search for X has read the key X in the second slot. The slot is then given to Y, while X is behind the search.
#[test]
fn a_search_does_not_take_the_entry_of_another_address() {
    loom::model(|| {
        let table = with(&[]);
        table.table().insert(allocation(Y, 16));
        table.table().insert(allocation(X, 8));
        table.table().remove(Y, 16);
        let other = spawn(&table, |table| {
            table.table().insert(allocation(X, 8));
            table.table().remove(X, 8);
            table.table().insert(allocation(Y, 8));
        });
        table.table().remove(X, 8);
        other.join().unwrap();
        assert_exact(&table, &[(Y, 8)]);
    });
}

/// With two preemptions, three threads would take hours.
#[test]
fn three_threads_at_one_address_leave_nothing_behind() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(1);
    model.check(|| {
        let table: Shared = Arc::new(OwnedTable::new([3]));
        table.table().insert(allocation(X, 8));
        let churn = |table: &Shared| {
            table.table().insert(allocation(X, 8));
            table.table().remove(X, 8);
        };
        let others = [spawn(&table, churn), spawn(&table, churn)];
        table.table().remove(X, 8);
        others.into_iter().for_each(|other| other.join().unwrap());
        assert_exact(&table, &[]);
    });
}
