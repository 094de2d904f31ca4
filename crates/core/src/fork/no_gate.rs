//! Systems other than Linux: `fork` does not wait for sections.

pub(super) fn watch_forks() {}

pub(super) fn enter() {}

pub(super) fn leave() {}
