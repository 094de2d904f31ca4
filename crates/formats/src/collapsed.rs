//! Collapsed stacks, one per line: `main;handler;load 4096`. Flame graph tools, speedscope and `sort` read them.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::call_tree::CallTree;
use crate::refusal::{refused, require_no_negative};
use crate::walk::{Step, Walk};

/// Writes the first event. A node without own numbers has no line.
///
/// # Errors
///
/// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if a number is negative.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    if tree.events.is_empty() {
        return Err(refused("collapsed stacks need a number"));
    }
    require_no_negative(tree, 0..1, "collapsed")?;
    // The names up to the current node, and the length before each of them.
    let (mut path, mut lengths) = (String::new(), Vec::new());
    for step in Walk::of(tree).steps() {
        match step {
            Step::Enter(at) => {
                lengths.push(path.len());
                let node = &tree.nodes[at];
                if !path.is_empty() {
                    path.push(';');
                }
                path.push_str(&name(&node.label()));
                if node.own(0) != 0 {
                    writeln!(out, "{path} {}", node.own(0))?;
                }
            }
            Step::Leave(_) => path.truncate(lengths.pop().unwrap_or(0)),
        }
    }
    Ok(())
}

/// A name without the separator of names.
pub(crate) fn name(label: &str) -> Cow<'_, str> {
    if label.contains(';') { Cow::Owned(label.replace(';', ",")) } else { Cow::Borrowed(label) }
}
