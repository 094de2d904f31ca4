//! `.heapprofile`, which Chrome's DevTools open in the panel "Memory" (CDP `HeapProfiler.SamplingHeapProfile`): bytes
//! by stack.

use std::io::{self, Write};

use crate::call_frames::{ROOT, Scripts};
use crate::call_tree::{CallTree, Unit};
use crate::json::write_comma;
use crate::refusal::{require_event, require_no_negative};
use crate::walk::{Step, Walk};

/// Writes the first event in bytes.
///
/// # Errors
///
/// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if the tree has no bytes, or a number is negative.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    let bytes = require_event(tree, Unit::Bytes, "heapprofile")?;
    require_no_negative(tree, bytes..=bytes, "heapprofile")?;
    let (walk, scripts) = (Walk::of(tree), Scripts::of(tree));
    write!(out, "{{\"head\":{{{ROOT},\"selfSize\":0,\"id\":1,\"children\":[")?;
    let mut is_first = true;
    for step in walk.steps() {
        match step {
            Step::Enter(at) => {
                let node = &tree.nodes[at];
                write_comma(&mut is_first, out)?;
                write!(out, "\n{{")?;
                scripts.write(node, out)?;
                write!(out, ",\"selfSize\":{},\"id\":{},\"children\":[", node.own(bytes), id(at))?;
                is_first = true;
            }
            Step::Leave(_) => {
                write!(out, "]}}")?;
                is_first = false;
            }
        }
    }
    write!(out, "]}},\n\"samples\":[")?;
    let sampled = (0..).zip(&tree.nodes).filter(|(_, node)| node.own(bytes) > 0);
    let mut is_first = true;
    for (ordinal, (at, node)) in (1..).zip(sampled) {
        write_comma(&mut is_first, out)?;
        write!(out, "{{\"size\":{},\"nodeId\":{},\"ordinal\":{ordinal}}}", node.own(bytes), id(at))?;
    }
    writeln!(out, "]}}")
}

/// The number of a node. The root has number 1.
fn id(node: usize) -> usize {
    node + 2
}
