//! The quality of the names of the program's own code, and the reason if they could be better.

use serde::{Deserialize, Serialize};

use super::gap::{SymbolGap, UnusedDebugFile};
use crate::mapping::Mapping;

/// The quality of the names of the profiled program's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SymbolTier {
    /// No names. Types are unknown.
    None,
    /// Function names from the symbol table. Types are known only if the names contain them.
    Functions,
    /// Function names from the symbol table, and source lines from DWARF. The file of split debug information with
    /// the functions was not found. Types are known as with [`Functions`](Self::Functions).
    Lines,
    /// Functions and inlined functions with their generic arguments, from DWARF.
    Inlined,
}

/// Counts for the program's own code.
#[derive(Debug, Default)]
pub(super) struct ProgramNames {
    /// Number of addresses that were looked up.
    pub(super) addresses: usize,
    /// Numbers of addresses with a line, with a line but no functions (because a file of split debug information was
    /// not found), and with a symbol.
    pub(super) with_lines: usize,
    pub(super) with_lines_only: usize,
    pub(super) with_symbols: usize,
    /// `None` until the file is read.
    pub(super) file: Option<ProgramFile>,
}

/// The state of the program's file.
#[derive(Debug)]
pub(super) struct ProgramFile {
    /// Whether there are neither symbols nor debug information, here or in a debug file.
    pub(super) is_stripped: bool,
    pub(super) unused_debug_file: UnusedDebugFile,
}

impl ProgramNames {
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
