//! Reads the samples.

use std::str::FromStr;
use std::time::Duration;

use memory_debug_profile::{HeapProfile, LiveSample, LiveSamples, StackHash};

use super::{ENDING, MAGIC, MAX_BYTES};
use crate::error::MonitorError;

/// The live samples of the moment of a raw dump.
///
/// They give the dump what jemalloc does not write: the true size, the age and the route of each sampled allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DumpSamples {
    pub(super) before: LiveSamples,
    pub(super) after: LiveSamples,
}

impl DumpSamples {
    /// The name of the file with the samples of the raw dump in the file `dump`, in the same folder. `None` if `dump` is
    /// not the name of a raw dump.
    pub fn file_of(dump: &str) -> Option<String> {
        Some(dump.strip_suffix(".heap")?.to_owned() + ENDING)
    }

    /// Parses a file. `dump_bytes` is the length of the raw dump beside it.
    ///
    /// # Errors
    ///
    /// If the file is not complete, is damaged, has another format, or belongs to a dump of another length.
    pub fn parse(content: &[u8], dump_bytes: u64) -> Result<Self, MonitorError> {
        let body = checked(content, dump_bytes).map_err(MonitorError::new)?;
        parse(body).map_err(|(line, reason)| MonitorError::new(format!("line {line}: {reason}")))
    }

    /// Adds the samples to the dump that they belong to. Stacks of the dump that do not fit keep the dump's numbers and
    /// have no ages.
    #[must_use]
    pub fn join(self, dump: HeapProfile) -> HeapProfile {
        dump.with_live_samples(&self.before, self.after)
    }
}

/// The lines before the last, which has their checksum and the length of the dump.
fn checked(content: &[u8], dump_bytes: u64) -> Result<&str, String> {
    if content.len() as u64 > MAX_BYTES {
        return Err(format!("it is longer than {} MiB", MAX_BYTES >> 20));
    }
    let lines = content.strip_suffix(b"\n").unwrap_or_default();
    let start = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let (body, last) = lines.split_at(start);
    let end = std::str::from_utf8(last).ok().and_then(|last| {
        let (bytes, sum) = last.strip_prefix("end ")?.split_once(' ')?;
        Some((bytes.parse::<u64>().ok()?, u32::from_str_radix(sum, 16).ok()?))
    });
    let (bytes, sum) = end.ok_or("it is not complete: its last line is missing")?;
    if crc32fast::hash(body) != sum {
        return Err("it is damaged: its checksum does not fit".to_owned());
    }
    if bytes != dump_bytes {
        return Err(format!("it belongs to a dump of {bytes} bytes, and this one has {dump_bytes}"));
    }
    std::str::from_utf8(body).map_err(|_| "it is not text".to_owned())
}

/// Where samples are added.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Before,
    After,
    Labels,
}

/// Parses the lines. An error has the number of its line.
fn parse(body: &str) -> Result<DumpSamples, (usize, &'static str)> {
    let mut lines = body.lines().zip(1_usize..);
    let first = lines.next().filter(|(line, _)| *line == MAGIC);
    first.ok_or((1, "it has another format than this version of memory-debug reads"))?;
    lines.next().filter(|(line, _)| *line == "before").ok_or((2, "expected `before`"))?;
    let (mut part, mut samples) = (Part::Before, DumpSamples::default());
    for (line, number) in lines {
        let refused = |expected: &'static str| (number, expected);
        if let Some(name) = line.strip_prefix("label ").filter(|_| part != Part::Before) {
            part = Part::Labels;
            samples.after.labels.push(name.to_owned());
        } else if let Some(numbers) = line.strip_prefix("after ").filter(|_| part == Part::Before) {
            part = Part::After;
            let (recorded, dropped) = numbers.split_once(' ').ok_or(refused("expected two numbers"))?;
            let recorded = number_in(Some(recorded)).ok_or(refused("expected milliseconds"))?;
            samples.after.recorded = Duration::from_millis(recorded);
            samples.after.dropped =
                number_in(Some(dropped)).ok_or(refused("expected a number of samples"))?;
        } else {
            let found = sample(line).ok_or(refused("expected the six numbers of a sample"))?;
            match part {
                Part::Before => samples.before.samples.push(found),
                Part::After => samples.after.samples.push(found),
                Part::Labels => return Err(refused("expected a label")),
            }
        }
    }
    if part == Part::Before {
        // The line that should follow the last one.
        return Err((body.lines().count() + 1, "the samples after the dump are missing"));
    }
    Ok(samples)
}

fn sample(line: &str) -> Option<LiveSample> {
    let mut numbers = line.split(' ');
    let mut next = || numbers.next();
    let sequence = number_in(next())?;
    let (requested, usable) = (number_in(next())?, number_in(next())?);
    let stack = u64::from_str_radix(next()?, 16).ok()?;
    let (age, label) = (number_in(next())?, number_in(next())?);
    let sample =
        LiveSample::new(sequence, requested, usable, StackHash(stack), Duration::from_millis(age), label);
    next().is_none().then_some(sample)
}

fn number_in<T: FromStr>(text: Option<&str>) -> Option<T> {
    text?.parse().ok()
}
