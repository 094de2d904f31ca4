//! The stacks of a heap profile, those that hold the most first.

use std::fmt::Write;

use memory_debug_profile::{Estimate, SymbolizedFrame, SymbolizedProfile, SymbolizedStack};
use serde::Serialize;

use super::json::document;
use super::row_name;
use crate::units::{Bytes, count, percent, short_name, visible};

/// The `top` stacks, each with what it holds, of which type, and its functions from the innermost.
pub fn stacks_text(profile: &SymbolizedProfile, top: usize) -> String {
    let stacks = profile.stacks_by_bytes();
    let mut text = String::new();
    for stack in stacks.iter().take(top) {
        // Writing to a string cannot fail.
        let _ = write_stack(&mut text, stack);
    }
    let (shown, all) = (top.min(stacks.len()), stacks.len());
    let rate = profile.sample_rate();
    let _ = writeln!(
        text,
        "{} of {} stacks · sampled {}",
        count(shown as u64),
        count(all as u64),
        if rate.is_exact() { "all".to_owned() } else { format!("1 per {:.0}", Bytes(rate.bytes())) }
    );
    text
}

fn write_stack(text: &mut String, stack: &SymbolizedStack<'_>) -> std::fmt::Result {
    let estimate = stack.estimate();
    let (owner, is_attributed) = stack.owner();
    let error = percent(estimate.bytes_stderr(), estimate.bytes).unwrap_or_default();
    let objects = count(estimate.objects.round() as u64);
    let bytes = Bytes(estimate.bytes.round() as u64);
    writeln!(text, "{bytes} (± {error:.0} %) in {objects} objects: {}", row_name(owner, is_attributed))?;
    write_frames(text, stack)
}

/// The functions from the innermost, and an empty line.
pub(super) fn write_frames(text: &mut String, stack: &SymbolizedStack<'_>) -> std::fmt::Result {
    for frame in stack.frames() {
        write!(text, "    {}", short_name(frame.function))?;
        match (frame.file, frame.line) {
            (Some(file), 0) => writeln!(text, " ({})", visible(file))?,
            (Some(file), line) => writeln!(text, " ({}:{line})", visible(file))?,
            (None, _) => writeln!(text)?,
        }
    }
    writeln!(text)
}

/// The same as JSON.
pub fn stacks_json(profile: &SymbolizedProfile, top: usize) -> String {
    let stacks = profile.stacks_by_bytes();
    let shown: Vec<StackJson<'_>> = stacks.iter().take(top).map(StackJson::of).collect();
    let omitted_stacks = stacks.len() - shown.len();
    document("heap", &HeapJson { sample_bytes: profile.sample_rate().bytes(), stacks: shown, omitted_stacks })
}

#[derive(Serialize)]
struct HeapJson<'p> {
    sample_bytes: u64,
    stacks: Vec<StackJson<'p>>,
    omitted_stacks: usize,
}

#[derive(Serialize)]
struct StackJson<'p> {
    r#type: Option<&'p str>,
    objects: u64,
    bytes: u64,
    bytes_stderr: f64,
    frames: Vec<FrameJson<'p>>,
}

#[derive(Serialize)]
pub(super) struct FrameJson<'p> {
    function: &'p str,
    file: Option<&'p str>,
    /// `null` if unknown.
    line: Option<u32>,
}

impl<'p> StackJson<'p> {
    fn of(stack: &SymbolizedStack<'p>) -> Self {
        let estimate: Estimate = stack.estimate();
        let (owner, is_attributed) = stack.owner();
        Self {
            r#type: is_attributed.then_some(owner),
            objects: estimate.objects.round() as u64,
            bytes: estimate.bytes.round() as u64,
            bytes_stderr: estimate.bytes_stderr(),
            frames: FrameJson::of(stack),
        }
    }
}

impl<'p> FrameJson<'p> {
    pub(super) fn of(stack: &SymbolizedStack<'p>) -> Vec<Self> {
        let frame = |frame: SymbolizedFrame<'p>| Self {
            function: frame.function,
            file: frame.file,
            line: Some(frame.line).filter(|line| *line > 0),
        };
        stack.frames().map(frame).collect()
    }
}
