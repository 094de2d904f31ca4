//! The live samples beside a raw dump. No content panics, and a dump keeps its stacks whatever samples are added.
//!
//! The input is the lines before the last. The last line, with their checksum, is added, because no input would ever fit
//! it. The input alone is also read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_monitor::DumpSamples;
use memory_debug_profile::{HeapProfile, Mapping, Selection, TypeAttributor};

/// Two stacks, whose hashes are in the seed.
const DUMP: &str = "heap_v2/524288\n  t*: 10: 1049152 [0: 0]\n@ 0x1010 0x1020\n  t*: 9: 576 [0: 0]\n\
                    @ 0x1010 0x1030\n  t*: 1: 1048576 [0: 0]\n\nMAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /srv/shop\n";

fuzz_target!(|data: &[u8]| {
    let bytes = DUMP.len() as u64;
    let _ = DumpSamples::parse(data, bytes);
    let end = format!("end {bytes} {:08x}\n", crc32fast::hash(data));
    let Ok(samples) = DumpSamples::parse(&[data, end.as_bytes()].concat(), bytes) else { return };
    let dump = HeapProfile::parse(DUMP.as_bytes()).expect("a dump");
    let stacks = dump.stacks().len();
    let joined = samples.join(dump);
    assert_eq!(joined.stacks().len(), stacks);
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let mut attributor = TypeAttributor::new();
    let table = attributor.summarize(&joined, &no_files, &Selection::default());
    assert!(table.total.bytes >= 0.0);
    let births = attributor.births(&joined, &no_files, &[]).expect("samples were recorded");
    if let Some(ages) = births.ages(&births.all) {
        assert!((0.0..=1.0).contains(&ages.known_share), "{ages:?}");
    }
});
