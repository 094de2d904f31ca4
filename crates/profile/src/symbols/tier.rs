//! How good the names of a program are.

use serde::{Deserialize, Serialize};

/// How much is known about the code of the profiled program itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SymbolTier {
    /// Nothing: types cannot be told.
    None,
    /// Function names from the symbol table. Types are known only where names carry them.
    Functions,
    /// Function names from the symbol table, and source lines from DWARF: of split debug information the part with
    /// the functions was not found. Types are known as with [`Functions`](Self::Functions).
    Lines,
    /// Functions and inlined functions with their generic arguments, from DWARF.
    Inlined,
}
