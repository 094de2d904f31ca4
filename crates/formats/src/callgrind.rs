//! callgrind's format, which KCachegrind, QCachegrind and `callgrind_annotate` open (valgrind's manual, "Callgrind
//! Format Specification").
//!
//! The format has functions and the calls between them, but no ways of calls. Readers merge functions of equal file
//! and name. Calls of a function by itself would count twice, so a function that its own callers contain has another
//! name: `visit'2`.

use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::call_tree::{CallTree, Unit};
use crate::microseconds::Microseconds;
use crate::printable::printable;
use crate::refusal::require_no_negative;
use crate::walk::{Step, Walk};

/// Writes all events. Times become microseconds.
///
/// # Errors
///
/// Errors of `out`, and [`InvalidInput`](io::ErrorKind::InvalidInput) if a number is negative.
pub(crate) fn write(tree: &CallTree, out: &mut dyn Write) -> io::Result<()> {
    require_no_negative(tree, 0..tree.events.len(), "callgrind")?;
    let walk = Walk::of(tree);
    let numbers = Numbers::of(tree, &walk);
    writeln!(out, "# callgrind format\nversion: 1\ncreator: memory-debug {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "cmd: {}\npositions: line", tree.title())?;
    for event in &tree.events {
        let unit = if event.unit == Unit::Nanoseconds { "microseconds" } else { event.unit.name() };
        writeln!(out, "event: {} : {} ({unit})", event_name(&event.name), printable(&event.meaning))?;
    }
    write!(out, "events:")?;
    tree.events.iter().try_for_each(|event| write!(out, " {}", event_name(&event.name)))?;
    writeln!(out)?;
    write_numbers("summary:", &numbers.totals, out)?;
    let levels = levels(tree, &walk);
    let (mut files, mut functions) = (Names::default(), Names::default());
    for step in walk.steps() {
        let Step::Enter(at) = step else { continue };
        let node = &tree.nodes[at];
        let position = |at: usize| {
            let node = &tree.nodes[at];
            let file = node.file().map_or_else(|| "???".to_owned(), Into::into);
            (file, function_name(&node.label(), levels[at]))
        };
        let (file, function) = position(at);
        writeln!(out, "\nfl={}\nfn={}", files.reference(file), functions.reference(function))?;
        let line = node.line.unwrap_or(0);
        write_numbers(&line.to_string(), &numbers.own[at], out)?;
        for child in walk.children(Some(at)) {
            let (file, function) = position(child);
            let callee = &tree.nodes[child];
            writeln!(out, "cfi={}\ncfn={}", files.reference(file), functions.reference(function))?;
            // With 0 calls, callgrind_annotate takes the next line as the caller's own numbers.
            writeln!(out, "calls={} {}", callee.calls.max(1), callee.line.unwrap_or(0))?;
            write_numbers(&line.to_string(), &numbers.inclusive(tree, child), out)?;
        }
    }
    writeln!(out)?;
    write_numbers("totals:", &numbers.totals, out)
}

/// Numbers in the units of the file.
struct Numbers {
    own: Vec<Vec<i64>>,
    totals: Vec<i64>,
}

impl Numbers {
    fn of(tree: &CallTree, walk: &Walk) -> Self {
        let mut own = vec![Vec::new(); tree.nodes.len()];
        let mut totals = vec![0_i64; tree.events.len()];
        let mut times = vec![Microseconds::default(); tree.events.len()];
        for step in walk.steps() {
            let Step::Enter(at) = step else { continue };
            let number = |(event, time): (usize, &mut Microseconds)| {
                let number = tree.nodes[at].own(event);
                if tree.events[event].unit == Unit::Nanoseconds { time.next(number) } else { number }
            };
            own[at] = times.iter_mut().enumerate().map(number).collect();
            totals.iter_mut().zip(&own[at]).for_each(|(total, own)| *total = total.saturating_add(*own));
        }
        Self { own, totals }
    }

    fn inclusive(&self, tree: &CallTree, node: usize) -> Vec<i64> {
        let number = |event: usize| {
            let number = tree.nodes[node].inclusive(event);
            if tree.events[event].unit == Unit::Nanoseconds { number / 1_000 } else { number }
        };
        (0..tree.events.len()).map(number).collect()
    }
}

/// How often each node's function occurs on the way to it, with the node itself.
fn levels(tree: &CallTree, walk: &Walk) -> Vec<u32> {
    let mut levels = vec![0; tree.nodes.len()];
    let mut open: FxHashMap<_, u32> = FxHashMap::default();
    for step in walk.steps() {
        let (Step::Enter(at) | Step::Leave(at)) = step;
        let node = &tree.nodes[at];
        let count = open.entry((node.kind, node.name.trim(), node.file())).or_default();
        match step {
            Step::Enter(_) => {
                *count += 1;
                levels[at] = *count;
            }
            Step::Leave(_) => *count -= 1,
        }
    }
    levels
}

/// The name of a function, with the suffix of a recursive one, as valgrind writes it.
fn function_name(label: &str, level: u32) -> String {
    if level > 1 { format!("{label}'{level}") } else { label.to_owned() }
}

/// A name of letters and digits that begins with a letter.
fn event_name(name: &str) -> String {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic()) { name } else { format!("E{name}") }
}

fn write_numbers(first: &str, numbers: &[i64], out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{first}")?;
    numbers.iter().try_for_each(|number| write!(out, " {number}"))?;
    writeln!(out)
}

/// Names that are written once, and then as their number.
#[derive(Default)]
struct Names {
    numbers: FxHashMap<String, usize>,
}

impl Names {
    fn reference(&mut self, name: String) -> String {
        if let Some(number) = self.numbers.get(&name) {
            return format!("({number})");
        }
        let number = self.numbers.len() + 1;
        let definition = format!("({number}) {name}");
        self.numbers.insert(name, number);
        definition
    }
}
