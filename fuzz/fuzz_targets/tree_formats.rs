//! Trees with any names, parents and numbers, in every format. No tree panics, and what is written is valid: JSON is
//! JSON, text has no unprintable character, and the totals are the totals of the tree.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use memory_debug_formats::{CallKind, CallNode, CallTree, Event, TreeFormat, Unit, is_unprintable};

#[derive(Arbitrary, Debug)]
struct Node<'a> {
    parent: Option<u8>,
    is_type: bool,
    name: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    calls: u64,
    own: [i32; 3],
    /// Scales the numbers up to sizes that need splitting or saturate.
    shift: u8,
    /// The difference between the inclusive number and the sum, as for calls that overlap.
    overlap: i16,
}

fuzz_target!(|input: (&str, Vec<Node<'_>>)| {
    let (title, nodes) = input;
    let events = vec![
        Event::new("Bytes", "any", Unit::Bytes),
        Event::new("Busy", "any", Unit::Nanoseconds),
        Event::new("Objects", "any", Unit::Count),
    ];
    let mut tree = CallTree { title: title.into(), events, nodes: Vec::new() };
    for node in nodes {
        let own = node.own.map(|number| i64::from(number) << (node.shift % 24)).to_vec();
        tree.nodes.push(CallNode {
            // Some parents do not exist, or come later.
            parent: node.parent.map(usize::from),
            kind: if node.is_type { CallKind::Type } else { CallKind::Function },
            name: node.name.into(),
            file: node.file.map(Into::into),
            line: node.line,
            calls: node.calls,
            own,
            inclusive: vec![node.overlap.into()],
        });
    }
    check(&tree);
    check(&tree.largest(3));
    tree.sum_up();
    check(&tree);
});

fn check(tree: &CallTree) {
    for format in TreeFormat::ALL {
        let mut out = Vec::new();
        if format.write(tree, &mut out).is_err() {
            assert!(out.is_empty(), "{} wrote a part", format.name());
            continue;
        }
        if *format == TreeFormat::Pprof {
            continue;
        }
        let text = std::str::from_utf8(&out).expect("text");
        assert!(!text.contains(|c| c != '\n' && is_unprintable(c)), "{text}");
        if format.media_type() == "application/json" {
            // Depth is not limited here, so the value is skipped and not built.
            serde_json::from_str::<serde::de::IgnoredAny>(text).expect("JSON");
        }
        if *format == TreeFormat::Callgrind {
            callgrind(text, tree);
        }
    }
}

/// Checks that the own numbers of all functions add up to the totals, which are ours.
fn callgrind(text: &str, tree: &CallTree) {
    let numbers = |line: &str| line.split(' ').skip(1).map(|word| word.parse().expect("number")).collect::<Vec<i64>>();
    let mut sums = vec![0; tree.events.len()];
    let mut is_call = false;
    let mut totals = Vec::new();
    for line in text.lines() {
        if line.starts_with("totals: ") || line.starts_with("summary: ") {
            totals.push(numbers(line));
        } else if line.starts_with(|c: char| c.is_ascii_digit()) && !is_call {
            sums.iter_mut().zip(numbers(line)).for_each(|(sum, number)| *sum += number);
        }
        assert!(!line.starts_with("calls=0"));
        is_call = line.starts_with("calls=");
    }
    assert_eq!(totals, [sums.clone(), sums.clone()]);
    let ours = tree.totals();
    assert_eq!(sums, [ours[0], ours[1] / 1_000, ours[2]]);
}
