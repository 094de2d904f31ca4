mod deployment;
mod program;
mod supplementary;

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};

use super::super::known_code::is_of_system;
use super::*;
use crate::symbols::files::FileData;

/// The test program itself is the executable.
fn own_profile(address: u64) -> HeapProfile {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut dump = String::from("heap_v2/1\n  t*: 1: 8 [0: 0]\n");
    write!(dump, "@ {address:#x}\n  t*: 1: 8 [0: 0]\n\nMAPPED_LIBRARIES:\n{maps}").unwrap();
    HeapProfile::parse(dump.as_bytes()).unwrap()
}

fn read_file(mapping: &Mapping) -> io::Result<FileData> {
    Ok(Box::new(std::fs::read(&mapping.path)?))
}

#[inline(never)]
fn generic_probe<T: std::fmt::Debug>(value: &T) -> usize {
    black_box(format!("{value:?}").len())
}

fn names(symbolizer: &Symbolizer, address: u64) -> Vec<String> {
    let function = |frame: &Frame| symbolizer.table().function(frame.function);
    let name = |frame: &Frame| function(frame).name.as_deref().unwrap_or_default().to_owned();
    symbolizer.frames(address).iter().map(name).collect()
}

#[test]
fn finds_generic_function_with_concrete_argument() {
    let address = generic_probe::<Vec<u8>> as fn(&Vec<u8>) -> usize as usize as u64 + 1;
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&own_profile(address), &read_file);
    assert_eq!(symbolizer.tier(), SymbolTier::Inlined);
    let names = names(&symbolizer, address);
    assert_eq!(
        names.last().map(String::as_str),
        Some("generic_probe<alloc::vec::Vec<u8, alloc::alloc::Global>>")
    );
    let outermost = symbolizer.frames(address).last().unwrap();
    let file = symbolizer.table().function(outermost.function).file.as_deref();
    assert!(
        file.is_some_and(|file| file.ends_with("src/symbols/symbolizer/tests.rs") && !file.starts_with('/')),
        "{file:?}"
    );
    assert!(outermost.line > 0);
}

#[test]
fn profiles_with_and_without_build_ids_share_names() {
    let address = generic_probe::<Vec<u8>> as fn(&Vec<u8>) -> usize as usize as u64 + 1;
    let plain = own_profile(address);
    let mut with_ids = plain.clone();
    with_ids.read_build_ids(&read_file);
    assert!(with_ids.mappings().iter().any(|mapping| mapping.build_id.is_some()));
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&plain, &read_file);
    let generation = symbolizer.generation;
    let nothing = |_: &Mapping| -> io::Result<FileData> { panic!("a file is read again") };
    for profile in [&with_ids, &plain, &with_ids] {
        symbolizer.resolve(profile, &nothing);
    }
    assert_eq!(symbolizer.generation, generation);
    // If names are missing, a build-id can lead to some.
    let mut unnamed = Symbolizer::new();
    unnamed.resolve(&plain, &|_: &Mapping| Err(io::ErrorKind::NotFound.into()));
    unnamed.resolve(&with_ids, &read_file);
    assert!(!names(&unnamed, address).is_empty());
}

#[test]
fn a_binary_without_debug_information_falls_back_to_its_symbols() {
    let address = generic_probe::<u64> as fn(&u64) -> usize as usize as u64 + 1;
    let stripped =
        |mapping: &Mapping| -> io::Result<FileData> { Ok(Box::new(without_dwarf(&mapping.path)?)) };
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&own_profile(address), &stripped);
    assert_eq!(symbolizer.tier(), SymbolTier::Functions);
    let names = names(&symbolizer, address);
    assert!(names.len() == 1 && names[0].contains("generic_probe"), "{names:?}");
}

/// The file with renamed, and so missing, sections of debug information.
fn without_dwarf(path: &Path) -> io::Result<Vec<u8>> {
    let mut data = std::fs::read(path)?;
    let name = b"\0.debug_info\0";
    while let Some(at) = data.windows(name.len()).position(|window| window == name) {
        data[at + 1] = b'_';
    }
    Ok(data)
}

/// Serves stripped files, and `debug_file` for every debug file.
struct Stripped {
    debug_file: &'static str,
    asked: std::cell::RefCell<Vec<PathBuf>>,
}

impl LoadObject for Stripped {
    fn load(&self, mapping: &Mapping) -> io::Result<FileData> {
        Ok(Box::new(without_dwarf(&mapping.path)?))
    }

    fn load_debug_file(&self, path: &Path) -> io::Result<FileData> {
        self.asked.borrow_mut().push(path.to_owned());
        Ok(Box::new(std::fs::read(self.debug_file)?))
    }
}

