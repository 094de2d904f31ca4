//! Renders one number on a line.

use std::fmt::{self, Display, Write};

/// Writes one number with its name, or says that it is missing. The list at the end of the page has the reason.
pub(super) fn line(out: &mut dyn Write, name: &str, value: Option<impl Display>) -> fmt::Result {
    let value = value.map_or_else(|| "not available".to_owned(), |value| value.to_string());
    writeln!(out, "  {name:<22} {value:>20}")
}
