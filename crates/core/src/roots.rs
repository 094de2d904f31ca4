//! Exact sizes of chosen values. Registered roots are visited only when a client asks.
//!
//! The trait and its derive macro come from the crate [allocative](https://docs.rs/allocative); the visitor does not.
//! allocative allows no visitor but its own (`VisitorImpl` is private), and that visitor cannot be used in a live
//! service. It recurses without bound, so a list of 1,000 nodes overflows a stack of 2 MiB, which ends the process.
//! It keeps one node for each *path*, and its `finish` takes memory quadratic in their depth (84 MB for a list of 500
//! nodes, 1.2 GB for 2,000). It silently skips a held lock. It pools shared values, so the report cannot say which
//! root holds them. The visitor here is bounded in depth, values, memory and time, and reports what it left out.

#[cfg(not(feature = "allocative"))]
mod disabled;
#[cfg(feature = "allocative")]
mod impls;
#[cfg(feature = "allocative")]
mod registry;
#[cfg(feature = "allocative")]
mod visitor;
#[cfg(feature = "allocative")]
mod walk;

#[cfg(not(feature = "allocative"))]
pub(crate) use disabled::measure;
#[cfg(feature = "allocative")]
pub(crate) use registry::measure;
#[cfg(feature = "allocative")]
pub use registry::{RegisteredRoot, register_root, register_static_root};
#[cfg(feature = "allocative")]
pub use visitor::{Allocative, Key, Visitor};
