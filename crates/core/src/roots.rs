//! Exact sizes of chosen values. Registered roots are visited only when a client asks.

#[cfg_attr(not(feature = "allocative"), path = "roots/no_registry.rs")]
mod registry;

pub(crate) use registry::measure;
#[cfg(feature = "allocative")]
pub use registry::{RegisteredRoot, register_root, register_static_root};
