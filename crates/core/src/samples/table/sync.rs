//! Atomic values, of the standard library or for loom.

#[cfg(all(test, memory_debug_loom))]
pub(super) use super::modelled::{AtomicBool, AtomicU64, Ordering, fence};
#[cfg(not(all(test, memory_debug_loom)))]
pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
