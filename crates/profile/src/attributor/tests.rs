//! Golden stacks: frames captured from release builds, and the type that they are attributed to.
//!
//! `data/attribution/README.md` says how they were made. `MEMORY_DEBUG_BLESS=1` rewrites the expectations.

use std::path::Path;
use std::sync::Arc;

use super::row_sums::{Key, RowSum};
use super::*;

use crate::selection::{Group, Selection, TypeEntry, TypeTable};
use crate::symbols::frames::Function;

/// Reads frames `name | file:line`, innermost first. The line is optional; a frame without a file is a symbol.
fn read_frames(text: &str) -> Vec<(FunctionInfo, u32)> {
    let frame = |text: &str| {
        let (name, place) = text.split_once(" | ").map_or((text, None), |(name, place)| (name, Some(place)));
        let (file, line) = match place.and_then(|place| place.rsplit_once(':')) {
            Some((file, line)) => (Some(file), line.parse().unwrap()),
            None => (place, 0),
        };
        let function = Function::new(Some(Arc::from(name)), file.is_none(), file.map(Arc::from));
        (FunctionInfo::of(&function), line)
    };
    text.lines().map(frame).collect()
}

#[test]
fn golden_stacks_match_their_first_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/attribution");
    let bless = std::env::var_os("MEMORY_DEBUG_BLESS").is_some();
    let mut checked = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "stack") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (expected, stack) = text.split_once('\n').unwrap();
        let frames = read_frames(stack);
        let steps: Vec<_> = frames.iter().map(|(info, line)| Step { info, line: *line }).collect();
        let names = &mut ReadableNames::default();
        let attribution = attribute(&steps, names);
        let sign = if attribution.is_type() { '=' } else { '?' };
        let found = format!("{sign} {}", attribution.name(Qualify::Last, names));
        if bless {
            std::fs::write(&path, format!("{found}\n{stack}")).unwrap();
        } else if found != expected {
            wrong.push(format!("{}: expected `{expected}`, found `{found}`", path.display()));
        }
        checked += 1;
    }
    assert!(checked >= 11, "only {checked} golden stacks in {}", folder.display());
    let hint = "if that is intended, MEMORY_DEBUG_BLESS=1 rewrites the first lines";
    assert!(wrong.is_empty(), "{}\n{hint}", wrong.join("\n"));
}

const DUMP: &str = "heap_v2/1
  t*: 30: 7200 [0: 0]
  t0: 20: 6400 [0: 0] main
  t7: 10: 800 [0: 0]
@ 0x1010 0x1020
  t*: 20: 6400 [0: 0]
  t0: 20: 6400 [0: 0]
@ 0x1030
  t*: 10: 800 [0: 0]
  t0: 1: 80 [0: 0]
  t7: 9: 720 [0: 0]

MAPPED_LIBRARIES:
";

fn rows(selection: impl Into<Selection>) -> Vec<(String, u64, u64)> {
    let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
    let no_files = |_: &crate::Mapping| Err(std::io::ErrorKind::NotFound.into());
    let table = TypeAttributor::new().summarize(&profile, &no_files, &selection.into());
    let row = |entry: &TypeEntry| {
        (entry.type_name.clone(), entry.estimate.objects as u64, entry.estimate.bytes as u64)
    };
    table.entries.iter().map(row).collect()
}

#[test]
fn groups_threads_by_name_or_one_by_one() {
    let dump = "heap_v2/1\n  t*: 6: 60 [0: 0]\n  t0: 1: 10 [0: 0] main\n  t3: 2: 20 [0: 0] worker\n  \
                t4: 3: 30 [0: 0] worker\n  t5: 0: 0 [0: 0] worker\n  t7: 1: 10 [0: 0]\n@ 0x1010\n  \
                t*: 7: 70 [0: 0]\n  t0: 1: 10 [0: 0]\n  t3: 2: 20 [0: 0]\n  t4: 3: 30 [0: 0]\n  \
                t7: 1: 10 [0: 0]\n\nMAPPED_LIBRARIES:\n";
    let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
    let no_files = |_: &crate::Mapping| Err(std::io::ErrorKind::NotFound.into());
    let row = |entry: TypeEntry| (entry.type_name, entry.estimate.objects as u64, entry.threads);
    let (mut attributor, by_name) = (TypeAttributor::new(), Selection::from(Group::Thread));
    let table = attributor.summarize(&profile, &no_files, &by_name);
    let rows: Vec<_> = table.entries.into_iter().map(row).collect();
    let expected = [("worker".to_owned(), 5, 2), ("main".to_owned(), 1, 1), ("thread 7".to_owned(), 1, 1)];
    assert_eq!(rows, expected, "a thread without memory has no row");
    let symbolized = attributor.symbolize(&profile, &no_files);
    let kept: Vec<_> = symbolized.summarize(&by_name).entries.into_iter().map(row).collect();
    assert_eq!(kept, expected, "kept profiles say the same");
    let single = Selection::from(Group::ThreadId);
    let table = attributor.summarize(&profile, &no_files, &single);
    let rows: Vec<_> = table.entries.into_iter().map(row).collect();
    let expected = [
        ("worker (thread 4)".to_owned(), 3, 1),
        ("worker (thread 3)".to_owned(), 2, 1),
        ("main (thread 0)".to_owned(), 1, 1),
        ("thread 7".to_owned(), 1, 1),
    ];
    assert_eq!(rows, expected);
    let kept: Vec<_> = symbolized.summarize(&single).entries.into_iter().map(row).collect();
    assert_eq!(kept, expected);
}

#[test]
fn groups_by_size_class_of_the_mean_object() {
    assert_eq!(
        rows(Group::SizeClass),
        [("320 bytes".to_owned(), 20, 6400), ("80 bytes".to_owned(), 10, 800)]
    );
}

#[test]
fn nameless_code_is_one_unattributed_row() {
    for group in [
        Group::Container,
        Group::Element,
        Group::Function,
        Group::File,
        Group::Line,
        Group::Crate,
        Group::Traceback,
    ] {
        assert_eq!(rows(group), [("unknown code".to_owned(), 30, 7200)], "{group:?}");
    }
}

#[test]
fn focus_keeps_and_ignore_drops_stacks_with_a_text() {
    assert_eq!(rows(Selection::new(Group::Container, Some("insert".into()), None)), []);
    assert_eq!(rows(Selection::new(Group::Container, None, Some("insert".into()))).len(), 1);
}

#[test]
fn a_second_table_computes_no_name_again() {
    let mut attributor = TypeAttributor::new();
    let name = |index: usize| format!("alloc::vec::Vec<app::m{index}::Row>");
    let owners: Vec<_> = (0..3).map(|index| Attribution::Type(name(index), None)).collect();
    attributor.owners = owners;
    let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
    let mut table = |group| {
        let mut entries = Vec::new();
        for handle in 0..3 {
            entries.push(attributor.entry(&profile, &Key::Owner(handle), group, RowSum::default()));
        }
        let table = TypeTable::new(entries, &mut attributor.names, None);
        let names: Vec<_> = table.entries.into_iter().map(|entry| entry.type_name).collect();
        (names, attributor.names.read)
    };
    let (names, read) = table(Group::Container);
    assert_eq!(names, ["Vec<m0::Row>", "Vec<m1::Row>", "Vec<m2::Row>"]);
    assert!(read >= 6, "{read} names were read for three types in two forms or more");
    assert_eq!(table(Group::Container), (names, read));
    let (_, with_elements) = table(Group::Element);
    assert_eq!(table(Group::Element).1, with_elements);
}
