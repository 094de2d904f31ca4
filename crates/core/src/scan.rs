//! The memory of this process, its roots and its names, as a scan of the heap reads them.
//!
//! The scan itself is in the crate `memory-debug-holders`, which knows no process. It reads through `live_memory`, begins
//! at the `roots`, and finds `names` for what it meets.
//!
//! Nothing here stops another thread or touches an address of another thread's memory. The kernel reads, and jemalloc is
//! asked through public names.

#[cfg(target_os = "linux")]
mod areas;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "the thread pointer comes from C")]
mod control_blocks;
#[cfg(target_os = "linux")]
mod foreign;
#[cfg(target_os = "linux")]
mod live_memory;
#[cfg(target_os = "linux")]
mod names;
mod own_stack;
#[cfg(target_os = "linux")]
mod pages;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "a mapping is used as words")]
mod private_words;
#[cfg(target_os = "linux")]
mod ranges;
#[cfg(target_os = "linux")]
#[allow(unsafe_code, reason = "process_vm_readv reads addresses and lengths from a mapping")]
mod reader;
#[cfg(target_os = "linux")]
mod roots;
#[cfg_attr(not(target_os = "linux"), path = "scan/no_scanner.rs")]
mod scanner;
#[cfg(target_os = "linux")]
mod threads;

pub(crate) use own_stack::overwrite_stack;
pub(crate) use scanner::{ReadSoFar, Sampled, Scanner};
