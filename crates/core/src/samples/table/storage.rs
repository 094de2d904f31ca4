//! The memory of the process's table.
//!
//! It is a static of zeros, so it needs no initialisation, and a page of it takes memory only once an allocation was
//! recorded there. A forked child has a copy.

use memory_debug_holders::{Hidden, Span};

use super::sync::{AtomicBool, AtomicU64};
use super::tier::{Record, STEP, Tier, WINDOW};
use super::{Counters, Table};

/// A window has 32 slots in each tier. With random addresses, some window in all tiers is full from about 100,000 live
/// samples on.
const TIERS: usize = 4;

/// The slots of one tier. Keys begin at a cache line.
#[repr(C, align(64))]
struct Slots<const SLOTS: usize> {
    keys: [AtomicU64; SLOTS],
    records: [Record; SLOTS],
    is_used: AtomicBool,
}

/// 100 KiB, enough for a small service.
static FIRST: Slots<{ slots_for(1 << 11) }> = Slots::new();
static SECOND: Slots<{ slots_for(1 << 13) }> = Slots::new();
static THIRD: Slots<{ slots_for(1 << 15) }> = Slots::new();
static FOURTH: Slots<{ slots_for(1 << 17) }> = Slots::new();
static COUNTERS: Counters = Counters::new();

/// The number of slots of a tier, so that whole windows begin in the first `homes` of them.
const fn slots_for(homes: usize) -> usize {
    homes + WINDOW - STEP
}

impl<const SLOTS: usize> Slots<SLOTS> {
    const fn new() -> Self {
        Self {
            keys: [const { AtomicU64::new(0) }; SLOTS],
            records: [const { Record::new() }; SLOTS],
            is_used: AtomicBool::new(false),
        }
    }

    #[inline]
    fn tier(&self) -> Tier<'_> {
        Tier::new(&self.keys, &self.records, &self.is_used)
    }

    fn span(&self) -> Span {
        let start = std::ptr::from_ref(self).addr() as u64;
        Span { start: Hidden::new(start), bytes: size_of::<Self>() as u64 }
    }
}

/// The table of this process.
#[inline]
pub(in super::super) fn table() -> Table<'static, TIERS> {
    Table { tiers: [FIRST.tier(), SECOND.tier(), THIRD.tier(), FOURTH.tier()], counters: &COUNTERS }
}

/// Where the table is. It contains the address of each live sample.
pub(in super::super) fn spans() -> Vec<Span> {
    vec![FIRST.span(), SECOND.span(), THIRD.span(), FOURTH.span()]
}
