//! Stacks as text, with one frame `name | file` per line, innermost first. No stack panics, every stack has a name,
//! and a type is whole if the names that it was made from are whole.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::attribution;

#[path = "../brackets.rs"]
mod brackets;

fuzz_target!(|stack: &str| {
    let frames: Vec<_> = stack
        .lines()
        .map(|line| line.split_once(" | ").map_or((line, None), |(name, file)| (name, Some(file))))
        .collect();
    let (names, is_type) = attribution(&frames);
    let whole = frames.iter().all(|(name, file)| {
        brackets::is_genuine(name)
            && !file.is_some_and(|file| file.contains(['<', '>', '(', ')', '[', ']', '{', '}']))
    });
    for name in names {
        assert!(!name.is_empty());
        assert!(!is_type || !whole || brackets::balance(&name), "{name:?}");
    }
});
