//! speedscope's own format (<https://www.speedscope.app/file-format-schema.json>): one profile per event.

use std::io::{self, Write};

use crate::call_tree::{CallTree, Unit};
use crate::frames::Frames;
use crate::json::{write_comma, write_text};
use crate::refusal::require_no_negative;
use crate::walk::{Step, Walk};

/// Writes all events.
///
/// # Errors
///
/// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if a number is negative.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    require_no_negative(tree, 0..tree.events.len(), "speedscope")?;
    let (walk, frames) = (Walk::of(tree), Frames::of(tree));
    writeln!(out, "{{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",")?;
    write!(out, "\"exporter\":\"memory-debug@{}\",\"name\":", env!("CARGO_PKG_VERSION"))?;
    write_text(&tree.title(), out)?;
    write!(out, ",\"activeProfileIndex\":0,\n\"shared\":{{\"frames\":[")?;
    let mut is_first = true;
    for frame in &frames.frames {
        write_comma(&mut is_first, out)?;
        write!(out, "\n{{\"name\":")?;
        write_text(&frame.label(), out)?;
        if let Some(file) = frame.file() {
            write!(out, ",\"file\":")?;
            write_text(&file, out)?;
        }
        if let Some(line) = frame.line {
            write!(out, ",\"line\":{line}")?;
        }
        write!(out, "}}")?;
    }
    write!(out, "]}},\n\"profiles\":[")?;
    let mut is_first = true;
    for (event, total) in tree.totals().into_iter().enumerate() {
        write_comma(&mut is_first, out)?;
        write_profile(tree, event, total, &walk, &frames, out)?;
    }
    writeln!(out, "]}}")
}

/// Writes one event: the stacks of all nodes with own numbers, and then these numbers.
fn write_profile(
    tree: &CallTree,
    event: usize,
    total: i64,
    walk: &Walk,
    frames: &Frames<'_>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let unit = tree.events[event].unit;
    let unit = if unit == Unit::Count { "none" } else { unit.name() };
    write!(out, "\n{{\"type\":\"sampled\",\"name\":")?;
    write_text(&tree.events[event].name, out)?;
    write!(out, ",\"unit\":\"{unit}\",\"startValue\":0,\"endValue\":{total},\n\"samples\":[")?;
    let (mut stack, mut is_first) = (Vec::new(), true);
    for step in walk.steps() {
        let Step::Enter(at) = step else {
            stack.pop();
            continue;
        };
        stack.push(frames.of_node[at]);
        if tree.nodes[at].own(event) != 0 {
            write_comma(&mut is_first, out)?;
            write_list(&stack, out)?;
        }
    }
    write!(out, "],\n\"weights\":")?;
    let own = walk.steps().filter_map(|step| match step {
        Step::Enter(at) => Some(tree.nodes[at].own(event)).filter(|own| *own != 0),
        Step::Leave(_) => None,
    });
    write_list(own, out)?;
    write!(out, "}}")
}

fn write_list(numbers: impl IntoIterator<Item: std::fmt::Display>, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    write!(out, "[")?;
    for number in numbers {
        write_comma(&mut is_first, out)?;
        write!(out, "{number}")?;
    }
    write!(out, "]")
}
