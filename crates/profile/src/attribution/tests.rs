//! Golden stacks: frames as captured from release builds, and the type they are attributed to.
//!
//! `data/attribution/README.md` says how they were made. `MEMORY_DEBUG_BLESS=1` rewrites the expectations.

use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::symbolize::frames::Function;

/// Reads `name | file` lines, innermost first; a line without a file is a symbol.
fn read_frames(text: &str) -> Vec<FunctionInfo> {
    let frame = |line: &str| {
        let (name, file) = line.split_once(" | ").map_or((line, None), |(name, file)| (name, Some(file)));
        FunctionInfo::of(&Function {
            name: Some(Arc::from(name)),
            is_symbol: file.is_none(),
            file: file.map(Arc::from),
        })
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
        let attribution = attribute(&read_frames(stack).iter().collect::<Vec<_>>());
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
