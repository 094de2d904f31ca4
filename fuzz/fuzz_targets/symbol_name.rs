//! The name of a function and, on a second line, the path of its source file. No name panics, every part comes from
//! the input, and a user's home folder never leaves the process.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{function_parts, trimmed_source_path};

/// A user name that no input contains by chance.
const USER: &str = "Xann7Q";

fuzz_target!(|input: &str| {
    let (name, file) = input.split_once('\n').map_or((input, None), |(name, file)| (name, Some(file)));
    let demangled = format!("{:#}", rustc_demangle::demangle(name));
    for symbol in [name, &demangled] {
        for is_symbol in [true, false] {
            let parts = function_parts(symbol, is_symbol, file);
            assert!(symbol.contains(&parts.name), "{parts:?}");
            for argument in &parts.arguments {
                assert!(symbol.contains(argument.as_str()), "{parts:?}");
            }
            let len = symbol.len() + file.map_or(0, str::len);
            assert!(parts.name.len() + parts.module.len() <= 2 * len, "{parts:?}");
            assert!(!parts.label.is_empty(), "{parts:?}");
        }
    }
    let Some(file) = file else { return };
    let of_path = |trimmed: &str, path: &str| path.ends_with(trimmed.strip_prefix("../").unwrap_or(trimmed));
    assert!(of_path(&trimmed_source_path(file), file));
    // A path with at least two folders below the home folder does not show the home folder.
    if file.matches('/').count() >= 2 && !file.contains(USER) {
        for home in ["home", "Users", "root/build", "srv/registry/src/x"] {
            let path = format!("/{home}/{USER}/{file}");
            let trimmed = trimmed_source_path(&path);
            assert!(of_path(&trimmed, &path));
            assert!(home.contains('/') || !trimmed.contains(USER), "{path} became {trimmed}");
        }
    }
});
