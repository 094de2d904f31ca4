//! Atomic values, of the standard library or for loom.

/// It changes once, before the first entry, so it needs no further orders.
#[cfg(all(test, memory_debug_loom))]
pub(super) use loom::sync::atomic::AtomicBool;
#[cfg(all(test, memory_debug_loom))]
pub(super) use memory_debug_modelled::{AtomicU64, Ordering, fence};
#[cfg(not(all(test, memory_debug_loom)))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
