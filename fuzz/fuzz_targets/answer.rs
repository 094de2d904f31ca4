//! The untrusted answer of a sibling or peer. Its meaning does not depend on the pieces in which it arrives. No more
//! bytes are read than a report and its framing may have, and memory grows only with the bytes read. Only status 200
//! gives a report. The text of a report contains nothing that a terminal obeys, and its JSON parses to the same
//! report.
//!
//! Input that begins with `HTTP` is an answer. Other input describes an answer.

#![no_main]

use std::io::{self, Read, Write};
use std::sync::LazyLock;

use libfuzzer_sys::arbitrary::{Arbitrary as _, Unstructured};
use libfuzzer_sys::fuzz_target;
use memory_debug_endpoint::memory_debug_core::{Fleet, FleetReport, MemoryReport};
use memory_debug_fleet::Missing;
use memory_debug_fleet::fuzzing::exchange;
use serde_json::{Value, json};

#[path = "../edited.rs"]
mod edited;
#[path = "../answer/input.rs"]
mod input;
#[path = "../answer/memory.rs"]
mod memory;
#[path = "../reached.rs"]
mod reached;

use edited::fields;
use input::{Answer, Bytes};

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

/// The number of rows that are requested.
const ROWS: usize = 1000;

/// The most bytes of a report, and of its framing.
const BODY: usize = 4 << 20;
const FRAME: usize = 1 << 20;

/// The most bytes of memory for each byte read, without any byte read, and in total.
const FOR_EACH: usize = 64;
const FOR_NONE: usize = 64 << 10;
const FOR_ALL: usize = 32 << 20;

/// The most bytes of a fleet without rows, of which one instance of three is hostile.
const WITHOUT_ROWS: usize = 256 << 10;

type Report = Result<MemoryReport, Missing>;

/// A report of a real service, with fields added that its overview does not have, and the paths of all fields.
static REPORT: LazyLock<(Value, Vec<String>)> = LazyLock::new(|| {
    let answer = include_str!("../seeds/answer/with_length");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut report: Value = serde_json::from_str(body).expect("JSON");
    report["roots"] = json!({"rows": [{"name": "cache", "fields": [{}], "not_counted": []}]});
    let level = json!({"path": "/pod", "limit_bytes": 1 << 30, "current_bytes": 1 << 29, "parts": {"shared_bytes": 1}});
    report["cgroup"]["levels"] = json!([level]);
    report["cgroup"]["binding"] = level;
    report["machine"] = json!({"total_bytes": 1_u64 << 34, "available_bytes": 1_u64 << 33});
    report["detail"] = json!({"arenas": [{}], "size_classes": {"bins": [{}], "large": [{}]}});
    let fields = fields(&report);
    (report, fields)
});

/// The reports of two more instances.
static OTHERS: LazyLock<[MemoryReport; 2]> = LazyLock::new(|| {
    [1, 2].map(|number| {
        let mut report = REPORT.0.clone();
        report["instance"]["id"] = json!(format!("00000000-0000-4000-8000-{number:012}"));
        report["process"]["resident_bytes"] = json!(number << 20);
        serde_json::from_value(report).expect("a report")
    })
});

fuzz_target!(|data: &[u8]| {
    if data.starts_with(b"HTTP") {
        let bytes = Bytes { answer: data.to_vec(), endless: Vec::new(), body: None };
        let report = check_answer(&bytes, &[7, 1, 250]);
        reached::count("verbatim", outcome(&report));
        return check_fleet("peer 1", report, 50, None);
    }
    let Ok(answer) = Answer::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let report = check_answer(&answer.bytes(), &answer.sizes);
    reached::count("described", outcome(&report));
    check_fleet(answer.target, report, answer.top.into(), answer.filter);
});

