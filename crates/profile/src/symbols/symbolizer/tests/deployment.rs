//! Tests of one program with its debug information in different places and forms. The frames are always the same.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use gimli::Section as _;

use super::program::{AnyFile, Frames, Program, frames};
use crate::symbols::elf::ElfFile;
use crate::symbols::{FileData, LoadObject, SymbolTier, Symbolizer, UnstrippedCopies};
use crate::{BuildId, ErrorKind, Group, HeapProfile, TypeAttributor};

/// The frames if the debug information is in the executable itself.
fn expected(test: &str, options: &[&str]) -> Vec<Frames> {
    let program = Program::build(&format!("{test}-plain"), options);
    let (frames, symbolizer) = program.frames(&program.profile());
    assert_eq!(symbolizer.tier(), SymbolTier::Inlined);
    let push = frames.iter().flatten().filter_map(|(name, _, _)| name.as_deref());
    let types = push.filter(|name| name.starts_with("push<deployed_program::store::Session"));
    assert!(types.count() > 0, "types are in the names");
    frames
}

#[track_caller]
fn assert_whole(program: &Program, expected: &[Frames]) {
    let (frames, symbolizer) = program.frames(&program.profile());
    assert_eq!((symbolizer.tier(), symbolizer.gaps()), (SymbolTier::Inlined, Vec::new()));
    assert_eq!(frames.len(), expected.len());
    for (found, expected) in frames.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[track_caller]
fn assert_lines_only(program: &Program) -> Symbolizer {
    let (frames, symbolizer) = program.frames(&program.profile());
    assert_eq!(symbolizer.tier(), SymbolTier::Lines);
    let with_lines: Vec<_> =
        frames.iter().filter(|frames| frames.iter().any(|(_, file, _)| file.is_some())).collect();
    assert!(!with_lines.is_empty() && with_lines.iter().all(|frames| frames.len() == 1));
    symbolizer
}

#[test]
fn finds_split_units_in_package_and_build_folder() {
    for (debug, version) in [("line-tables-only", 4), ("2", 4), ("line-tables-only", 5), ("2", 5)] {
        let (debug, dwarf) = (format!("-Cdebuginfo={debug}"), format!("-Cdwarf-version={version}"));
        let options = [debug.as_str(), dwarf.as_str()];
        let expected = expected("split", &options);
        for (split, ending) in [("packed", ".dwp"), ("unpacked", ".dwo")] {
            let split = format!("-Csplit-debuginfo={split}");
            let program = Program::build("split", &[options.as_slice(), &[&split]].concat());
            assert!(!program.files(ending).is_empty());
            assert_whole(&program, &expected);
            let parts = program.files(ending);
            parts.iter().for_each(|path| fs::rename(path, path.with_extension("away")).unwrap());
            let symbolizer = assert_lines_only(&program);
            let [gap] = &symbolizer.gaps()[..] else { panic!("{:?}", symbolizer.gaps()) };
            assert!(gap.advice.starts_with("deploy `deployed_program.dwp` beside it"), "{gap}");
        }
    }
}

#[test]
fn finds_names_of_functions_inlined_from_other_units() {
    // The program and the standard library are one module, whose units refer to each other.
    let options = ["-Cdebuginfo=line-tables-only", "-Clto=fat", "-Ccodegen-units=1"];
    let program = Program::build("fat", &options);
    let (frames, _) = program.frames(&program.profile());
    let of_std = |(_, file, _): &&(_, Option<String>, _)| {
        file.as_deref().is_some_and(|file| file.starts_with("library/"))
    };
    assert!(frames.iter().flatten().filter(of_std).count() > 100);
    assert!(frames.iter().flatten().all(|(name, _, _)| name.is_some()));
}

#[test]
fn finds_split_units_beside_moved_executable() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=unpacked"];
    let expected = expected("moved", &options[..1]);
    let mut program = Program::build("moved", &options);
    let folder = program.folder.with_extension("elsewhere");
    fs::rename(&program.folder, &folder).unwrap();
    program.folder = folder;
    assert_whole(&program, &expected);
}

#[test]
fn ignores_package_of_another_build() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=packed"];
    let program = Program::build("package", &options);
    let other = Program::build("package-of-another", &["-Cdebuginfo=1", options[1]]);
    fs::copy(other.file(".dwp"), program.file(".dwp")).unwrap();
    assert_lines_only(&program);
}

#[test]
fn a_stripped_executable_finds_the_package_of_its_debug_file() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=packed"];
    let expected = expected("debug-package", &options[..1]);
    let program = Program::build("debug-package", &options);
    let profile = program.profile();
    separate(&program);
    fs::rename(program.file(".dwp"), program.file(".debug.dwp")).unwrap();
    let (frames, _) = program.frames(&profile);
    assert_eq!(frames, expected);
}

#[test]
fn reads_compressed_sections_in_the_executable_and_beside_it() {
    let options = ["-Cdebuginfo=line-tables-only"];
    let expected = expected("compressed", &options);
    for format in ["zlib", "zstd"] {
        let program = Program::build("compressed", &options);
        let compress = format!("--compress-debug-sections={format}");
        program.objcopy(&[&compress, "deployed_program"]);
        assert_whole(&program, &expected);
        let profile = program.profile();
        separate(&program);
        let (frames, symbolizer) = program.frames(&profile);
        assert_eq!(symbolizer.tier(), SymbolTier::Inlined);
        assert_eq!(frames, expected);
    }
}

