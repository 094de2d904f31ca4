//! Names for code whose function is not known.

use super::frames::Function;

/// Begins what stands for the name of a function that has none.
pub(crate) const WITHOUT_SYMBOLS: &str = "code without symbols in ";

/// Stands for the name of code that a library had which is unloaded now.
pub(crate) const UNLOADED: &str = "unknown code (unloaded)";

/// Stands for the name of code that comes from no file.
pub(super) const GENERATED: &str = "unknown code (generated at run time)";

/// Whether this is no function, but what stands for one without a name.
pub(crate) fn is_without_symbols(function: &Function) -> bool {
    function.is_symbol
        && function
            .name
            .as_deref()
            .is_none_or(|name| name.starts_with(WITHOUT_SYMBOLS) || name == GENERATED || name == UNLOADED)
}
