//! Exact sizes of chosen values: registered roots, visited when somebody asks and never else.
//!
//! The trait and its derive macro are those of the crate [allocative](https://docs.rs/allocative); the visitor is not.
//! allocative's own visitor is the only one it admits (`VisitorImpl` is private), and it cannot be used in a live
//! service: it recurses without bound, so a list of 1,000 nodes overflows a stack of 2 MiB, which ends the process; it
//! keeps one node for each *path*, and its `finish` takes memory quadratic in their depth (84 MB for a list of 500
//! nodes, 1.2 GB for 2,000); it skips a held lock without a word; and it pools what is shared, so nobody can tell which
//! root holds it. The visitor here is bounded in depth, values, memory and time, and says what it left out.

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
