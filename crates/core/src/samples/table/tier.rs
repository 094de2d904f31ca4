//! A part of the table: slots by a hash of the address.
//!
//! Types with an address have no `Debug`, so that none gets into a log (S60).

use super::sync::{AtomicBool, AtomicU64, Ordering, fence};

/// Slots that an address can be in, in each tier. A search looks at all of them, so there is nothing to repair after a
/// removal. They are 32 keys, which are four cache lines.
pub(super) const WINDOW: usize = 32;

/// Windows begin at multiples of this number of slots, which are one cache line of keys.
pub(super) const STEP: usize = 8;

/// The numbers of one allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Entry {
    /// Identifies it. Never 0, and never used again.
    pub(in super::super) sequence: u64,
    pub(in super::super) requested: u64,
    pub(in super::super) usable: u64,
    pub(in super::super) stack: u64,
    /// When it was allocated, and for which route.
    pub(in super::super) birth: u64,
}

/// An entry in memory. See [`Slot`] for the order in which its parts are written.
#[derive(Default)]
pub(super) struct Record {
    /// 0 while the slot is free, is being filled or is being emptied.
    sequence: AtomicU64,
    requested: AtomicU64,
    usable: AtomicU64,
    stack: AtomicU64,
    birth: AtomicU64,
}

impl Record {
    /// A record without an entry, for a static. All its bytes are zero.
    #[cfg(all(feature = "jemalloc", target_os = "linux", not(memory_debug_loom)))]
    pub(super) const fn new() -> Self {
        Self {
            sequence: AtomicU64::new(0),
            requested: AtomicU64::new(0),
            usable: AtomicU64::new(0),
            stack: AtomicU64::new(0),
            birth: AtomicU64::new(0),
        }
    }
}

/// Borrowed slots. Keys and records have equal numbers.
#[derive(Clone, Copy)]
pub(super) struct Tier<'a> {
    keys: &'a [AtomicU64],
    records: &'a [Record],
    /// Whether anything was ever added.
    is_used: &'a AtomicBool,
}

/// One place of the table.
///
/// The key is the address of the allocation, or 0 in a free slot. A thread takes a free slot by setting its key, then
/// writes the record, and last its sequence. A thread empties a slot by exchanging the sequence for 0, then sets the key to
/// 0. Sequences are unique, so the exchange succeeds only for the entry that the thread has seen (no ABA), and an entry
/// read between two equal sequences is one entry and not a mixture of two.
#[derive(Clone, Copy)]
pub(super) struct Slot<'a> {
    key: &'a AtomicU64,
    record: &'a Record,
}

impl<'a> Tier<'a> {
    /// Borrows slots. There are as many records as keys, and `is_used` is false.
    pub(super) fn new(keys: &'a [AtomicU64], records: &'a [Record], is_used: &'a AtomicBool) -> Self {
        Self { keys, records, is_used }
    }

    /// Whether anything was ever added. Otherwise a search can skip the tier, and its pages need not exist.
    #[inline]
    pub(super) fn is_used(self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    /// The slots that an address can be in.
    #[inline]
    pub(super) fn window(self, address: u64) -> impl Iterator<Item = Slot<'a>> {
        // Sampled small objects begin at a page, so only the page's number differs. The upper half of the product depends
        // on all its bits.
        let hash = (address >> 12).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
        let homes = self.keys.len().saturating_sub(WINDOW - STEP) as u64;
        let home = (hash.wrapping_mul(homes) >> 32) as usize & !(STEP - 1);
        // Never fails. `get` instead of an index, because a hook must not contain a panic.
        let keys = self.keys.get(home..).unwrap_or_default();
        let records = self.records.get(home..).unwrap_or_default();
        keys.iter().zip(records).take(WINDOW).map(|(key, record)| Slot { key, record })
    }

    /// Adds an entry. Returns whether there was a free slot.
    #[inline]
    pub(super) fn insert(self, address: u64, entry: Entry) -> bool {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Release);
        }
        self.window(address).any(|slot| slot.fill(address, entry))
    }

    /// All entries with their addresses.
    pub(super) fn entries(self) -> impl Iterator<Item = (u64, Entry)> + use<'a> {
        let slots = if self.is_used() { (self.keys, self.records) } else { Default::default() };
        slots.0.iter().zip(slots.1).filter_map(|(key, record)| Slot { key, record }.read())
    }
}

impl Slot<'_> {
    /// The sequence and the usable bytes of the entry in this slot, if it is one of this address.
    #[inline]
    pub(super) fn entry_of(self, address: u64) -> Option<(u64, u64)> {
        if self.key.load(Ordering::Acquire) != address {
            return None;
        }
        let sequence = self.record.sequence.load(Ordering::Acquire);
        let usable = self.record.usable.load(Ordering::Acquire);
        // The slot may have been given to another address since the key was read. The key was then written before the
        // sequence, so this reads the new key.
        let is_same = sequence != 0 && self.key.load(Ordering::Relaxed) == address;
        is_same.then_some((sequence, usable))
    }

    #[inline]
    fn fill(self, address: u64, entry: Entry) -> bool {
        let Self { key, record } = self;
        // Acquire: the thread that emptied the slot did so before.
        let is_taken = key.load(Ordering::Relaxed) == 0
            && key.compare_exchange(0, address, Ordering::AcqRel, Ordering::Relaxed).is_ok();
        if is_taken {
            // Release: a reader that sees one of these values also sees that the earlier entry is gone.
            record.requested.store(entry.requested, Ordering::Release);
            record.usable.store(entry.usable, Ordering::Release);
            record.stack.store(entry.stack, Ordering::Release);
            record.birth.store(entry.birth, Ordering::Release);
            record.sequence.store(entry.sequence, Ordering::Release);
        }
        is_taken
    }

    /// Removes the entry `sequence`. Returns whether this thread removed it.
    #[inline]
    pub(super) fn empty(self, sequence: u64) -> bool {
        let result = self.record.sequence.compare_exchange(sequence, 0, Ordering::AcqRel, Ordering::Acquire);
        if result.is_ok() {
            self.key.store(0, Ordering::Release);
        }
        result.is_ok()
    }

    fn read(self) -> Option<(u64, Entry)> {
        let Self { key, record } = self;
        // The keys lie together, so free slots cost little.
        if key.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let sequence = record.sequence.load(Ordering::Acquire);
        let address = key.load(Ordering::Relaxed);
        let entry = Entry {
            sequence,
            requested: record.requested.load(Ordering::Relaxed),
            usable: record.usable.load(Ordering::Relaxed),
            stack: record.stack.load(Ordering::Relaxed),
            birth: record.birth.load(Ordering::Relaxed),
        };
        fence(Ordering::Acquire);
        let is_whole = sequence != 0 && address != 0 && record.sequence.load(Ordering::Relaxed) == sequence;
        is_whole.then_some((address, entry))
    }
}
