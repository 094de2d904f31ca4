//! Groups equal reasons, so that each appears once.

use std::fmt;

use super::layout::Layout;
use crate::units::printable;

/// Every reason with all the names that have it, in the order of first appearance.
pub(super) fn grouped<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Vec<(&'a str, Vec<&'a str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for (name, reason) in pairs {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name),
            None => reasons.push((reason, vec![name])),
        }
    }
    reasons
}

/// Every reason once, after all the names that have it. Both are printable.
pub(super) fn named<'a>(
    pairs: impl Iterator<Item = (&'a str, &'a str)>,
) -> impl Iterator<Item = (String, String)> {
    grouped(pairs).into_iter().map(|(reason, names)| (printable(&names.join(", ")), printable(reason)))
}

/// Writes what is missing, with the reasons, below a heading. Nothing if nothing is missing.
///
/// # Errors
///
/// Errors of `out`.
pub fn write<'a>(out: &mut dyn Layout, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> fmt::Result {
    let missing: Vec<_> = named(pairs).collect();
    if !missing.is_empty() {
        out.heading("not available:")?;
    }
    missing.iter().try_for_each(|(names, reason)| out.item(names, reason))
}

/// Every reason once, on a line after all the names that have it: `process.pss_bytes, process.uss_bytes: permission
/// denied`. The lines are printable.
pub(super) fn lines<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> impl Iterator<Item = String> {
    named(pairs).map(|(names, reason)| format!("{names}: {reason}"))
}