fn check_answer(bytes: &Bytes, sizes: &[u8]) -> Report {
    let mut whole = Slowly::new(bytes, &[]);
    let (report, peak) = memory::peak(|| exchange(&mut whole, ROWS));
    let most = FOR_ALL.min(FOR_NONE + FOR_EACH * whole.read);
    assert!(peak <= most, "{peak} bytes of memory for {} bytes read", whole.read);
    assert!(whole.read <= BODY + FRAME, "{} bytes were read", whole.read);
    // Byte by byte, the longest answers would take seconds.
    let ways = if whole.read > 1 << 16 { vec![&[255][..]] } else { vec![sizes, &[1]] };
    for sizes in ways {
        assert_eq!(shown(&exchange(Slowly::new(bytes, sizes), ROWS)), shown(&report), "{sizes:?} at a time");
    }
    if report.is_ok() {
        let begin = bytes.answer.trim_ascii_start();
        let is_200 = ["HTTP/1.0 200", "HTTP/1.1 200"].iter().any(|right| begin.starts_with(right.as_bytes()));
        assert!(is_200, "{}", begin.escape_ascii());
    }
    if let Some(body) = bytes.body.as_ref().filter(|body| body.len() < 1 << 15) {
        assert_eq!(report.is_ok(), MemoryReport::for_fleet(body, ROWS).is_ok(), "{report:?}");
    }
    report
}

/// All parts of a report, or of the reason why there is no report, as text.
fn shown(report: &Report) -> String {
    format!("{report:?}")
}

fn outcome(report: &Report) -> &'static str {
    report.as_ref().map_or_else(|missing| missing.reason.as_str(), |_| "taken")
}

fn check_fleet(target: &str, report: Report, top: usize, filter: Option<&str>) {
    let mut fleet = Fleet::new("peers");
    match report {
        Ok(report) => {
            fleet.add(target, &report);
            OTHERS.iter().for_each(|other| fleet.add("another", other));
        }
        Err(missing) => fleet.miss(missing.of(target)),
    }
    let mut all = fleet.finish();
    check_shown(&all);
    all.types = all.types.map(|types| types.truncate_filtered(top, filter));
    check_shown(&all);
    // Only rows can be left out until a page is short enough.
    all.types = all.types.map(|types| types.truncate_filtered(0, None));
    let length = serde_json::to_string(&all).expect("JSON").len();
    assert!(length <= WITHOUT_ROWS + 12 * target.len(), "{length} bytes without rows");
}

fn check_shown(fleet: &FleetReport) {
    let text = fleet.to_string();
    let is_obeyed = |c: char| {
        c.is_control() && c != '\n'
            || "\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}"
                .contains(c)
    };
    assert!(!text.contains(is_obeyed), "{text:?}");
    let json = serde_json::to_string_pretty(fleet).expect("JSON");
    assert_eq!(&serde_json::from_str::<FleetReport>(&json).expect("JSON of a fleet"), fleet);
}

/// A reader that gives the bytes in pieces of these sizes in turn, and counts them.
struct Slowly<'a> {
    rest: &'a [u8],
    endless: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
    read: usize,
}

impl<'a> Slowly<'a> {
    /// Without sizes, gives all bytes at once.
    fn new(bytes: &'a Bytes, sizes: &[u8]) -> Self {
        let sizes = sizes.iter().map(|size| usize::from(*size).max(1)).collect();
        Self { rest: &bytes.answer, endless: &bytes.endless, sizes, turn: 0, read: 0 }
    }
}

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes.get(self.turn % self.sizes.len().max(1)).copied().unwrap_or(usize::MAX);
        self.turn += 1;
        let mut given = 0;
        while given < size.min(buffer.len()) {
            if self.rest.is_empty() {
                self.rest = self.endless;
            }
            if self.rest.is_empty() {
                break;
            }
            let length = self.rest.len().min(size.min(buffer.len()) - given);
            buffer[given..given + length].copy_from_slice(&self.rest[..length]);
            (self.rest, given) = (&self.rest[length..], given + length);
        }
        self.read += given;
        Ok(given)
    }
}

/// Ignores the request.
impl Write for Slowly<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
