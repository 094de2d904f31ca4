//! Type names: whatever the text, reading it ends without a panic, the readable name is not much longer, and brackets
//! that balance in a genuine name balance in every readable one - no half of a generic type is ever shown.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{readable_names, split_arguments};

#[path = "../brackets.rs"]
mod brackets;

fuzz_target!(|name: &str| {
    let (path, arguments) = split_arguments(name);
    assert!(name.starts_with(path), "{path}");
    assert!(arguments.iter().map(|argument| argument.len()).sum::<usize>() + path.len() <= name.len());
    for readable in readable_names(name) {
        // The longest words that are added stand in for longer ones, `async block in ` for `{async_block_env#0}`.
        assert!(readable.len() <= 2 * name.len() + 16, "{readable}");
        assert!(!brackets::is_genuine(name) || brackets::balance(&readable), "{name:?} became {readable:?}");
    }
});
