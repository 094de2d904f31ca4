//! Sections of debug information without their file. Finding frames in them does not panic, and finds no more than
//! the sections can contain. Hundreds of times faster than the target `elf`, which also finds the sections.
//!
//! The input has the lengths of the sections, two bytes each, and then the sections.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::dwarf_frames;

/// The strings come last, so that a seed that is cut off at the longest input loses only names.
const SECTIONS: [&str; 9] = [
    ".debug_info",
    ".debug_abbrev",
    ".debug_line",
    ".debug_ranges",
    ".debug_rnglists",
    ".debug_addr",
    ".debug_str_offsets",
    ".debug_line_str",
    ".debug_str",
];

/// Addresses: dense where the code of the seeds is linked to, and some elsewhere.
static ADDRESSES: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let elsewhere = [0x40_0000, 1 << 32, u64::MAX - 1, u64::MAX];
    (0..0x40).step_by(8).chain((0x1000..0x1100).step_by(4)).chain(elsewhere).collect()
});

fuzz_target!(|data: &[u8]| {
    let Some((lengths, mut rest)) = data.split_at_checked(2 * SECTIONS.len()) else { return };
    let mut sections = [[].as_slice(); SECTIONS.len()];
    for (section, len) in sections.iter_mut().zip(lengths.chunks_exact(2)) {
        let len = usize::from(u16::from_le_bytes([len[0], len[1]])).min(rest.len());
        (*section, rest) = rest.split_at(len);
    }
    let section = |name: &str| {
        let at = SECTIONS.iter().position(|section| *section == name);
        at.map_or([].as_slice(), |at| sections[at])
    };
    let (frames, lines) = dwarf_frames(section, &ADDRESSES);
    assert!(frames <= 16 * data.len() + 512 * ADDRESSES.len(), "{frames} of {} bytes", data.len());
    assert!(lines <= ADDRESSES.len());
});
