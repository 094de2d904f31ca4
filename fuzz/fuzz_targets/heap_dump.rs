//! jemalloc's heap dump, as raw bytes and as a genuine dump with damage. No dump panics, no stack points outside the
//! profile, no more is read than the lines contain, and a profile written as a dump is read back as the same profile.

#![no_main]

use std::fmt::Write as _;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use memory_debug_profile::{Group, HeapProfile, Mapping, TypeAttributor};

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"heap_v2/") {
        return check(data);
    }
    let mut data = Unstructured::new(data);
    let Ok(dump) = Dump::arbitrary(&mut data) else { return };
    let mut text = dump.text().into_bytes();
    let profile = HeapProfile::parse(&text[..]).expect("a genuine dump");
    assert_eq!(profile.stacks().len(), dump.stacks.len());
    for (found, written) in profile.stacks().zip(&dump.stacks) {
        assert_eq!(found.addresses, written.addresses);
        assert_eq!((found.live.objects, found.live.bytes), written.live);
        assert_eq!((found.accumulated.objects, found.accumulated.bytes), written.accumulated);
        assert_eq!(found.threads.len(), written.threads.len());
    }
    let edits = Vec::<Edit>::arbitrary(&mut data).unwrap_or_default();
    for edit in edits {
        edit.apply(&mut text);
    }
    check(&text);
});

fn check(dump: &[u8]) {
    let Ok(profile) = HeapProfile::parse(dump) else { return };
    let lines = dump.iter().filter(|byte| **byte == b'\n').count();
    let stacks = profile.stacks();
    let read = stacks.len() * 2 + profile.threads().len() + profile.mappings().len();
    assert!(read + 2 <= lines, "{read} of {lines} lines");
    // Slicing panics if a stack points outside the tables.
    let addresses: usize = profile.stacks().map(|stack| stack.addresses.len()).sum();
    let samples: usize = profile.stacks().map(|stack| stack.threads.len()).sum();
    assert!(addresses * 4 <= dump.len() && samples <= lines);
    assert!(profile.mappings().is_sorted_by_key(|mapping| mapping.start));
    for stack in profile.stacks() {
        let estimate = profile.sample_rate().unbias(stack.live);
        for number in [estimate.objects, estimate.bytes, estimate.objects_variance, estimate.bytes_variance] {
            assert!(number >= 0.0, "{estimate:?} of {stack:?} at {:?}", profile.sample_rate());
        }
        for address in stack.addresses {
            if let Some(mapping) = profile.mapping_of(*address) {
                assert!((mapping.start..mapping.end).contains(address));
            }
        }
    }
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    for group in [Group::Thread, Group::SizeClass] {
        let table = TypeAttributor::new().summarize(&profile, &no_files, &group.into());
        assert!(table.total.bytes >= 0.0 && table.entries.len() <= stacks_or_samples(&profile));
    }
    let mut again = Vec::new();
    profile.write_raw(&mut again).expect("memory to write to");
    assert_eq!(HeapProfile::parse(&again[..]).expect("a dump of a profile"), profile);
}

fn stacks_or_samples(profile: &HeapProfile) -> usize {
    profile.stacks().map(|stack| stack.threads.len().max(1)).sum()
}

/// The contents of a genuine dump.
#[derive(Arbitrary, Debug)]
struct Dump {
    rate: u64,
    total: (u64, u64),
    threads: Vec<(u64, Option<u8>)>,
    stacks: Vec<DumpStack>,
    mappings: Vec<(u64, u32, u32, bool, u8)>,
}

#[derive(Arbitrary, Debug)]
struct DumpStack {
    addresses: Vec<u64>,
    live: (u64, u64),
    accumulated: (u64, u64),
    threads: Vec<(u64, u64, u64)>,
}

impl Dump {
    fn text(&self) -> String {
        let mut text =
            format!("heap_v2/{}\n  t*: {}: {} [0: 0]\n", self.rate.max(1), self.total.0, self.total.1);
        for (id, name) in &self.threads {
            let _ = match name {
                Some(name) => writeln!(text, "  t{id}: 0: 0 [0: 0] worker-{name}"),
                None => writeln!(text, "  t{id}: 0: 0 [0: 0]"),
            };
        }
        for DumpStack { addresses, live, accumulated, threads } in &self.stacks {
            text.push('@');
            for address in addresses {
                let _ = write!(text, " {address:#x}");
            }
            let _ = writeln!(text, "\n  t*: {}: {} [{}: {}]", live.0, live.1, accumulated.0, accumulated.1);
            for (id, objects, bytes) in threads {
                let _ = writeln!(text, "  t{id}: {objects}: {bytes} [{objects}: {bytes}]");
            }
        }
        text.push_str("\nMAPPED_LIBRARIES:\n");
        for (start, size, offset, is_code, name) in &self.mappings {
            let (end, x) = (start.saturating_add(u64::from(*size)), if *is_code { 'x' } else { '-' });
            let _ = writeln!(text, "{start:x}-{end:x} r-{x}p {offset:08x} fe:00 9   /srv/lib {name}.so");
        }
        text
    }
}

/// Damage as caused by disks, pipes and full file systems.
#[derive(Arbitrary, Debug)]
enum Edit {
    Set(u16, u8),
    Cut(u16),
    Remove(u16, u8),
    Repeat(u16, u8),
    Insert(u16, Vec<u8>),
}

impl Edit {
    fn apply(&self, text: &mut Vec<u8>) {
        let place = |at: u16| usize::from(at) % text.len().max(1);
        let range =
            |at: u16, len: u8| place(at).min(text.len())..(place(at) + usize::from(len)).min(text.len());
        match self {
            Self::Set(at, byte) => {
                let at = place(*at);
                text.get_mut(at).into_iter().for_each(|found| *found = *byte);
            }
            Self::Cut(at) => text.truncate(place(*at)),
            Self::Remove(at, len) => {
                text.drain(range(*at, *len));
            }
            Self::Repeat(at, len) => {
                let range = range(*at, *len);
                let part = text[range.clone()].to_vec();
                text.splice(range.end..range.end, part);
            }
            Self::Insert(at, bytes) => {
                let at = place(*at).min(text.len());
                text.splice(at..at, bytes.iter().copied());
            }
        }
    }
}
