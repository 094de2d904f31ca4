//! Scans of heaps that are made up.

mod buffers;
mod chains;
mod changing;
mod dead_words;
mod heap;
mod inner_nodes;
mod long_ways;
mod model;
mod naming;
mod unreachable;
