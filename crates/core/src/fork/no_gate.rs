//! Systems without `fork`: there is nothing to hold up.

pub(super) fn watch_forks() {}

pub(super) fn enter() {}

pub(super) fn leave() {}
