use std::fs;
use std::hint::black_box;
use std::io;

use super::*;
use crate::build_id::BuildId;
use crate::export::{PprofOptions, PprofSymbols};
use crate::profile::HeapProfile;
use crate::symbolized::ProfileKind;
use crate::symbolized::tests::any_profile;
use crate::symbols::{FileData, SymbolTier, UnstrippedCopies};

#[inline(never)]
fn inner<T: std::fmt::Debug>(value: &T) -> usize {
    black_box(format!("{value:?}").len())
}

#[inline(never)]
fn outer(value: &u8) -> usize {
    inner(value) + inner(&[*value; 4]) + usize::from(black_box(*value))
}

/// Stacks of this test program, from Rust's allocation API outwards.
fn dump() -> String {
    let (inner, outer) = (inner::<u8> as fn(&u8) -> usize as usize, outer as fn(&u8) -> usize as usize);
    let allocate = std::alloc::alloc_zeroed as *const () as usize;
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let mut dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0] main\n".to_owned();
    for offset in [1, 2, 9, 17] {
        for first in [allocate, inner] {
            dump += &format!(
                "@ {:#x} {:#x} {:#x} 0x10\n  t*: 3: 192 [0: 0]\n  t1: 3: 192 [0: 0]\n",
                first + offset,
                inner + 5,
                outer + offset
            );
        }
    }
    dump + &format!("\nMAPPED_LIBRARIES:\n{maps}")
}

fn program(mapping: &Mapping) -> io::Result<FileData> {
    let own = std::env::current_exe()?;
    if own == mapping.path { data() } else { Err(io::ErrorKind::NotFound.into()) }
}

fn data() -> io::Result<FileData> {
    Ok(Box::new(fs::read(std::env::current_exe()?)?))
}

fn no_files(_: &Mapping) -> io::Result<FileData> {
    Err(io::ErrorKind::NotFound.into())
}

fn copies() -> UnstrippedCopies {
    UnstrippedCopies::new([data().unwrap()]).unwrap()
}

/// Two profiles: one made where the program has its names, and one made where it does not.
fn profiles() -> (SymbolizedProfile, SymbolizedProfile) {
    let mut profile = HeapProfile::parse(dump().as_bytes()).unwrap();
    profile.read_build_ids(&program);
    let symbolized = |files: &dyn LoadObject| TypeAttributor::new().symbolize(&profile, files);
    (symbolized(&program), symbolized(&no_files))
}

fn saved(profile: &SymbolizedProfile, symbols: PprofSymbols) -> SymbolizedProfile {
    let mut pprof = Vec::new();
    let options = PprofOptions { symbols, ..PprofOptions::default() };
    profile.write_pprof(&options, &mut pprof).unwrap();
    SymbolizedProfile::read_pprof(&pprof[..]).unwrap().0
}

#[test]
fn restores_the_names_of_the_unstripped_program() {
    let (named, nameless) = profiles();
    assert_ne!(named, nameless);
    let mut attributor = TypeAttributor::new();
    assert_eq!(attributor.resymbolize(&nameless, &copies()), named);
    assert_eq!(attributor.tier(), SymbolTier::Inlined);
    assert_eq!(attributor.gaps(), []);
    for symbols in [PprofSymbols::None, PprofSymbols::Functions, PprofSymbols::Inlined] {
        for profile in [&named, &nameless] {
            let again = attributor.resymbolize(&saved(profile, symbols), &copies());
            assert_eq!(again, named, "{symbols:?}");
        }
    }
}

#[test]
fn a_second_run_changes_nothing() {
    let (named, nameless) = profiles();
    let mut attributor = TypeAttributor::new();
    let once = attributor.resymbolize(&nameless, &copies());
    assert_eq!(attributor.resymbolize(&once, &copies()), once);
    assert_eq!(attributor.resymbolize(&named, &copies()), named);
}

#[test]
fn leaves_code_of_other_programs_alone() {
    let (named, nameless) = profiles();
    let mut other = nameless.clone();
    for mapping in &mut other.mappings {
        mapping.build_id = BuildId::parse("00112233445566778899");
    }
    let mut attributor = TypeAttributor::new();
    assert_eq!(attributor.resymbolize(&other, &copies()), other);
    assert_eq!(attributor.resymbolize(&named, &no_files), named);
    assert_eq!(attributor.resymbolize(&nameless, &no_files), nameless);
}

proptest::proptest! {
    #[test]
    fn without_files_names_only_nameless_code(profile in any_profile(ProfileKind::Live)) {
        let mut attributor = TypeAttributor::new();
        let once = attributor.resymbolize(&profile, &no_files);
        proptest::prop_assert_eq!(once.total(), profile.total());
        proptest::prop_assert_eq!(&attributor.resymbolize(&once, &no_files), &once);
        if profile.locations.iter().all(|location| !location.lines.is_empty()) {
            proptest::prop_assert_eq!(once, profile);
        }
    }
}

#[test]
fn ignores_positions_outside_of_their_file() {
    let mut profile = profiles().1;
    for (location, address) in profile.locations.iter_mut().zip([0, 1, u64::MAX, u64::MAX - 1, 1 << 38]) {
        location.address = address;
    }
    for mapping in &mut profile.mappings {
        (mapping.length, mapping.file_offset) = (u64::MAX, 1);
    }
    let named = TypeAttributor::new().resymbolize(&profile, &copies());
    assert_eq!(named.total(), profile.total());
}
