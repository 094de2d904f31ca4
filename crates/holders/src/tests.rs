//! Scans of heaps that are made up.

mod buffers;
mod chains;
mod changing;
mod heap;
mod model;
mod naming;
mod unreachable;
