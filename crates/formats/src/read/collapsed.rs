//! The reader of collapsed stacks.

use std::io;

use super::builder::Builder;
use super::{MAX_DEPTH, damaged};
use crate::call_tree::{CallTree, Event, Unit};

/// Whether the first line is a stack and a number.
pub(super) fn looks_like(text: &[u8]) -> bool {
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(line).is_ok_and(|line| split(line).is_some())
}

pub(super) fn read(content: &[u8]) -> io::Result<CallTree> {
    let text = std::str::from_utf8(content).map_err(|_| damaged("is not text in UTF-8"))?;
    let meaning = "numbers of collapsed stacks, which do not say their unit";
    let mut tree = Builder::new("collapsed stacks", vec![Event::new("Samples", meaning, Unit::Count)]);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let parts = split(line);
        let (stack, samples) = parts.ok_or_else(|| {
            damaged(format!(
                "is not a file of collapsed stacks: line {number} is not a stack and a whole number"
            ))
        })?;
        let mut at = None;
        for (depth, label) in stack.split(';').enumerate() {
            if depth == MAX_DEPTH {
                return Err(damaged(format!("has more than {MAX_DEPTH} functions in line {number}")));
            }
            let site = tree.site(label, None, None);
            at = Some(tree.place(at, &site)?);
        }
        at.into_iter().for_each(|at| tree.add(at, 0, samples));
    }
    Ok(tree.finish())
}

/// The stack of a line, and its number.
fn split(line: &str) -> Option<(&str, i64)> {
    let (stack, number) = line.trim_end().rsplit_once(' ')?;
    let number = number.parse().ok()?;
    (!stack.trim().is_empty()).then_some((stack, number))
}
