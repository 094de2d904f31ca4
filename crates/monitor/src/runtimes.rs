//! The runtimes that are watched.

#[cfg(not(feature = "tokio"))]
mod disabled;
#[cfg(feature = "tokio")]
mod enabled;

#[cfg(not(feature = "tokio"))]
pub(crate) use disabled::{Handle, Runtimes};
#[cfg(feature = "tokio")]
pub use enabled::watch_current_runtime;
#[cfg(feature = "tokio")]
pub(crate) use enabled::{Handle, Runtime, Runtimes};
