//! Documents about holders and about traces, as a service sends them to the command and as they are shown. No input
//! panics. Text has nothing that a terminal obeys, names stay between their quotes or inside their elements, a graph has no
//! more nodes than wanted, and what is written is read back equal.
//!
//! Input that begins with `{` is a document. Other input describes changes of one.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{self, Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use memory_debug_report::units::printable;
use memory_debug_report::{TraceEvent, TraceReport, render};
use memory_debug_formats::TreeFormat;
use memory_debug_holders::{
    HolderGraph, HoldersReport, LeakHolders, ProgressReport, TypeFilter, diagnose_holders,
};
use memory_debug_web::Site;
use serde_json::Value;

#[path = "../edited.rs"]
mod edited;
#[path = "../reached.rs"]
mod reached;

use edited::{Edit, edited, fields};

/// The nodes of a graph.
const MOST: usize = 12;

#[derive(Arbitrary, Debug)]
struct Changed<'a> {
    document: u8,
    edits: Vec<Edit<'a>>,
}

/// Documents of real services, each with the paths of its fields.
static DOCUMENTS: LazyLock<[(Value, Vec<String>); 3]> = LazyLock::new(|| {
    let documents = [
        include_str!("../seeds/documents/holders.json"),
        include_str!("../seeds/documents/progress.json"),
        include_str!("../seeds/documents/trace.json"),
    ];
    documents.map(|document| {
        let document = serde_json::from_str(document).expect("JSON");
        let fields = fields(&document);
        (document, fields)
    })
});

/// Suspects, some of which are types of the documents.
const SUSPECTS: [&str; 3] = ["String", "Vec<u8>", ""];

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"{") {
        return check("verbatim", data);
    }
    let Ok(changed) = Changed::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let (document, fields) = &DOCUMENTS[usize::from(changed.document) % DOCUMENTS.len()];
    let document = edited(document, fields, &changed.edits);
    check("changed", document.to_string().as_bytes());
});

/// The longest document in bytes. Copies can make one of megabytes, which takes seconds.
const LONGEST: usize = 1 << 16;

fn check(kind: &'static str, document: &[u8]) {
    if document.len() > LONGEST {
        return reached::count(kind, "too long");
    }
    // What a progress has, a trace has too.
    if let Ok(report) = serde_json::from_slice::<HoldersReport>(document) {
        reached::count(kind, "holders");
        holders(report);
    } else if let Ok(report) = serde_json::from_slice::<TraceReport>(document) {
        reached::count(kind, "trace");
        trace(&report);
    } else if let Ok(report) = serde_json::from_slice::<ProgressReport>(document) {
        reached::count(kind, "progress");
        check_text(&report.to_string());
        check_markup(&memory_debug_web::scan_progress(&site("/holders/progress"), &report));
    } else {
        reached::count(kind, "refused");
    }
}

fn holders(mut report: HoldersReport) {
    let mut written = Vec::new();
    render::write_line(&mut written, &report).expect("memory");
    let again: HoldersReport = serde_json::from_slice(&written).expect("what was written");
    assert_eq!(again, report);
    check_text(&String::from_utf8(written).expect("JSON is UTF-8"));
    check_text(&report.to_string());
    for most in [0, 1, MOST] {
        let graph = HolderGraph::of(&report, most);
        assert!(graph.nodes.len() <= most.max(1), "{} of {most} nodes", graph.nodes.len());
        let nodes = graph.nodes.len();
        assert!(graph.edges.iter().all(|edge| edge.from < nodes && edge.to < nodes));
        let (mut dot, mut svg) = (String::new(), String::new());
        graph.write_dot(&report.scanned_at, &mut dot).expect("memory");
        check_dot(&dot);
        graph.write_svg(&report.scanned_at, &mut svg).expect("memory");
        check_text(&svg);
        check_markup(&svg);
        let mut snapshot = Vec::new();
        report.heap_graph(most).write_snapshot(&mut snapshot).expect("memory");
        serde_json::from_slice::<serde_json::Value>(&snapshot).expect("a snapshot is JSON");
    }
    let page = memory_debug_web::holders(&site("/holders"), Some(&report), None, Some(&report.scanned_at), MOST, None);
    check_markup(&page);
    let diagnosis = diagnose_holders(Some(&report));
    assert_eq!(diagnosis.checked.len() + diagnosis.not_checked.len(), 2);
    if let Some(leaks) = LeakHolders::of(&report, SUSPECTS.map(|name| (name, name))) {
        check_text(&leaks.to_string());
    }
    let before = report.types.len() as u64 + report.omitted;
    report.keep_first(1);
    assert!(report.types.len() <= 1 && report.types.len() as u64 + report.omitted == before);
    report.keep(&TypeFilter::parse("a"));
    check_text(&report.to_string());
}

fn trace(report: &TraceReport) {
    check_text(&report.to_string());
    for event in TraceEvent::ALL {
        let shortened = report.shortened(2, event);
        check_text(&shortened.to_string());
        check_markup(&memory_debug_web::trace(&site("/trace"), report, 2, event, None));
    }
    if report.trace.is_some() {
        let tree = report.call_tree();
        for format in TreeFormat::ALL {
            // A format refuses a tree that it would show wrong.
            let _ = format.write(&tree, std::io::sink());
        }
    }
}

fn site(page: &str) -> Site {
    Site::new("/debug/memory", page, "ops", "profile")
}

/// Checks that each line is printable.
fn check_text(text: &str) {
    assert!(text.lines().all(|line| printable(line) == line), "{text:?}");
}

/// Checks that each `<` begins an element, an end, or the declaration of the document, and that no element or attribute is
/// there that only a name could bring.
fn check_markup(markup: &str) {
    for part in markup.split('<').skip(1) {
        assert!(part.starts_with(|c: char| c.is_ascii_lowercase() || matches!(c, '/' | '!')), "{part:?}");
    }
    for forbidden in ["<img", "<iframe", "<object", "<script>alert"] {
        assert!(!markup.contains(forbidden), "{forbidden}: {markup}");
    }
}

/// Checks that quotes are closed on each line, and that only the language's own words are outside of them.
fn check_dot(dot: &str) {
    for line in dot.lines() {
        let (mut is_inside, mut is_escaped) = (false, false);
        let mut outside = String::new();
        for c in line.chars() {
            match (is_inside, c) {
                (true, _) if is_escaped => is_escaped = false,
                (true, '\\') => is_escaped = true,
                (_, '"') => is_inside = !is_inside,
                (true, _) => {}
                (false, c) => outside.push(c),
            }
        }
        assert!(!is_inside && !is_escaped, "{line:?}");
        let words = outside.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        for word in words {
            let is_node = word.strip_prefix('n').is_some_and(|number| number.parse::<u32>().is_ok());
            let known =
                ["digraph", "holders", "rankdir", "LR", "label", "node", "shape", "box", "style", "dashed", "fillcolor"];
            assert!(is_node || known.contains(&word), "{word:?} in {line:?}");
        }
    }
}
