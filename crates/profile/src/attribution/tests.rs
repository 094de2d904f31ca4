//! Golden stacks: frames as captured from release builds, and the type they are attributed to.
//!
//! `data/attribution/README.md` says how they were made. `MEMORY_DEBUG_BLESS=1` rewrites the expectations.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::symbolize::frames::Function;

/// Reads `name | file:line` frames, innermost first, the line optional; a frame without a file is a symbol.
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
fn golden_stacks_are_attributed_as_written_in_their_first_line() {
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
        let attribution = attribute(&steps);
        let sign = if attribution.is_type() { '=' } else { '?' };
        let found = format!("{sign} {}", attribution.name(Qualify::Last));
        if bless {
            std::fs::write(&path, format!("{found}\n{stack}")).unwrap();
        } else if found != expected {
            wrong.push(format!("{}: expected `{expected}`, found `{found}`", path.display()));
        }
        checked += 1;
    }
    assert!(checked >= 11, "only {checked} golden stacks in {}", folder.display());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
fn threads_are_told_by_name_and_each_has_its_part_of_a_stack() {
    assert_eq!(
        rows(Group::Thread),
        [("thread 0 main".to_owned(), 21, 6480), ("thread 7".to_owned(), 9, 720)]
    );
}

#[test]
fn size_classes_are_those_of_the_mean_object() {
    assert_eq!(
        rows(Group::SizeClass),
        [("320 bytes".to_owned(), 20, 6400), ("80 bytes".to_owned(), 10, 800)]
    );
}

#[test]
fn code_without_names_is_one_unattributed_row_in_every_group_of_places() {
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
