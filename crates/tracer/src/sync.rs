//! Atomic numbers, of the standard library or of loom.

#[cfg(all(test, memory_debug_loom))]
pub(crate) use memory_debug_modelled::{AtomicBool, AtomicU32, AtomicU64, Ordering};
#[cfg(not(all(test, memory_debug_loom)))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
