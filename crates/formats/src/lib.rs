//! The file formats of other tools.
//!
//! A producer makes a [`CallTree`], and a writer of this crate writes it. The crate knows neither jemalloc nor the
//! tracer, and does no input or output of its own.
//!
//! # Modules, from the ground up
//!
//! - `printable`: text that terminals, browsers and logs can show
//! - `call_tree`: functions by the way they were called, with numbers
//! - `profile_proto`: the encoder of pprof's messages

#![forbid(unsafe_code)]

// In the order of the list above.
mod printable;
mod call_tree;
pub mod profile_proto;

pub use call_tree::{CallNode, CallTree, Event, Unit};
pub use printable::{is_unprintable, printable};
