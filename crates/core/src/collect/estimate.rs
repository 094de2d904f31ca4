//! How much memory a collection may take.

use super::{Collector, Scope};
use crate::headroom::{Headroom, Work};

/// What numbers alone take: files of a few kilobytes, jemalloc's epoch, a thread with an arena. Measured: 1.5
/// MiB.
const STATS_BYTES: u64 = 2 << 20;

/// What types take, apart from memory that grows with the heap profile. A first request took 2 to 4 MiB on a
/// program with 523 MB of debug information (`measure/benches/README.md`). The rest is room for pages of the
/// executable, which the kernel takes back. Compressed debug information takes its uncompressed length, which is
/// not counted here.
const TYPES_BYTES: u64 = 16 << 20;

impl Collector {
    /// How much memory a collection of `scope` may take, and how much is left. Reads a few small files of the
    /// kernel.
    pub fn headroom(&self, scope: Scope) -> Headroom {
        let needed = match scope {
            Scope::Stats => STATS_BYTES,
            Scope::Types | Scope::Everything => {
                TYPES_BYTES.saturating_add(per_dump(self.dump_bytes(), COLLECTING))
            }
        };
        Headroom::new(needed, addresses(needed))
    }

    /// How much memory it may take to make a page of at most `body_bytes` from a report, and how much is left.
    pub fn headroom_for(&self, work: Work, body_bytes: u64) -> Headroom {
        let dump = self.dump_bytes();
        let profile = per_dump(dump, NAMING);
        let (body, work) = match work {
            Work::Page => (body_bytes.min(dump), 0),
            Work::Profile => (body_bytes.min(dump.saturating_mul(BODY_OF_DUMP)), profile),
            Work::Comparison { stacks } => {
                let kept = per_dump(stacks.saturating_mul(BYTES_OF_A_STACK), COMPARING);
                (body_bytes.min(dump.saturating_mul(BODY_OF_DUMP)), profile.saturating_add(kept))
            }
        };
        let needed = STATS_BYTES.saturating_add(work).saturating_add(body.saturating_mul(2));
        Headroom::new(needed, addresses(needed))
    }

    /// The longest that the next dump may be.
    fn dump_bytes(&self) -> u64 {
        self.last_dump.next_bytes()
    }
}

/// The memory that work takes, in tenths of the dump's length, as `measure/headroom` measures it, with some
/// room.
fn per_dump(bytes: u64, tenths: u64) -> u64 {
    bytes.saturating_mul(tenths) / 10
}

/// The dump, or the profile that is read from it and takes its place, and what is remembered of its stacks.
/// Measured: 10.
const COLLECTING: u64 = 13;
/// The profile with symbols, beside the existing profile. Measured: 8.
const NAMING: u64 = 10;
/// A snapshot with symbols, and both profiles by row and by stack. Measured: 16.
const COMPARING: u64 = 22;
/// A body for people has names instead of addresses.
const BODY_OF_DUMP: u64 = 16;
/// The least that a stack takes in a dump.
const BYTES_OF_A_STACK: u64 = 400;

/// The addresses that work may take. jemalloc takes more at a time than it needs, and files are mapped for
/// symbols.
fn addresses(bytes: u64) -> u64 {
    bytes.saturating_mul(2).saturating_add(ADDRESSES_BYTES)
}

const ADDRESSES_BYTES: u64 = 16 << 20;
