//! A line with one number.

use std::fmt::{self, Display, Write};

/// One number: its name, then itself or that it is missing. The reason is in the list at the end.
pub(super) fn line(out: &mut dyn Write, name: &str, value: Option<impl Display>) -> fmt::Result {
    let value = value.map_or_else(|| "not available".to_owned(), |value| value.to_string());
    writeln!(out, "  {name:<22} {value:>20}")
}
