//! Profiles for tests.

use std::collections::BTreeMap;
use std::io;

use memory_debug_profile::{HeapProfile, Mapping, SymbolizedProfile, TypeAttributor};

/// A profile at a rate of one sample per `rate` bytes. Each stack has functions from the innermost, sampled objects and
/// their bytes.
///
/// Each function is a file without symbols, which gives it the name `code without symbols in push`.
pub(crate) fn profile(rate: u64, stacks: &[(&[&str], u64, u64)]) -> SymbolizedProfile {
    let mut addresses = BTreeMap::new();
    for name in stacks.iter().flat_map(|(functions, ..)| *functions) {
        // The address depends on the name alone, so that two profiles have the same.
        let sum = name.bytes().fold(0, |sum: u64, byte| (sum * 31 + u64::from(byte)) & 0xfff_ffff);
        addresses.insert(*name, 0x1000 * (sum + 1));
    }
    let (objects, bytes) =
        stacks.iter().fold((0, 0), |(objects, bytes), stack| (objects + stack.1, bytes + stack.2));
    let mut dump =
        format!("heap_v2/{rate}\n  t*: {objects}: {bytes} [0: 0]\n  t0: {objects}: {bytes} [0: 0]\n");
    for (functions, objects, bytes) in stacks {
        dump += "@";
        for name in *functions {
            dump += &format!(" {:#x}", addresses[name] + 0x10);
        }
        dump += &format!("\n  t*: {objects}: {bytes} [0: 0]\n  t0: {objects}: {bytes} [0: 0]\n");
    }
    dump += "\nMAPPED_LIBRARIES:\n";
    let mut mappings: Vec<_> = addresses.into_iter().collect();
    mappings.sort_by_key(|(_, address)| *address);
    for (name, address) in mappings {
        dump += &format!("{address:x}-{:x} r-xp 00000000 fe:00 9 /srv/{name}\n", address + 0x1000);
    }
    let no_files = |_: &Mapping| Err(io::ErrorKind::NotFound.into());
    TypeAttributor::new().symbolize(&HeapProfile::parse(dump.as_bytes()).unwrap(), &no_files)
}
