//! Files with stacks, in every format that is read. No input panics. A tree that is read is written in every format,
//! or refused with a reason, and the formats that can be read give the same total again.

#![no_main]

use std::io::ErrorKind;

use libfuzzer_sys::fuzz_target;
use memory_debug_formats::{CallTree, TreeFormat};

fuzz_target!(|data: &[u8]| {
    let found = TreeFormat::of_content(data);
    for format in TreeFormat::ALL {
        match format.read(data) {
            Ok(tree) => check(&tree, *format),
            Err(error) => {
                assert!(matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::Unsupported), "{error}");
                assert!(found != Some(*format) || !error.to_string().is_empty());
            }
        }
    }
});

fn check(tree: &CallTree, read: TreeFormat) {
    assert!(tree.nodes.iter().enumerate().all(|(at, node)| node.parent.is_none_or(|parent| parent < at)));
    for format in TreeFormat::ALL {
        let mut out = Vec::new();
        if let Err(refusal) = format.write(tree, &mut out) {
            assert_eq!(refusal.kind(), ErrorKind::InvalidInput, "{refusal}");
            assert!(out.is_empty(), "{} wrote a part", format.name());
            continue;
        }
        let own = tree.nodes.iter().flat_map(|node| node.own.iter().chain(&node.inclusive));
        // A float holds no larger number exactly.
        if *format == read && own.clone().all(|number| number.unsigned_abs() < 1 << 52) {
            let again = format.read(&out).expect("what was written");
            let total = |tree: &CallTree| tree.totals().first().copied().unwrap_or(0);
            // A cpuprofile has whole microseconds.
            let lost = if read == TreeFormat::CpuProfile { 999 } else { 0 };
            assert!((0..=lost).contains(&(total(tree) - total(&again))), "{}", format.name());
        }
    }
}
