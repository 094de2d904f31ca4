//! The code that is mapped into this process at the moment of a dump.
//!
//! jemalloc appends such a list to its dumps, from `/proc/<getpid()>/maps`. With the `/proc` of another PID
//! namespace, that file belongs to another process or does not exist. So this module reads the list of its own
//! process, regardless of its process id.

use std::fs::File;
use std::io::{self, BufReader};
use std::path::Path;

use memory_debug_profile::{Mapping, SymbolGap};

use crate::kernel_file;
use crate::objects::{LoadedObject, loaded_objects};

/// Reads the current executable mappings of this process, each with the build-id that its code has in memory. `root`
/// is the folder where `/proc` is mounted.
///
/// # Errors
///
/// If the list could not be read. The message says why and what to do.
pub(crate) fn read(root: &Path) -> Result<Vec<Mapping>, SymbolGap> {
    let open =
        |file: &str| File::open(root.join(file)).and_then(|file| Mapping::read_all(BufReader::new(file)));
    let is_there = |mappings: &Vec<Mapping>| !mappings.is_empty();
    // After the main thread has ended, the kernel shows nothing of the process under `self`.
    let mappings = match open("self/maps") {
        Ok(mappings) if is_there(&mappings) => Ok(mappings),
        first => open("thread-self/maps").ok().filter(is_there).map_or(first, Ok),
    };
    let mut mappings = mappings.map_err(|error| reason(root, &error))?;
    let objects = loaded_objects();
    for mapping in &mut mappings {
        name(mapping, &objects);
    }
    Ok(mappings)
}

fn reason(root: &Path, error: &io::Error) -> SymbolGap {
    match kernel_file::without_proc(root) {
        Some(missing) => SymbolGap::without_mappings(missing.reason, missing.advice),
        None => SymbolGap::without_mappings(
            &format!("/proc/self/maps could not be read: {}", error.kind()),
            "let the process read its own files in /proc",
        ),
    }
}

/// Assigns a mapping to the object that it belongs to.
fn name(mapping: &mut Mapping, objects: &[LoadedObject]) {
    let object = objects.iter().position(|object| object.overlaps(mapping.start..mapping.end));
    mapping.is_program = object == Some(0);
    mapping.build_id = object.and_then(|object| objects[object].build_id.clone());
}

/// The mappings at a moment between `before` and `after`. A library that was loaded or unloaded meanwhile is in
/// the list, because its code was there at that moment or is in no stack. If one library replaced another at the
/// same addresses, neither is in the list, because a stack could have gone through either.
pub(crate) fn between(before: Vec<Mapping>, after: Vec<Mapping>) -> Vec<Mapping> {
    let overlaps = |a: &Mapping, b: &Mapping| a.start < b.end && b.start < a.end;
    let is_contested = |mapping: &Mapping, others: &[Mapping]| {
        others.iter().any(|other| overlaps(mapping, other) && !mapping.is_of_same_object(other))
    };
    let gone = before.iter().filter(|mapping| !after.iter().any(|other| overlaps(mapping, other))).cloned();
    let there = after.iter().filter(|mapping| !is_contested(mapping, &before)).cloned();
    let mut mappings: Vec<Mapping> = gone.chain(there).collect();
    mappings.sort_by_key(|mapping| mapping.start);
    mappings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Tree;

    const APP: &str = "1000-2000 r-xp 0 fe:00 1 /app\n";
    const PLUGIN: &str = "5000-6000 r-xp 0 fe:00 2 /plugin.so\n";

    fn mappings(lines: &[&str]) -> Vec<Mapping> {
        Mapping::read_all(lines.concat().as_bytes()).unwrap()
    }

    #[test]
    fn the_dump_has_mappings_that_existed_before_or_after_it() {
        let (app, both) = (mappings(&[APP]), mappings(&[APP, PLUGIN]));
        for (before, after, expected) in
            [(&app, &app, &app), (&app, &both, &both), (&both, &app, &both), (&both, &both, &both)]
        {
            assert_eq!(&between(before.clone(), after.clone()), expected);
        }
        let grown = mappings(&[APP, "5000-7000 r-xp 0 fe:00 2 /plugin.so\n"]);
        assert_eq!(between(both.clone(), grown.clone()), grown);
        let other = mappings(&[APP, "5800-6800 r-xp 0 fe:00 3 /other.so\n"]);
        assert_eq!(between(both, other), app, "either may have had the code");
    }

    #[test]
    fn the_program_is_recognised_in_any_order_of_mappings() {
        let object = |start| LoadedObject {
            code: std::iter::once(start..start + 0x800).collect(),
            ..LoadedObject::default()
        };
        let mut all = mappings(&[APP, PLUGIN, "9000-a000 rwxp 0 0:0 0\n"]);
        all.iter_mut().for_each(|mapping| name(mapping, &[object(0x5100), object(0x1100)]));
        assert_eq!(all.iter().map(|mapping| mapping.is_program).collect::<Vec<_>>(), [false, true, false]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_one_program_with_the_build_id_of_its_file() {
        let mappings = read(Path::new("/proc")).unwrap();
        let own = std::env::current_exe().unwrap();
        let program: Vec<_> = mappings.iter().filter(|mapping| mapping.is_program).collect();
        assert!(!program.is_empty() && program.iter().all(|mapping| mapping.path == own), "{program:?}");
        let file = std::fs::read(own).unwrap();
        assert_eq!(program[0].build_id, memory_debug_profile::BuildId::read(&file).unwrap());
    }

    #[test]
    fn reads_the_calling_thread_after_the_main_thread_has_ended() {
        let tree = Tree::new([("self/maps", ""), ("thread-self/maps", APP)]);
        assert_eq!(read(tree.path()).unwrap().len(), 1);
    }

    #[test]
    fn without_proc_the_reason_says_what_to_mount() {
        let gap = read(Path::new("/nonexistent")).unwrap_err();
        let expected = "it is unknown which files the code comes from, because /proc is not mounted here";
        assert_eq!((gap.reason.as_str(), gap.is_program), (expected, true));
        assert!(gap.advice.starts_with("mount it (`mount -t proc proc /proc`"), "{gap}");
    }
}
