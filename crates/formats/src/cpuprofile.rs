//! `.cpuprofile`, which Chrome's DevTools open in the panel "Performance" (CDP `Profiler.Profile`).
//!
//! DevTools print its numbers as milliseconds, so it can hold nothing but time. Each function is one sample that lasts
//! as long as the function itself was busy: the chart shows how much, and not when.

use std::io::{self, Write};

use crate::call_frames::{ROOT, Scripts};
use crate::call_tree::{CallTree, Event, Unit};
use crate::json::write_comma;
use crate::microseconds::Microseconds;
use crate::refusal::{refused, require_no_negative};
use crate::walk::{Step, Walk};

/// The event of the time inside polls.
pub(crate) const BUSY: &str = "Busy";

/// Writes the busy time.
///
/// # Errors
///
/// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if the tree has no event `Busy`, or a number is
/// negative.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    let is_busy = |event: &Event| event.name == BUSY && event.unit == Unit::Nanoseconds;
    let busy = tree.events.iter().position(is_busy).ok_or_else(|| {
        refused("cpuprofile shows only the time in which functions were busy, and this has no event `Busy`")
    })?;
    require_no_negative(tree, busy..=busy, "cpuprofile")?;
    let (walk, scripts) = (Walk::of(tree), Scripts::of(tree));
    let order = || walk.steps().filter_map(|step| if let Step::Enter(at) = step { Some(at) } else { None });
    let mut times = vec![0; tree.nodes.len()];
    let (mut microseconds, mut total) = (Microseconds::default(), 0_i64);
    for at in order() {
        times[at] = microseconds.next(tree.nodes[at].own(busy));
        total = total.saturating_add(times[at]);
    }
    // DevTools divide by the number of all hits.
    let hits = u8::from(total == 0);
    write!(out, "{{\"nodes\":[{{\"id\":1,{ROOT},\"hitCount\":{hits},\"children\":")?;
    write_ids(walk.children(None), out)?;
    write!(out, "}}")?;
    for at in order() {
        write!(out, ",\n{{\"id\":{},", id(at))?;
        scripts.write(&tree.nodes[at], out)?;
        // DevTools distribute the time by hits, so a hit is a microsecond.
        write!(out, ",\"hitCount\":{},\"children\":", times[at])?;
        write_ids(walk.children(Some(at)), out)?;
        write!(out, "}}")?;
    }
    write!(out, "],\n\"startTime\":0,\"endTime\":{total},\n\"samples\":[")?;
    let sampled = || order().filter(|at| times[*at] > 0);
    sampled().try_for_each(|at| write!(out, "{},", id(at)))?;
    // The last sample ends where the root's begins. A delta is the time since the sample before.
    write!(out, "1],\n\"timeDeltas\":[0")?;
    sampled().try_for_each(|at| write!(out, ",{}", times[at]))?;
    writeln!(out, "]}}")
}

/// The number of a node. The root has number 1.
fn id(node: usize) -> usize {
    node + 2
}

fn write_ids(nodes: impl Iterator<Item = usize>, out: &mut dyn Write) -> io::Result<()> {
    let mut is_first = true;
    write!(out, "[")?;
    for node in nodes {
        write_comma(&mut is_first, out)?;
        write!(out, "{}", id(node))?;
    }
    write!(out, "]")
}
