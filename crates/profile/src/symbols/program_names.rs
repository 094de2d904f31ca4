//! How good the names of the program's own code are, and why they are not better.

use super::gap::{SymbolGap, UnusedDebugFile};
use super::tier::SymbolTier;
use crate::mapping::Mapping;

/// Counts for the program's own code.
#[derive(Debug, Default)]
pub(super) struct ProgramNames {
    /// How many addresses were looked up.
    addresses: usize,
    /// How many of them have a line; a line but no functions, because a file of split debug information was not
    /// found; a symbol.
    with_lines: usize,
    with_lines_only: usize,
    with_symbols: usize,
    /// `None` until the file is read.
    file: Option<ProgramFile>,
}

/// The state of the program's file.
#[derive(Debug)]
struct ProgramFile {
    /// Whether there are neither symbols nor debug information, here or in a debug file.
    is_stripped: bool,
    unused_debug_file: UnusedDebugFile,
}

impl ProgramNames {
    pub(super) fn looked_up(&mut self, addresses: usize) {
        self.addresses += addresses;
    }

    pub(super) fn file_was_read(&mut self, is_stripped: bool, unused_debug_file: UnusedDebugFile) {
        self.file = Some(ProgramFile { is_stripped, unused_debug_file });
    }

    pub(super) fn found(&mut self, with_lines: usize, with_lines_only: usize, with_symbols: usize) {
        self.with_lines += with_lines;
        self.with_lines_only += with_lines_only;
        self.with_symbols += with_symbols;
    }

    /// The tier of most addresses.
    pub(super) fn tier(&self) -> SymbolTier {
        match (self.with_lines, self.with_symbols) {
            (0, 0) => SymbolTier::None,
            (lines, symbols) if 2 * lines <= symbols => SymbolTier::Functions,
            (lines, _) if 2 * self.with_lines_only > lines => SymbolTier::Lines,
            _ => SymbolTier::Inlined,
        }
    }

    /// The gap that the tier implies, if no failure was recorded. `is_sampled` says whether the profile has any
    /// address.
    pub(super) fn gap(&self, program: &Mapping, is_sampled: bool) -> Option<SymbolGap> {
        let Some(ProgramFile { is_stripped, unused_debug_file }) = &self.file else {
            return (self.addresses == 0 && is_sampled).then(|| SymbolGap::not_met(&program.file_name()));
        };
        let unused = unused_debug_file.clone();
        match self.tier() {
            SymbolTier::None | SymbolTier::Functions if *is_stripped => {
                Some(SymbolGap::stripped(program, unused))
            }
            SymbolTier::None => Some(SymbolGap::nameless(program)),
            SymbolTier::Functions => Some(SymbolGap::no_line_tables(program, unused)),
            SymbolTier::Lines | SymbolTier::Inlined => None,
        }
    }
}
