//! The same program with its debug information in different places and forms: always the same frames.

use std::fs;
use std::process::Command;

use super::super::{SymbolTier, Symbolizer};
use super::program::{Frames, Program};

/// What is known of the program if the debug information is in the executable as it is.
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
    assert_eq!((symbolizer.tier(), symbolizer.notes()), (SymbolTier::Inlined, [].as_slice()));
    assert_eq!(frames.len(), expected.len());
    for (found, expected) in frames.iter().zip(expected) {
        assert_eq!(found, expected);
    }
}

#[track_caller]
fn assert_functions_only(program: &Program) -> Symbolizer {
    let (frames, symbolizer) = program.frames(&program.profile());
    assert_eq!(symbolizer.tier(), SymbolTier::Functions);
    assert!(frames.iter().flatten().all(|(_, file, _)| file.is_none()));
    symbolizer
}

#[test]
fn split_units_are_found_in_a_package_and_where_they_were_built() {
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
            let symbolizer = assert_functions_only(&program);
            let [note] = symbolizer.notes() else { panic!("{:?}", symbolizer.notes()) };
            assert!(note.ends_with("deploy deployed_program.dwp beside it"), "{note}");
        }
    }
}

#[test]
fn split_units_are_found_beside_an_executable_that_moved() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=unpacked"];
    let expected = expected("moved", &options[..1]);
    let mut program = Program::build("moved", &options);
    let folder = program.folder.with_extension("elsewhere");
    fs::rename(&program.folder, &folder).unwrap();
    program.folder = folder;
    assert_whole(&program, &expected);
}

#[test]
fn a_package_of_another_build_is_not_used() {
    let options = ["-Cdebuginfo=line-tables-only", "-Csplit-debuginfo=packed"];
    let program = Program::build("package", &options);
    let other = Program::build("package-of-another", &["-Cdebuginfo=1", options[1]]);
    fs::copy(other.file(".dwp"), program.file(".dwp")).unwrap();
    assert_functions_only(&program);
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
fn compressed_sections_are_read_in_the_executable_and_beside_it() {
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

/// Moves the debug information into a file of its own, as distributions do.
fn separate(program: &Program) {
    program.objcopy(&["--only-keep-debug", "deployed_program", "deployed_program.debug"]);
    program.run(Command::new("strip").args(["--strip-all", "deployed_program"]));
    program.objcopy(&["--add-gnu-debuglink=deployed_program.debug", "deployed_program"]);
}
