//! Estimates of the memory that a collection may take.

use super::{Collector, Scope};
use crate::headroom::{Headroom, Work};
use crate::jemalloc::read_totals;
use crate::samples;

/// Memory for a collection of numbers alone: files of a few kilobytes, jemalloc's epoch, a thread with an arena.
/// Measured: 1.5 MiB.
const STATS_BYTES: u64 = 2 << 20;

/// Memory for a collection of types, apart from memory that grows with the heap profile. A first request took 2 to 4
/// MiB on a program with 523 MB of debug information (`measure/benches/README.md`). The rest is room for pages of the
/// executable, which the kernel can reclaim. Compressed debug information takes its uncompressed length, which is not
/// counted here.
const TYPES_BYTES: u64 = 16 << 20;

impl Collector {
    /// Estimates how much memory a collection of `scope` may take, and reads how much is left from a few small files
    /// of the kernel.
    pub fn headroom(&self, scope: Scope) -> Headroom {
        let needed = match scope {
            Scope::Stats => STATS_BYTES,
            Scope::Types | Scope::Everything => {
                let dump = per_dump(self.dump_bytes(), COLLECTING);
                TYPES_BYTES.saturating_add(dump).saturating_add(per_live_sample(JOINING))
            }
        };
        Headroom::new(needed, addresses(needed))
    }

    /// Estimates how much memory a page of at most `body_bytes` may take to make from a report, and reads how much is
    /// left.
    pub fn headroom_for(&self, work: Work, body_bytes: u64) -> Headroom {
        let dump = self.dump_bytes();
        let profile = per_dump(dump, NAMING);
        let (body, work) = match work {
            Work::Page => (body_bytes.min(dump), 0),
            Work::Holders => {
                let heap = read_totals().map_or(0, |totals| totals.allocated);
                let collecting = TYPES_BYTES.saturating_add(per_dump(dump, COLLECTING));
                (body_bytes, collecting.saturating_add(heap / PART_OF_HEAP).saturating_add(SCAN_BYTES))
            }
            Work::Profile => (body_bytes.min(dump.saturating_mul(BODY_OF_DUMP)), profile),
            Work::Comparison { stacks } => {
                let kept = per_dump(stacks.saturating_mul(BYTES_OF_A_STACK), COMPARING);
                (body_bytes.min(dump.saturating_mul(BODY_OF_DUMP)), profile.saturating_add(kept))
            }
        };
        let work = work.saturating_add(per_live_sample(GROUPING));
        let needed = STATS_BYTES.saturating_add(work).saturating_add(body.saturating_mul(2));
        Headroom::new(needed, addresses(needed))
    }

    /// Upper bound of the length of the next dump.
    fn dump_bytes(&self) -> u64 {
        self.last_dump.next_bytes()
    }
}

/// The memory for work that takes this many `tenths` of a dump's length. `measure/headroom` measures the tenths; the
/// constants below have some room.
fn per_dump(bytes: u64, tenths: u64) -> u64 {
    bytes.saturating_mul(tenths) / 10
}

/// The part of the heap that a scan takes for its map and its marks: 4 %. Measured: 3.6 %.
const PART_OF_HEAP: u64 = 25;
/// Memory of a scan apart from that: what it reads at a time, and the program's symbols.
const SCAN_BYTES: u64 = 2 << 20;

/// The memory for work that takes this many `bytes` for each live sample.
fn per_live_sample(bytes: u64) -> u64 {
    samples::status().map_or(0, |status| status.live.saturating_mul(bytes))
}

/// Bytes for a live sample that is read before and after the dump and joined with its stacks: four copies of 56 to 64
/// bytes, each in a list that can be half empty, and two of its sequence in a set.
const JOINING: u64 = 560;
/// Bytes for a live sample in the ages of a row: three copies of 24 bytes, each in a list that can be half empty.
const GROUPING: u64 = 144;
/// Tenths for the dump, or for the profile that replaces it, and for the remembered names of its stacks. Measured:
/// 10.
const COLLECTING: u64 = 13;
/// Tenths for the profile with symbols, beside the existing profile. Measured: 8.
const NAMING: u64 = 10;
/// Tenths for a snapshot with symbols, and for both profiles by row and by stack. Measured: 16.
const COMPARING: u64 = 22;
/// Longest body, in lengths of the dump. A body for people has names instead of addresses.
const BODY_OF_DUMP: u64 = 16;
/// Fewest bytes that a stack takes in a dump.
const BYTES_OF_A_STACK: u64 = 400;

/// Addresses that work on this many bytes may take. jemalloc takes more at a time than it needs, and files are mapped
/// for symbols.
fn addresses(bytes: u64) -> u64 {
    bytes.saturating_mul(2).saturating_add(ADDRESSES_BYTES)
}

const ADDRESSES_BYTES: u64 = 16 << 20;