#[test]
fn stripped_file_uses_only_the_debug_file_with_its_build_id() {
    for (debug_file, tier) in [("/proc/self/exe", SymbolTier::Inlined), ("/bin/true", SymbolTier::Functions)]
    {
        let address = generic_probe::<u128> as fn(&u128) -> usize as usize as u64 + 1;
        let files = Stripped { debug_file, asked: Default::default() };
        let mut symbolizer = Symbolizer::new();
        symbolizer.resolve(&own_profile(address), &files);
        assert_eq!(symbolizer.tier(), tier, "{debug_file}");
        let [gap] = &symbolizer.gaps()[..] else {
            assert_eq!(tier, SymbolTier::Inlined);
            continue;
        };
        assert!(gap.is_program && gap.reason.ends_with(".debug` is of another build"), "{gap}");
        let asked = files.asked.take();
        assert!(asked.iter().any(|path| path.starts_with("/usr/lib/debug/.build-id/")), "{asked:?}");
    }
}

#[test]
fn unreadable_file_is_reported_without_its_folder() {
    let missing = |_: &Mapping| Err(io::Error::from(io::ErrorKind::PermissionDenied));
    let address = generic_probe::<u32> as fn(&u32) -> usize as usize as u64 + 1;
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&own_profile(address), &missing);
    assert_eq!(symbolizer.tier(), SymbolTier::None);
    assert!(names(&symbolizer, address)[0].starts_with("code without symbols in memory_debug_profile-"));
    let [gap] = &symbolizer.gaps()[..] else { panic!("{:?}", symbolizer.gaps()) };
    assert_eq!(
        (gap.is_program, gap.reason.as_str()),
        (true, "the binary could not be read: permission denied")
    );
    assert!(gap.advice.starts_with("let the service's user read the file"), "{gap}");
    assert!(!gap.reason.contains('/') && !gap.file.contains('/'), "{gap:?}");
}

#[test]
fn retries_a_file_after_running_out_of_descriptors() {
    let exhausted = |_: &Mapping| Err(io::Error::from_raw_os_error(24));
    let address = generic_probe::<i32> as fn(&i32) -> usize as usize as u64 + 1;
    let (profile, mut symbolizer) = (own_profile(address), Symbolizer::new());
    symbolizer.resolve(&profile, &exhausted);
    assert_eq!((symbolizer.tier(), symbolizer.gaps().len()), (SymbolTier::None, 1));
    symbolizer.resolve(&profile, &read_file);
    assert_eq!((symbolizer.tier(), symbolizer.gaps().len()), (SymbolTier::Inlined, 0));
    let never = |_: &Mapping| -> io::Result<FileData> { panic!("read a file again") };
    symbolizer.resolve(&profile, &never);
}

#[test]
fn does_not_read_known_addresses_again() {
    let address = generic_probe::<i16> as fn(&i16) -> usize as usize as u64 + 1;
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&own_profile(address), &read_file);
    let never = |_: &Mapping| -> io::Result<FileData> { panic!("read a file again") };
    let same = own_profile(address);
    if same.mappings() == symbolizer.mappings {
        symbolizer.resolve(&same, &never);
    }
    assert!(!symbolizer.frames(address).is_empty());
}

#[test]
fn generated_code_comes_and_goes_without_rereading_files() {
    let address = generic_probe::<i64> as fn(&i64) -> usize as usize as u64 + 1;
    let mut profile = own_profile(address);
    let generated = Mapping::parse(b"10000-20000 rwxp 00000000 00:00 0 ").unwrap().unwrap();
    let file = |mapping: &Mapping| -> io::Result<FileData> {
        assert!(mapping.has_file(), "{mapping:?}");
        read_file(mapping)
    };
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&profile, &file);
    let never = |_: &Mapping| -> io::Result<FileData> { panic!("read a file again") };
    profile.mappings.insert(0, generated);
    profile.addresses.extend([0x10010, 0x30010]);
    symbolizer.resolve(&profile, &never);
    assert_eq!(names(&symbolizer, 0x10010), ["unknown code (generated at run time)"]);
    assert_eq!(names(&symbolizer, 0x30010), [UNLOADED]);
    profile.mappings.remove(0);
    symbolizer.resolve(&profile, &never);
    assert!(names(&symbolizer, address).last().unwrap().starts_with("generic_probe<i64"));
}

#[test]
fn library_does_not_inherit_the_code_of_its_predecessor() {
    let maps = |path: &str| {
        format!("MAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 1 /app\n5000-6000 r-xp 0 fe:00 2 {path}\n")
    };
    let profile = |path: &str| {
        let dump =
            format!("heap_v2/1\n  t*: 1: 8 [0: 0]\n@ 0x5010 0x6000\n  t*: 1: 8 [0: 0]\n\n{}", maps(path));
        HeapProfile::parse(dump.as_bytes()).unwrap()
    };
    let no_files = |_: &Mapping| Err(io::ErrorKind::NotFound.into());
    let mut symbolizer = Symbolizer::new();
    symbolizer.resolve(&profile("/a.so"), &no_files);
    assert_eq!(names(&symbolizer, 0x5010), ["code without symbols in a.so"]);
    assert_eq!(
        names(&symbolizer, 0x6000),
        ["code without symbols in a.so"],
        "the call is the last instruction"
    );
    symbolizer.resolve(&profile("/b.so"), &no_files);
    assert_eq!(names(&symbolizer, 0x5010), [UNLOADED]);
    symbolizer.resolve(&profile("/a.so"), &no_files);
    assert_eq!(names(&symbolizer, 0x5010), ["code without symbols in a.so"], "it is back");
}

