//! Any bytes as the executable. Symbolizing, attributing and the names that a scan of the heap needs do not panic, take
//! bounded memory and time, and give a reason if the file has no names.

#![no_main]

use std::fmt::Write as _;
use std::io;
use std::ops::Deref;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::{Group, HeapProfile, LoadObject, Mapping, SymbolNames, SymbolTier, Symbolizer, TypeAttributor};

/// One stack for each address: dense over the pages with the code of the seeds, and sparse over the others.
static PROFILE: LazyLock<HeapProfile> = LazyLock::new(|| {
    let addresses =
        (0..0x800).step_by(32).chain((0x1000..0x1800).step_by(32)).chain((0x1800..0x1_0000).step_by(2039));
    let mut dump = String::from("heap_v2/1\n  t*: 1: 8 [0: 0]\n");
    for address in addresses {
        let _ = write!(dump, "@ {:#x}\n  t*: 1: 8 [0: 0]\n", address + 1);
    }
    dump.push_str("\nMAPPED_LIBRARIES:\n0-ffffffffffffffff r-xp 00000000 fe:00 9  /srv/app\n");
    HeapProfile::parse(dump.as_bytes()).expect("a genuine dump")
});

fuzz_target!(|executable: &[u8]| {
    let file =
        |_: &Mapping| -> io::Result<Box<dyn Deref<Target = [u8]>>> { Ok(Box::new(executable.to_vec())) };
    let mut attributor = TypeAttributor::new();
    let stacks = PROFILE.stacks().len();
    for group in [Group::Container, Group::Element, Group::Line] {
        let table = attributor.summarize(&PROFILE, &file, &group.into());
        let gaps = attributor.gaps();
        assert!(gaps.iter().all(|gap| gap.is_program && !gap.reason.is_empty() && !gap.advice.is_empty()));
        assert!(attributor.tier() == SymbolTier::Inlined || !gaps.is_empty());
        assert!(!table.entries.is_empty() && table.entries.len() <= stacks);
        assert_eq!(table.total.objects, stacks as f64);
    }
    names(&file);
});

/// Looks up the names that a scan of the heap needs: of functions, of their instances, and of variables.
fn names(file: &dyn LoadObject) {
    let starts: Vec<u64> = (0..0x1800).step_by(64).chain([u64::MAX - 1, u64::MAX]).collect();
    let instances = Symbolizer::new().instances(PROFILE.mappings(), &starts, file);
    assert_eq!(instances.len(), starts.len());
    assert!(instances.iter().flatten().all(|name| !name.is_empty()));
    let Ok(names) = SymbolNames::read(&PROFILE.mappings()[0], file) else { return };
    for address in starts {
        let found = [names.static_at(address), names.thread_local_at(address), names.function_at(address)];
        assert!(found.iter().flatten().all(|name| !name.is_empty()), "{found:?}");
    }
    let all = |_: &str| true;
    let ranges = [names.statics_named(all), names.thread_locals_named(all), names.statics_beside(|name| name < "m")];
    assert!(ranges.iter().flatten().all(|range| range.start <= range.end), "{ranges:?}");
}
