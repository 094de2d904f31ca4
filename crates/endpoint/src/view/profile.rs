//! Writing heap profiles for pprof.

use std::time::SystemTime;

use memory_debug_core::{PprofOptions, PprofSymbols, SymbolizedProfile};

use super::fit::{half, written};
use super::page_request::{Material, RenderRequest};
use crate::reply::{Problem, Reply};

/// The way a heap profile is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ProfileOptions {
    pub(crate) symbols: PprofSymbols,
    pub(crate) top: usize,
    /// Whether readers show allocations since the start first, if they are known.
    pub(crate) prefers_allocated: bool,
}

impl ProfileOptions {
    /// The options for writing a profile that was taken at `taken_at`.
    pub(super) fn pprof(self, taken_at: SystemTime) -> PprofOptions {
        let mut options = PprofOptions::taken_at(taken_at);
        options.symbols = self.symbols;
        options.prefers_allocated = self.prefers_allocated;
        options.is_lean = true;
        options
    }
}

/// Writes a profile for pprof. If it does not fit, it keeps its largest stacks.
pub(super) fn write_pprof(
    request: &RenderRequest,
    profile: &SymbolizedProfile,
    options: &PprofOptions,
    material: Material<'_>,
) -> Result<Reply, Problem> {
    request.until_it_fits(profile.stack_count(), half, material.max_bytes, |body, stacks| {
        let mut options = options.clone();
        options.max_stacks = Some(stacks);
        written(profile.write_pprof(&options, body))
    })
}

/// The next larger threshold: smaller stacks are summed. `None` if all stacks are summed already.
pub(super) fn coarser(least: u64, total: u64) -> Option<u64> {
    // From a millionth of the total, twenty doublings lead to a single line.
    (least <= total).then(|| least.saturating_mul(2).max(total >> 20).max(1))
}
