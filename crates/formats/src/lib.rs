//! The file formats of other tools.
//!
//! A producer makes a [`CallTree`], and a writer of this crate writes it. The crate knows neither jemalloc nor the
//! tracer, and does no input or output of its own.
//!
//! # Modules, from the ground up
//!
//! - `call_tree`: functions by the way they were called, with numbers

#![forbid(unsafe_code)]

mod call_tree;

pub use call_tree::{CallNode, CallTree, Event, Unit};
