//! The program's own symbols and build-id, for any file name and any way of starting it.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::hint::black_box;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use memory_debug_profile::BuildId;
use memory_debug_tests::{Folder, OwnProcess};

use crate::protobuf::Message;
use crate::shop;
use crate::snapshots::unpacked;

/// The test that the other processes run.
const SHOW: &str = "programs::shows_what_it_is";

/// A file that the process deletes or replaces before the request.
const REMOVED: &str = "MEMORY_DEBUG_TEST_REMOVED";
const REPLACED: &str = "MEMORY_DEBUG_TEST_REPLACED";

struct Crate(#[expect(dead_code, reason = "only its size matters")] [u64; 16]);

#[tokio::test]
#[ignore = "part of the tests of this module, which set the stage for it"]
async fn shows_what_it_is() {
    if let Some(path) = std::env::var_os(REMOVED) {
        fs::remove_file(path).unwrap();
    }
    if let Some(path) = std::env::var_os(REPLACED) {
        fs::remove_file(&path).unwrap();
        fs::copy("/bin/true", &path).unwrap();
    }
    let crates: Vec<_> = (0..1 << 16).map(|number| Box::new(Crate(black_box([number; 16])))).collect();
    println!("{}", shop::get("/debug/memory").await.text());
    println!("{}", shop::get("/debug/memory/doctor").await.text());
    let report = shop::types().await;
    println!("build-id: {}", report.instance.build_id.unwrap());
    println!("gaps of the program: {:?}", report.types.unwrap().symbol_gaps.iter().any(|gap| gap.is_program));
    let profile = unpacked(&shop::get("/debug/memory/heap").await);
    let profile = Message::parse(&profile);
    let (mapping, strings) = (profile.messages(3).next().unwrap(), profile.strings());
    println!("main mapping: {:?}", strings[mapping.number(5) as usize]);
    println!("its build-id: {}", strings[mapping.number(6) as usize]);
    drop(crates);
}

fn own() -> PathBuf {
    std::env::current_exe().unwrap()
}

fn folder(name: &str) -> Folder {
    Folder::within(env!("CARGO_TARGET_TMPDIR"), name)
}

/// Creates a hard link or copy of this program.
fn placed(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if fs::hard_link(own(), path).is_err() {
        fs::copy(own(), path).unwrap();
    }
}

/// The path of this process's dynamic linker.
fn linker() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps.lines().filter_map(|line| line.split_once('/').map(|(_, path)| format!("/{path}")));
    let is_linker = |path: &String| path.rsplit('/').next().is_some_and(|name| name.starts_with("ld-"));
    paths.into_iter().find(is_linker).expect("the test is linked dynamically").into()
}

/// Asserts that the page shows the program's types and build-id, without complaints about symbols.
#[track_caller]
fn assert_knows_itself(page: &str, name: &OsStr) {
    let row = page.lines().find(|line| line.trim_start().starts_with("Box<Crate> |"));
    assert!(row.is_some_and(|row| row.contains(" MiB |")), "{page}");
    assert!(page.contains("symbols: inlined (line tables)"), "{page}");
    assert!(page.contains("gaps of the program: false"), "{page}");
    assert!(!page.contains("symbols-missing"), "{page}");
    let build_id = BuildId::read(&fs::read(own()).unwrap()).unwrap().unwrap();
    assert!(page.contains(&format!("\nbuild-id: {build_id}\n")), "{page}");
    assert!(page.contains(&format!("\nits build-id: {build_id}\n")), "{page}");
    let name = memory_debug_profile::printable(&name.to_string_lossy()).into_owned();
    assert!(page.contains(&format!("\nmain mapping: {name:?}\n")), "{page}");
}

#[test]
fn a_program_started_through_the_linker_is_not_mistaken_for_the_linker() {
    let page = OwnProcess::started_by(&linker(), own(), SHOW).run();
    assert_knows_itself(&page, own().file_name().unwrap());
}

