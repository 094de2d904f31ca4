//! Scans of heaps that are made up.

mod chains;
mod changing;
mod heap;
mod model;
mod naming;
mod unreachable;