#[test]
fn reports_stripped_program_only_if_read_and_without_symbols() {
    let address = generic_probe::<f32> as fn(&f32) -> usize as usize as u64 + 1;
    let gap = |profile: &HeapProfile, files: &dyn LoadObject| {
        let mut symbolizer = Symbolizer::new();
        symbolizer.resolve(profile, files);
        symbolizer.gaps().into_iter().next().map(|gap| gap.reason).unwrap_or_default()
    };
    let profile = own_profile(address);
    let cut = |mapping: &Mapping| -> io::Result<FileData> {
        Ok(Box::new(std::fs::read(&mapping.path)?[..40].to_vec()))
    };
    let without_symbols = |mapping: &Mapping| -> io::Result<FileData> {
        let mut data = without_dwarf(&mapping.path)?;
        // With the kind SHT_NULL, the file has no symbol table.
        let header = symbol_table_header(&data);
        data[header + 4] = 0;
        Ok(Box::new(data))
    };
    assert_eq!(gap(&profile, &cut), "the binary could not be read: not a readable ELF file");
    let missing = |_: &Mapping| Err(io::Error::other("it was replaced"));
    assert_eq!(gap(&profile, &missing), "the binary could not be read: it was replaced");
    assert_eq!(gap(&profile, &without_symbols), "the binary is stripped");
    let symbols = |mapping: &Mapping| -> io::Result<FileData> { Ok(Box::new(without_dwarf(&mapping.path)?)) };
    assert_eq!(gap(&profile, &symbols), "the binary has symbols but no line tables");
    assert_eq!(gap(&profile, &read_file), "");
    let elsewhere = own_profile(0x10);
    assert_eq!(gap(&elsewhere, &read_file), "no sampled stack goes through the program's own code");
    let mut nothing = own_profile(0x10);
    nothing.addresses.clear();
    assert_eq!(gap(&nothing, &read_file), "", "nothing was sampled");
}

/// The position of `.symtab`'s section header.
fn symbol_table_header(data: &[u8]) -> usize {
    let number = |at: usize, size: usize| {
        data[at..at + size].iter().rev().fold(0_usize, |number, byte| number << 8 | usize::from(*byte))
    };
    let (first, size, count) = (number(0x28, 8), number(0x3a, 2), number(0x3c, 2));
    let headers = (0..count).map(|at| first + at * size);
    headers.into_iter().find(|header| number(header + 4, 4) == 2).unwrap()
}

#[test]
fn damaged_files_never_panic() {
    let address = generic_probe::<u16> as fn(&u16) -> usize as usize as u64 + 1;
    let profile = own_profile(address);
    let whole = std::fs::read(&profile.mapping_of(address).unwrap().path).unwrap();
    let try_with = |data: Vec<u8>| {
        let data = std::cell::RefCell::new(Some(data));
        let files = |_: &Mapping| -> io::Result<FileData> {
            Ok(Box::new(data.take().ok_or(io::ErrorKind::NotFound)?))
        };
        Symbolizer::new().resolve(&profile, &files);
    };
    for part in 0..8 {
        try_with(whole[..whole.len() * part / 8].to_vec());
    }
    // Deterministic damage all over the file: about one byte in 4096, other bytes in each round.
    for round in 0..6_usize {
        let mut data = whole.clone();
        for at in (round * 97..data.len()).step_by(4096 + round * 61) {
            data[at] = data[at].wrapping_mul(31).wrapping_add(round as u8 * 17 + 1);
        }
        try_with(data);
    }
}

#[test]
fn ignores_debug_files_of_system_libraries() {
    let mapping =
        |path: &str| Mapping::parse(format!("1-2 r-xp 0 0:0 9 {path}").as_bytes()).unwrap().unwrap();
    for path in
        ["/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libssl.so.3", "/usr/lib64/libm.so.6"]
    {
        assert!(is_of_system(&mapping(path)), "{path}");
        let program = Mapping { is_program: true, ..mapping(path) };
        assert!(!is_of_system(&program), "the program itself is never one of them: {path}");
    }
    for path in [
        "/srv/app",
        "/usr/libexec/app",
        "/lib.d/app",
        "/opt/app/lib/libplugin.so",
        "/home/ann/lib/libplugin.so",
    ] {
        assert!(!is_of_system(&mapping(path)), "{path}");
    }
}
