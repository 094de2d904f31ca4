//! `.heaptimeline`, which adds a time line to a heap snapshot.
//!
//! A heap profile does not know when its objects were allocated. The time line has one bar with all of them, one
//! second after the beginning, which means "until now".

use std::io::{self, Write};

use crate::heap_graph::HeapGraph;
use crate::heapsnapshot::write_with_samples;

/// When the bar is, in microseconds.
const NOW: u64 = 1_000_000;

/// Writes a graph with a time line of one bar.
///
/// # Errors
///
/// Errors of `out`.
pub(crate) fn write(graph: &HeapGraph, out: &mut dyn Write) -> io::Result<()> {
    let last = graph.nodes.iter().map(|node| node.id).max().unwrap_or(1);
    write_with_samples(graph, &[(0, 1), (NOW, last)], out)
}
