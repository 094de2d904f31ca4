//! The exact memory that a value retains: every byte that it owns, by field and type.
//!
//! A type says what it owns through the trait [`Allocative`], which has a derive macro of the same name. The derive macro
//! comes from the crate [allocative](https://docs.rs/allocative), and uses the path `allocative::`, so bring this crate into
//! scope under that name. The [`Visitor`] does not come from there: allocative allows no visitor but its own, and that one
//! cannot be used in a live service. It recurses without bound, so a list of 1,000 nodes overflows a stack of 2 MiB, which
//! ends the process. It keeps one node for each *path*, and its `finish` takes memory quadratic in their depth (84 MB for a
//! list of 500 nodes, 1.2 GB for 2,000). It silently skips a held lock. It pools shared values, so the report cannot say
//! which root holds them. The visitor here is bounded in depth, values, memory and time, and reports what it left out.
//!
//! The crate `memory-debug-core` keeps the registered roots, visits them and re-exports what is here.
//!
//! # Modules, from the ground up
//!
//! - `walk`: the state of a visit
//! - `visitor`: the trait of values, and what a value does with a visit
//! - `impls`: the standard library

#![forbid(unsafe_code)]

// In the order of the list above.
mod walk;
mod visitor;
mod impls;

pub use allocative_derive::Allocative;
pub use visitor::{Allocative, Key, Visitor};

/// The parts that make a report of registered roots. Not part of the interface.
#[doc(hidden)]
pub mod __private {
    pub use crate::visitor::arc_size;
    pub use crate::walk::{Found, Limits, Walk};
}
