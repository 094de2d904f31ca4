//! Scans of heaps that are made up.

mod chains;
mod heap;
