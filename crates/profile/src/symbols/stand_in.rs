//! Names for code whose function is not known.

use super::frames::Function;

/// Prefix of the name for code without symbols. The file follows.
pub(crate) const WITHOUT_SYMBOLS: &str = "code without symbols in ";

/// The name for code of a library that is unloaded now.
pub(crate) const UNLOADED: &str = "unknown code (unloaded)";

/// The name for code that comes from no file.
pub(super) const GENERATED: &str = "unknown code (generated at run time)";

/// Whether a function is such a stand-in.
pub(crate) fn is_without_symbols(function: &Function) -> bool {
    function.is_symbol
        && function
            .name
            .as_deref()
            .is_none_or(|name| name.starts_with(WITHOUT_SYMBOLS) || name == GENERATED || name == UNLOADED)
}
