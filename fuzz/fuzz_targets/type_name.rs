//! Type names. Reading any text does not panic, and the readable name is not much longer. If the brackets of a
//! genuine name balance, the brackets of its readable names balance too, so no half of a generic type is ever shown.

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
        // The longest words that are added replace longer words: `async block in ` replaces `{async_block_env#0}`.
        assert!(readable.len() <= 2 * name.len() + 16, "{readable}");
        assert!(!brackets::is_genuine(name) || brackets::balance(&readable), "{name:?} became {readable:?}");
    }
});
