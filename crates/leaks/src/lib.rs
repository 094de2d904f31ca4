//! Finds types that keep growing over several snapshots of a heap.
//!
//! Snapshots that know when their memory was allocated need two, and are judged by survival. A type is a *suspect* if all
//! of this holds:
//!
//! - it grew by more than noise, and only memory that was born or died between the snapshots is noise;
//! - memory from the first quarter, half and three quarters of the time is still there. A type that comes and goes has
//!   memory of its last moments only;
//! - the second half of the time has its share of the growth, if everything that died counts there. A cache that has
//!   filled up has no such growth;
//! - it did not shrink by more than noise from one snapshot to the next, and what was there at first is still there.
//!
//! Other snapshots, and rows with memory of unknown age, need three and are judged by growth. A type is then a suspect
//! if all of this holds:
//!
//! - from the first snapshot to the last, it grew by more than noise, by the test of
//!   [`SnapshotDiff`](memory_debug_report::SnapshotDiff);
//! - from one snapshot to the next, it never shrank by more than noise, as types that come and go do;
//! - in the second half of the time, it grew by more than noise and by its share of the growth. A cache that has filled
//!   up does not.
//!
//! Each test has a family-wise error of 5 %: over all rows, over all steps of a row, and over all rows that grew. So
//! the number of snapshots does not matter: among two dozen snapshots, one is lower by more than one standard error
//! merely by chance. Nor does it matter that a full cache exchanges its entries. Its estimate then fluctuates like
//! the estimate of a growing type.
//!
//! Only snapshots of one *run* are compared: from one process, with the same samples, and without a pause of sampling
//! in between. The verdict covers the longest run and, if it is another run, the newest. The longest run shows slow
//! leaks. The newest run shows what happens now. Only it has allocations made since the sampling rate changed.
//!
//! Growth that will stop later looks like a leak, and so does a wave that lasts longer than all snapshots together.
//! Only a person who knows the service can tell.
//!
//! By growth, in 4,000 simulations for each number of snapshots (see `judge/chance.rs`), noise alone produced a suspect in at most
//! 1.2 %, with 1 type or with 20. A type whose level is random from one snapshot to the next rises by chance more often if
//! there are few snapshots. Of such types, 7 to 13 % were suspected over three or four snapshots, 3 to 7 % over five,
//! 2 to 5 % over six, and 0.4 to 3 % over eight. Below six snapshots, the verdict says so. By
//! survival, such types are no suspects at all, because nothing in them is old.
//!
//! ```
//! use std::sync::Arc;
//!
//! use memory_debug_leaks::LeakVerdict;
//! use memory_debug_report::Snapshot;
//!
//! let snapshots: Vec<Arc<Snapshot>> = Vec::new();
//! let reason = LeakVerdict::over(&snapshots).unwrap_err().to_string();
//! assert!(reason.starts_with("there are no snapshots yet; take two"));
//! ```
//!
//! The crate `memory-debug-core` keeps snapshots and re-exports the verdict. Nothing here reads a file or a clock.
//!
//! # Modules, from the ground up
//!
//! - `verdict`: the verdict and its parts
//! - `by_growth`: the rule for snapshots that do not know when their memory was allocated
//! - `by_survival`: the rule for snapshots that know it
//! - `runs`: which snapshots are compared
//! - `judge`: judges snapshots
//! - `content`: the verdict in pieces, and as text

#![forbid(unsafe_code)]

// In the order of the list above.
mod verdict;
mod by_growth;
mod by_survival;
mod runs;
mod judge;
pub mod content;
#[cfg(test)]
mod fixture;

pub use verdict::{LeakRule, LeakRun, LeakVerdict, LeftOut, Suspect};
