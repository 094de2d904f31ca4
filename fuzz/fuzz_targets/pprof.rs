//! Profiles in pprof's format, compressed as in a file and as a bare message. No input panics. A profile that is read
//! is written and read back equal. No table or text made from it is larger than the profile.

#![no_main]

use libfuzzer_sys::fuzz_target;
use memory_debug_profile::fuzzing::{pprof_message, read_pprof_message};
use memory_debug_profile::{
    CollapsedOptions, Count, Group, Leaf, PprofOptions, PprofSymbols, Selection, SymbolizedProfile,
    TracebackDepth,
};

fuzz_target!(|data: &[u8]| {
    let read = match data {
        [0x1f, 0x8b, ..] => SymbolizedProfile::read_pprof(data),
        message => read_pprof_message(message),
    };
    let Ok((profile, comments)) = read else { return };
    let mut options = PprofOptions::default();
    options.comments = comments;
    let Ok(message) = pprof_message(&profile, &options) else {
        // Reading adds up equal stacks. The sum of the input is within the bound, so their sum is too.
        panic!("a profile that was read cannot be written");
    };
    let (again, comments) = read_pprof_message(&message).expect("what was written");
    assert_eq!(again, profile);
    assert_eq!(comments, options.comments);
    assert_eq!(
        pprof_message(&again, &options).expect("as before"),
        message,
        "equal profiles are equal bytes"
    );
    for symbols in [PprofSymbols::Functions, PprofSymbols::None] {
        (options.symbols, options.is_lean) = (symbols, true);
        let lean = pprof_message(&profile, &options).expect("less than before");
        let (lean, _) = read_pprof_message(&lean).expect("what was written");
        assert_eq!(lean.total(), profile.total());
    }
    tables(&profile);
    texts(&profile);
});

/// Checks that every table counts every sample exactly once.
fn tables(profile: &SymbolizedProfile) {
    let total = profile.total().bytes as f64;
    let tracebacks = [1, 32].into_iter().filter_map(TracebackDepth::new).map(Selection::by_traceback);
    for selection in Group::ALL.into_iter().map(Selection::from).chain(tracebacks) {
        let table = profile.summarize(&selection);
        let difference = (table.total.bytes - total).abs();
        assert!(difference <= 1e-6 * total.abs().max(1e12), "{selection:?}: {total} {:?}", table.total);
    }
}

/// Checks that each text has at most one line per stack.
fn texts(profile: &SymbolizedProfile) {
    for (leaf, count) in [(Leaf::Function, Count::Bytes), (Leaf::Type, Count::Objects)] {
        let mut options = CollapsedOptions::default();
        (options.leaf, options.count) = (leaf, count);
        let mut collapsed = Vec::new();
        profile.collapse(&options).write(0, &mut collapsed).expect("memory");
        let collapsed = String::from_utf8(collapsed).expect("text");
        assert!(collapsed.lines().count() <= profile.stack_count());
        for line in collapsed.lines() {
            let (stack, number) = line.rsplit_once(' ').expect("a number");
            assert!(!stack.is_empty() && number.parse::<i64>().is_ok_and(|number| number != 0), "{line:?}");
        }
    }
}
