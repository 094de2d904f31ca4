//! Renders the stacks of a heap profile; the largest come first.

use std::fmt::{self, Write};
use std::io;

use memory_debug_profile::{SampleRate, SymbolizedFrame, SymbolizedProfile, SymbolizedStack};
use serde::{Serialize, Serializer};

use super::json::write_document;
use super::row_name;
use crate::units::{Bytes, count, percent, printable, short_name};

/// Renders the `top` stacks as text, each with its memory, its type, and its functions from the innermost.
pub fn stacks_text(profile: &SymbolizedProfile, top: usize) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_stacks_text(&mut text, profile, top);
    text
}

/// Writes the text that [`stacks_text`] returns.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_stacks_text(out: &mut dyn Write, profile: &SymbolizedProfile, top: usize) -> fmt::Result {
    let stacks = profile.stacks_by_bytes();
    stacks.iter().take(top).try_for_each(|stack| write_stack(out, stack, profile.sample_rate()))?;
    let (shown, all) = (top.min(stacks.len()), stacks.len());
    let rate = profile.sample_rate();
    writeln!(
        out,
        "{} of {} stacks · {}",
        count(shown as u64),
        count(all as u64),
        if rate.is_exact() {
            "every allocation recorded".to_owned()
        } else {
            format!("sampled 1 per {:.0}", Bytes(rate.bytes()))
        }
    )
}

fn write_stack(text: &mut dyn Write, stack: &SymbolizedStack<'_>, rate: SampleRate) -> fmt::Result {
    let estimate = stack.estimate().of_few_samples(rate);
    let (owner, is_attributed) = stack.owner();
    let error = percent(estimate.bytes_stderr(), estimate.bytes).unwrap_or_default();
    let objects = count(estimate.objects.round() as u64);
    let bytes = Bytes(estimate.bytes.round() as u64);
    writeln!(text, "{bytes} (± {error:.0} %) in {objects} objects: {}", row_name(owner, is_attributed))?;
    write_frames(text, stack)
}

/// Writes the functions from the innermost, and an empty line.
pub(super) fn write_frames(text: &mut dyn Write, stack: &SymbolizedStack<'_>) -> fmt::Result {
    for frame in stack.frames() {
        write!(text, "    {}", short_name(frame.function))?;
        match (frame.file, frame.line) {
            (Some(file), 0) => writeln!(text, " ({})", printable(file))?,
            (Some(file), line) => writeln!(text, " ({}:{line})", printable(file))?,
            (None, _) => writeln!(text)?,
        }
    }
    writeln!(text)
}

/// Writes the `top` stacks as JSON.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_stacks_json(out: impl io::Write, profile: &SymbolizedProfile, top: usize) -> io::Result<()> {
    let stacks = profile.stacks_by_bytes();
    let omitted_stacks = stacks.len().saturating_sub(top);
    let shown = |stack| StackJson::of(stack, profile.sample_rate());
    let stacks = OneByOne { values: stacks.iter().take(top), shown };
    write_document(
        out,
        "heap",
        &HeapJson { sample_bytes: profile.sample_rate().bytes(), stacks, omitted_stacks },
    )
}

#[derive(Serialize)]
struct HeapJson<S> {
    sample_bytes: u64,
    stacks: S,
    omitted_stacks: usize,
}

/// A list whose elements exist one at a time, while it is written.
pub(super) struct OneByOne<I, F> {
    pub(super) values: I,
    pub(super) shown: F,
}

impl<I: Iterator + Clone, T: Serialize, F: Fn(I::Item) -> T> Serialize for OneByOne<I, F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values.clone().map(&self.shown))
    }
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
    fn of(stack: &SymbolizedStack<'p>, rate: SampleRate) -> Self {
        let estimate = stack.estimate().of_few_samples(rate);
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
