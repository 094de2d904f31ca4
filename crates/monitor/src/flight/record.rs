//! One record: the numbers of one look.

use std::time::Duration;

use super::RECORD_BYTES;
use super::checked::{PREFIX, open, seal};
use super::type_rows::{self, TypeRows};
use crate::reading::{AllocatorUse, ContainerUse, Reading};

/// Numbers of a look that may be missing.
const NUMBERS: usize = 15;

/// Sequence, time of day, time since the start, which numbers are there, and the numbers. Records of earlier versions end
/// here.
const OWN_WORDS: usize = 4 + NUMBERS;

/// The types follow. The rest of a record is reserved.
const WORDS: usize = OWN_WORDS + type_rows::WORDS;

/// Fills `record`. Sequences begin at 1, so a record is never all zeros.
pub(super) fn write(sequence: u64, reading: &Reading, types: TypeRows, record: &mut [u8; RECORD_BYTES]) {
    let numbers = numbers(reading);
    let mut words = [0; WORDS];
    words[0] = sequence;
    words[1] = reading.unix_ms;
    words[2] = u64::try_from(reading.at.as_millis()).unwrap_or(u64::MAX);
    for (index, number) in numbers.into_iter().enumerate() {
        if let Some(number) = number {
            words[3] |= 1 << index;
            words[4 + index] = number;
        }
    }
    for (word, of_types) in words[OWN_WORDS..].iter_mut().zip(types.words()) {
        *word = of_types;
    }
    for (place, word) in record[PREFIX..].chunks_exact_mut(8).zip(words) {
        place.copy_from_slice(&word.to_le_bytes());
    }
    seal(record, WORDS * 8);
}

/// The sequence, the numbers and the types. `None` if the record is damaged.
pub(super) fn read(record: &[u8]) -> Option<(u64, Reading, TypeRows)> {
    let content = open(record)?;
    let mut words = [0; WORDS];
    if content.len() < OWN_WORDS * 8 {
        return None;
    }
    for (word, place) in words.iter_mut().zip(content.chunks_exact(8)) {
        *word = u64::from_le_bytes(place.try_into().ok()?);
    }
    let number = |index: usize| (words[3] >> index & 1 == 1).then_some(words[4 + index]);
    let reading = Reading {
        at: Duration::from_millis(words[2]),
        unix_ms: words[1],
        container: number(0)
            .zip(number(1))
            .zip(number(2))
            .map(|((used, limit), inactive_file)| ContainerUse { used, limit, inactive_file }),
        resident: number(3),
        unique: number(4),
        threads: number(5),
        open_files: number(6),
        allocator: number(7).map(|allocated| AllocatorUse {
            allocated,
            active: words[4 + 8],
            metadata: words[4 + 9],
            resident: words[4 + 10],
            retained: words[4 + 11],
            dirty: words[4 + 12],
        }),
        oom_kills: number(13),
        pressure_total_us: number(14),
        ..Reading::default()
    };
    let mut of_types = [0; type_rows::WORDS];
    of_types.copy_from_slice(&words[OWN_WORDS..]);
    Some((words[0], reading, TypeRows::from_words(&of_types)))
}

fn numbers(reading: &Reading) -> [Option<u64>; NUMBERS] {
    let container = |number: fn(&ContainerUse) -> u64| reading.container.as_ref().map(number);
    let allocator = |number: fn(&AllocatorUse) -> u64| reading.allocator.as_ref().map(number);
    [
        container(|container| container.used),
        container(|container| container.limit),
        container(|container| container.inactive_file),
        reading.resident,
        reading.unique,
        reading.threads,
        reading.open_files,
        allocator(|allocator| allocator.allocated),
        allocator(|allocator| allocator.active),
        allocator(|allocator| allocator.metadata),
        allocator(|allocator| allocator.resident),
        allocator(|allocator| allocator.retained),
        allocator(|allocator| allocator.dirty),
        reading.oom_kills,
        reading.pressure_total_us,
    ]
}
