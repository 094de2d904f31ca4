//! Which files go when the folder is full.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use memory_debug_core::CaptureKind;

use super::{Entry, FileName, ProcessKey};

/// The most captures of all processes together, and the most flight files of dead processes.
pub(super) const MAX_CAPTURES: usize = 8;

/// What a file is worth. A file of less worth goes first, and of equal worth the older one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// None of the following.
    Ordinary,
    /// The largest of an earlier process, or its baseline or flight file.
    OfItsProcess,
    /// The latest baseline.
    Baseline,
    /// Of the moment when the most memory was in use.
    Largest,
    /// The latest of all.
    Newest,
}

/// The files to remove, so that the rest has at most `max_bytes` in all. Flight files and kept space of processes that
/// are `alive` stay.
pub(super) fn of<'e>(entries: &'e [Entry], alive: &[&ProcessKey], max_bytes: u64) -> Vec<&'e Entry> {
    let lives = |entry: &Entry| alive.contains(&entry.name.process());
    let mut surplus: Vec<&Entry> =
        entries.iter().filter(|entry| matches!(entry.name, FileName::Ballast(_)) && !lives(entry)).collect();
    let samples_of: BTreeMap<FileName, &Entry> = {
        let samples = entries.iter().filter(|entry| matches!(entry.name, FileName::Samples { .. }));
        samples.map(|entry| (entry.name.clone(), entry)).collect()
    };
    // The live samples of a raw dump are of no use without it. They get their name after it, so without it they are left
    // over.
    let used: BTreeSet<FileName> = entries.iter().filter_map(|entry| entry.name.samples()).collect();
    surplus.extend(samples_of.iter().filter(|(name, _)| !used.contains(*name)).map(|(_, entry)| *entry));
    let with_samples = |entry: &'e Entry| {
        let samples = entry.name.samples().and_then(|name| samples_of.get(&name).copied());
        std::iter::once(entry).chain(samples)
    };
    let mut captures = by_worth(entries);
    let too_many = captures.drain(..captures.len().saturating_sub(MAX_CAPTURES));
    surplus.extend(too_many.flat_map(|(_, entry)| with_samples(entry)));
    // A flight file explains the captures of its process, so it goes after them, unless there are too many.
    let of_captures: BTreeSet<&ProcessKey> = captures.iter().map(|(_, entry)| entry.name.process()).collect();
    let mut flights: Vec<&Entry> =
        entries.iter().filter(|entry| matches!(entry.name, FileName::Flight(_)) && !lives(entry)).collect();
    flights.sort_by_key(|entry| (of_captures.contains(entry.name.process()), start_of(&entry.name)));
    surplus.extend(flights.drain(..flights.len().saturating_sub(MAX_CAPTURES)));
    let mut kept: u64 = entries.iter().map(|entry| entry.bytes).sum();
    kept = kept.saturating_sub(surplus.iter().map(|entry| entry.bytes).sum());
    let flights = flights.into_iter().map(|entry| (Worth::OfItsProcess, entry));
    let mut rest: Vec<_> = captures.into_iter().chain(flights).collect();
    rest.sort_by_key(|(worth, entry)| (*worth, time_of(&entry.name)));
    for (_, entry) in rest {
        if kept <= max_bytes {
            break;
        }
        for removed in with_samples(entry) {
            kept = kept.saturating_sub(removed.bytes);
            surplus.push(removed);
        }
    }
    surplus
}

/// The captures. What is worth least comes first.
fn by_worth(entries: &[Entry]) -> Vec<(Worth, &Entry)> {
    let mut captures: Vec<&Entry> =
        entries.iter().filter(|entry| matches!(entry.name, FileName::Capture { .. })).collect();
    captures.sort_by_key(|entry| time_of(&entry.name));
    let is_baseline = |entry: &&Entry| entry.kind() == Some(CaptureKind::Baseline);
    let newest = captures.last().copied();
    let baseline = captures.iter().rev().find(|entry| is_baseline(entry)).copied();
    let size = |entry: &&Entry| (share_of(&entry.name), time_of(&entry.name));
    let largest = captures.iter().copied().max_by_key(size);
    let mut of_processes: Vec<&Entry> = captures.clone();
    of_processes.sort_by_key(|entry| (entry.name.process(), Reverse(size(entry))));
    of_processes.dedup_by_key(|entry| entry.name.process());
    let worth = |entry: &Entry| match Some(entry) {
        of if of == newest => Worth::Newest,
        of if of == largest => Worth::Largest,
        of if of == baseline => Worth::Baseline,
        _ if of_processes.contains(&entry) || is_baseline(&entry) => Worth::OfItsProcess,
        _ => Worth::Ordinary,
    };
    let mut ranked: Vec<_> = captures.into_iter().map(|entry| (worth(entry), entry)).collect();
    ranked.sort_by_key(|(worth, entry)| (*worth, time_of(&entry.name)));
    ranked
}

fn time_of(name: &FileName) -> u64 {
    match name {
        FileName::Capture { at_ms, .. } | FileName::Samples { at_ms, .. } => *at_ms,
        FileName::Flight(_) | FileName::Ballast(_) => 0,
    }
}

fn share_of(name: &FileName) -> u32 {
    match name {
        FileName::Capture { permille, .. } | FileName::Samples { permille, .. } => {
            permille.unwrap_or_default()
        }
        FileName::Flight(_) | FileName::Ballast(_) => 0,
    }
}

/// The order of processes of one boot. The process id and the id break ties.
fn start_of(name: &FileName) -> (u64, &ProcessKey) {
    (name.process().start(), name.process())
}