#[test]
fn does_not_decompress_absurdly_long_section() {
    let program = Program::build("absurd", &["-Cdebuginfo=line-tables-only"]);
    let len = || {
        let data = fs::read(program.executable()).unwrap();
        let sections = ElfFile::parse(&data).unwrap().dwarf().unwrap();
        sections
            .borrow(|section| gimli::EndianSlice::new(section, gimli::LittleEndian))
            .debug_info
            .reader()
            .len()
    };
    fs::write(program.folder.join("zeros"), vec![0; 16 << 20]).unwrap();
    program.objcopy(&["--update-section", ".debug_info=zeros", "deployed_program"]);
    assert_eq!(len(), 16 << 20);
    program.objcopy(&["--compress-debug-sections=zlib", "deployed_program"]);
    assert_eq!(len(), 0);
}

/// The profile of a program with only a stripped copy, written and read again.
fn carried(program: &Program) -> HeapProfile {
    let mut profile = program.profile();
    program.run(Command::new("strip").args(["--strip-all", "deployed_program"]));
    profile.read_build_ids(&AnyFile);
    let json = serde_json::to_string(&profile).unwrap();
    let read = serde_json::from_str(&json).unwrap();
    assert_eq!(profile, read);
    read
}

fn read(path: PathBuf) -> FileData {
    Box::new(fs::read(path).unwrap())
}

#[test]
fn symbolizes_profile_of_stripped_program_elsewhere() {
    let options = ["-Cdebuginfo=line-tables-only"];
    let program = Program::build("elsewhere", &options);
    let profile = program.profile();
    let live = program.frames(&profile).0;
    let table = |profile, files: &dyn LoadObject| {
        TypeAttributor::new().summarize(profile, files, &Group::Line.into()).entries
    };
    let live_table = table(&profile, &AnyFile);
    assert!(live_table.iter().any(|entry| entry.type_name.starts_with("program.rs:")), "{live_table:?}");
    let unstripped = read(program.executable());
    let profile = carried(&program);
    let other = Program::build("elsewhere-other", &["-Cdebuginfo=1"]);
    let copies = UnstrippedCopies::new([read(other.executable()), unstripped]).unwrap();
    assert_eq!(frames(&profile, &copies).0, live);
    assert_eq!(table(&profile, &copies), live_table);
}

#[test]
fn rejects_copy_of_another_build_and_names_both_ids() {
    let program = Program::build("refused", &["-Cdebuginfo=line-tables-only"]);
    let profile = carried(&program);
    let other = Program::build("refused-other", &["-Cdebuginfo=1"]);
    let copies = UnstrippedCopies::new([read(other.executable())]).unwrap();
    let (_, symbolizer) = frames(&profile, &copies);
    assert_eq!(symbolizer.tier(), SymbolTier::None);
    let [gap] = &symbolizer.gaps()[..] else { panic!("{:?}", symbolizer.gaps()) };
    let ids = [program, other].map(|program| BuildId::read(&read(program.executable())).unwrap().unwrap());
    assert!(ids[0] != ids[1] && ids.iter().all(|id| gap.reason.contains(&id.to_string())), "{gap}");
}

#[test]
fn accepts_debug_files_and_packages_as_copies() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=packed"];
    let program = Program::build("parts", &options);
    let live = program.frames(&program.profile()).0;
    let debug_file = ["--only-keep-debug", "deployed_program", "deployed_program.debug"];
    program.objcopy(&debug_file);
    let profile = carried(&program);
    let parts = || [".debug", ".dwp"].map(|ending| read(program.file(ending)));
    let copies = UnstrippedCopies::new(parts().into_iter().chain([read(program.executable())])).unwrap();
    assert_eq!(frames(&profile, &copies).0, live);

    let (_, symbolizer) = frames(&profile, &UnstrippedCopies::new(parts()).unwrap());
    assert!(symbolizer.gaps()[0].reason.ends_with("without code; add the program, stripped or not"));
    let twice = UnstrippedCopies::new(parts().into_iter().chain(parts())).unwrap_err();
    assert_eq!(twice.to_string(), "copy 4 cannot be used: there already is a package (.dwp)");
}

#[test]
fn rejects_unusable_copy_with_its_position() {
    let text: FileData = Box::new(b"no program".to_vec());
    let error = UnstrippedCopies::new([text]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Object);
    assert_eq!(error.to_string(), "copy 1 cannot be used: not a readable ELF file");
    let program = Program::build("no-id", &["-Clink-arg=-Wl,--build-id=none"]);
    let error = UnstrippedCopies::new([read(program.executable())]).unwrap_err();
    assert!(error.to_string().contains("no build-id; link with `-Wl,--build-id`"), "{error}");
}

/// Moves the debug information into a separate file, as distributions do.
fn separate(program: &Program) {
    program.objcopy(&["--only-keep-debug", "deployed_program", "deployed_program.debug"]);
    program.run(Command::new("strip").args(["--strip-all", "deployed_program"]));
    program.objcopy(&["--add-gnu-debuglink=deployed_program.debug", "deployed_program"]);
}
