//! Renders the growth of a heap profile's stacks; the largest changes come first.
//!
//! It shows no sampling error: the difference alone does not show how many objects lived through both moments.
//! Snapshots and their diffs show which changes are more than noise.

use std::cmp::Reverse;
use std::fmt::{self, Write};
use std::io;
use std::time::Duration;

use memory_debug_profile::{SymbolizedProfile, SymbolizedStack};
use serde::Serialize;

use super::json::write_document;
use super::row_name;
use super::stacks::{FrameJson, OneByOne, write_frames};
use crate::units::{count, signed_bytes, signed_count};

/// Writes the `top` stacks of a growth within `span`, each with its signed change, its type, and its functions from the
/// innermost.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_growth_text(
    out: &mut dyn Write,
    growth: &SymbolizedProfile,
    span: Duration,
    top: usize,
) -> fmt::Result {
    let stacks = by_change(growth);
    stacks.iter().take(top).try_for_each(|stack| write_stack(out, stack))?;
    let total = growth.total();
    writeln!(
        out,
        "{} of {} stacks that changed in {:.1} s · total {} in {} objects, noise included",
        count(top.min(stacks.len()) as u64),
        count(stacks.len() as u64),
        span.as_secs_f64(),
        signed_bytes(total.bytes),
        signed_count(total.objects),
    )
}

fn write_stack(text: &mut dyn Write, stack: &SymbolizedStack<'_>) -> fmt::Result {
    let (objects, bytes) = change(stack);
    let (owner, is_attributed) = stack.owner();
    let name = row_name(owner, is_attributed);
    writeln!(text, "{} in {} objects: {name}", signed_bytes(bytes), signed_count(objects))?;
    write_frames(text, stack)
}

/// Writes the growth as JSON.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_growth_json(
    out: impl io::Write,
    growth: &SymbolizedProfile,
    span: Duration,
    top: usize,
) -> io::Result<()> {
    let stacks = by_change(growth);
    let omitted_stacks = stacks.len().saturating_sub(top);
    let total = growth.total();
    let growth = GrowthJson {
        seconds: span.as_secs_f64(),
        sample_bytes: growth.sample_rate().bytes(),
        objects_change: total.objects,
        bytes_change: total.bytes,
        stacks: OneByOne { values: stacks.iter().take(top), shown: StackJson::of },
        omitted_stacks,
    };
    write_document(out, "growth", &growth)
}

#[derive(Serialize)]
struct GrowthJson<S> {
    seconds: f64,
    sample_bytes: u64,
    objects_change: i64,
    bytes_change: i64,
    stacks: S,
    omitted_stacks: usize,
}

#[derive(Serialize)]
struct StackJson<'p> {
    r#type: Option<&'p str>,
    objects_change: i64,
    bytes_change: i64,
    frames: Vec<FrameJson<'p>>,
}

impl<'p> StackJson<'p> {
    fn of(stack: &SymbolizedStack<'p>) -> Self {
        let (objects_change, bytes_change) = change(stack);
        let (owner, is_attributed) = stack.owner();
        let frames = FrameJson::of(stack);
        Self { r#type: is_attributed.then_some(owner), objects_change, bytes_change, frames }
    }
}

fn by_change(growth: &SymbolizedProfile) -> Vec<SymbolizedStack<'_>> {
    let mut stacks = growth.stacks_by_bytes();
    // The sort is stable, so among equal changes, growth comes first.
    stacks.sort_by_key(|stack| Reverse(change(stack).1.unsigned_abs()));
    stacks
}

/// Objects and bytes, which are whole numbers here. `as` saturates.
fn change(stack: &SymbolizedStack<'_>) -> (i64, i64) {
    let estimate = stack.estimate();
    (estimate.objects as i64, estimate.bytes as i64)
}

#[cfg(test)]
mod tests {
    use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};

    use super::*;

    fn profile(stacks: &[(u64, u64)]) -> SymbolizedProfile {
        let bytes: u64 = stacks.iter().map(|(_, bytes)| bytes).sum();
        let stacks: String = stacks
            .iter()
            .map(|(address, bytes)| {
                format!("@ {address:#x}\n  t*: 1: {bytes} [0: 0]\n  t0: 1: {bytes} [0: 0]\n")
            })
            .collect();
        let dump = format!(
            "heap_v2/1\n  t*: 1: {bytes} [0: 0]\n  t0: 1: {bytes} [0: 0]\n{stacks}\nMAPPED_LIBRARIES:\n\
             1000-9000 r-xp 00000000 fe:00 9 /srv/app\n"
        );
        let no_files = |_: &Mapping| Err(io::ErrorKind::NotFound.into());
        TypeAttributor::new().symbolize(&HeapProfile::parse(dump.as_bytes()).unwrap(), &no_files)
    }

    #[test]
    fn shrinking_has_its_sign_and_the_largest_change_comes_first() {
        let base = profile(&[(0x1010, 5000), (0x2010, 64), (0x3010, 7)]);
        let growth = profile(&[(0x1010, 1000), (0x2010, 3064), (0x3010, 7)]).growth_since(&base);
        let (mut json, mut text) = (Vec::new(), String::new());
        write_growth_json(&mut json, &growth, Duration::from_millis(2500), 9).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let growth_json = &json["growth"];
        let changes: Vec<_> =
            growth_json["stacks"].as_array().unwrap().iter().map(|stack| &stack["bytes_change"]).collect();
        assert_eq!(changes, [-4000, 3000]);
        assert_eq!((&growth_json["bytes_change"], &growth_json["seconds"]), (&(-1000).into(), &2.5.into()));
        write_growth_text(&mut text, &growth, Duration::from_millis(2500), 1).unwrap();
        assert!(text.starts_with("-3.91 KiB in +0 objects"), "{text}");
        assert!(
            text.contains(
                "1 of 2 stacks that changed in 2.5 s · total -1000 B in +0 objects, noise included"
            ),
            "{text}"
        );
    }
}
