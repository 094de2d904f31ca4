//! How good the names of a program are.

use serde::{Deserialize, Serialize};

/// How much is known about the code of the profiled program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SymbolTier {
    /// Nothing. Types are unknown.
    None,
    /// Function names from the symbol table. Types are known only if the names contain them.
    Functions,
    /// Function names from the symbol table, and source lines from DWARF. The file of split debug information with
    /// the functions was not found. Types are known as with [`Functions`](Self::Functions).
    Lines,
    /// Functions and inlined functions with their generic arguments, from DWARF.
    Inlined,
}