#[test]
fn two_programs_started_through_one_linker_are_two_builds() {
    let folder = folder("two-builds");
    let other = folder.path().join("other");
    // Only the note's bytes differ between the builds.
    let id = BuildId::read(&fs::read(own()).unwrap()).unwrap().unwrap();
    let digits = id.to_string();
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
        .collect();
    let mut program = fs::read(own()).unwrap();
    let at = program.windows(bytes.len()).position(|window| window == bytes).unwrap();
    program[at] ^= 0xff;
    fs::write(&other, &program).unwrap();
    fs::set_permissions(&other, fs::metadata(own()).unwrap().permissions()).unwrap();
    let page = OwnProcess::started_by(&linker(), &other, SHOW).run();
    let changed = BuildId::read(&program).unwrap().unwrap();
    assert_ne!(changed, id);
    assert!(page.contains(&format!("\nbuild-id: {changed}\n")), "{page}");
}

#[test]
fn the_path_of_the_program_can_be_any_bytes() {
    let folder = folder("any-bytes");
    for name in [
        &b"caf\xe9/svc"[..],
        b"a\nb/s\nc",
        br"a\012b/svc",
        b"svc (deleted)",
        b" blanks \t/ svc ",
        b"\xff\xfe",
    ] {
        let path = folder.path().join(OsStr::from_bytes(name));
        placed(&path);
        for page in [OwnProcess::with_executable(&path, SHOW), OwnProcess::started_by(&linker(), &path, SHOW)]
        {
            let name = kernel_reading(path.file_name().unwrap());
            assert_knows_itself(&page.run(), &name);
        }
    }
}

/// The name as read from the kernel's text, which is ambiguous. This is the more likely reading.
fn kernel_reading(name: &OsStr) -> OsString {
    let name = name.as_bytes();
    OsStr::from_bytes(name.strip_suffix(b" (deleted)").unwrap_or(name)).to_owned()
}

#[test]
fn a_program_that_was_deleted_or_replaced_while_it_runs_is_still_read() {
    let folder = folder("replaced-while-running");
    for what in [REMOVED, REPLACED] {
        let path = folder.path().join("svc");
        fs::copy(own(), &path).unwrap();
        let page = OwnProcess::with_executable(&path, SHOW).env(what, &path).run();
        assert_knows_itself(&page, OsStr::new("svc"));
    }
}

#[test]
fn the_replacement_of_a_program_started_through_the_linker_is_not_read() {
    let folder = folder("replaced-behind-linker");
    let path = folder.path().join("svc");
    fs::copy(own(), &path).unwrap();
    let page = OwnProcess::started_by(&linker(), &path, SHOW).env(REPLACED, &path).run();
    // Privileged processes still find it through the kernel.
    if page.contains("symbols: none") {
        let reason = "the binary could not be read: it was deleted or replaced since it was loaded";
        assert!(page.contains(&format!("note: {reason}, so no type can be determined: ")), "{page}");
        assert!(page.contains(&format!("{reason} (tier none)")) && !page.contains("stripped"), "{page}");
    } else {
        assert_knows_itself(&page, OsStr::new("svc"));
    }
}

#[test]
fn a_stripped_program_is_reported_however_it_was_started() {
    let folder = folder("stripped-behind-linker");
    let path = folder.path().join("svc");
    let stripped = Command::new("strip").arg("-o").arg(&path).arg(own()).status();
    assert!(stripped.expect("`strip` of the package binutils is needed for this test").success());
    for process in [OwnProcess::with_executable(&path, SHOW), OwnProcess::started_by(&linker(), &path, SHOW)]
    {
        let page = process.run();
        assert!(
            page.contains("note: the binary is stripped, so no type can be determined: add `debug"),
            "{page}"
        );
        assert!(page.contains("the binary is stripped (tier none), so no type can be determined"), "{page}");
    }
}
