//! Trees that a format cannot show.

use std::io;

use crate::call_tree::{CallTree, Unit};

/// Refuses a tree, because the format would show wrong numbers.
pub(crate) fn refused(reason: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason.into())
}

/// Refuses negative numbers of the events that are written. `format` is the format's name.
pub(crate) fn require_no_negative(
    tree: &CallTree,
    events: impl Iterator<Item = usize>,
    format: &str,
) -> io::Result<()> {
    for event in events {
        if tree.nodes.iter().any(|node| node.own(event) < 0 || node.inclusive(event) < 0) {
            let name = &tree.events[event].name;
            return Err(refused(format!(
                "{format} cannot show negative numbers, and `{name}` has some; use pprof"
            )));
        }
    }
    Ok(())
}

/// The first event with this unit. `format` can show only this unit.
pub(crate) fn require_event(tree: &CallTree, unit: Unit, format: &str) -> io::Result<usize> {
    tree.event_of(unit).ok_or_else(|| {
        let names: Vec<&str> = tree.events.iter().map(|event| &*event.name).collect();
        let (names, unit) = (names.join(", "), unit.name());
        refused(format!("{format} shows only {unit}, and this has only: {names}"))
    })
}
