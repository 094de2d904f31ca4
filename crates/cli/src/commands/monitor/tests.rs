use std::fs;

use memory_debug_report::{Capture, CapturedProcess, InstanceId, InstanceInfo};

use super::*;

const DUMP: &str = "heap_v2/524288\n  t*: 9: 576 [0: 0]\n@ 0x1010 0x1020\n  t*: 9: 576 [0: 0]\n\n\
                    MAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /nonexistent/shop\n";

fn process(file: &str, kind: CaptureKind) -> CapturedProcess {
    let mut instance = InstanceInfo::new(InstanceId::from_random([7; 16]), 4242);
    instance.build_id = Some("0123abcd".into());
    let mut process = CapturedProcess::new(instance, ProcessEnd::Abrupt, "process 4242 did not end in order");
    process.files = vec![Capture::new(file, kind, "2026-11-29T14:00:00.000Z", 1, 4242)];
    process
}

fn read_one(content: &[u8], kind: CaptureKind) -> Folder {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), content).unwrap();
    let programs = Programs::read(&[]).unwrap();
    let captured = Captured::read(folder.path(), process("file", kind), &programs, 10);
    Folder { folder: "captures".into(), processes: vec![captured], skipped: vec!["flight: half".into()] }
}

#[test]
fn a_raw_dump_without_its_program_says_which_one_is_needed() {
    let folder = read_one(DUMP.as_bytes(), CaptureKind::RawDump);
    let expected = "process 4242 did not end in order\n  raw dump of 2026-11-29T14:00:00.000Z: file\n    types are not \
                    available: the program with build-id 0123abcd is needed, but /nonexistent/shop cannot be read; name \
                    it with --binary\nskipped: flight: half\n";
    assert_eq!(text(&folder), expected);
    assert!(folder.processes[0].profiles[0].total_bytes.is_none(), "a table of unknown code is no table");
}

#[test]
fn the_types_of_records_show_how_they_grew() {
    let mut folder = read_one(DUMP.as_bytes(), CaptureKind::RawDump);
    let process = &mut folder.processes[0].process;
    process.records = vec![FlightRecord::default(); 20];
    for (index, mib) in (0..).zip(1_u64..=6) {
        let record = &mut process.records[2 * index];
        record.types_at = Some(format!("2026-11-29T14:00:0{mib}.000Z"));
        record.types =
            ["Order", "Product", "Event", "Rest"].map(|name| (name.to_owned(), mib << 20)).to_vec();
    }
    process.records[19] = process.records[10].clone();
    let text = text(&folder);
    let lines: Vec<_> = text.lines().filter(|line| line.contains("types: ")).collect();
    assert_eq!(lines.len(), RECORDS, "{text}");
    assert_eq!(
        lines[0],
        "  2026-11-29T14:00:02.000Z  types: Order 2.00 MiB, Product 2.00 MiB, Event 2.00 MiB"
    );
    assert!(lines[RECORDS - 1].contains("Order 6.00 MiB"), "the latest measurements are shown");
}

#[test]
fn damaged_captures_have_a_reason() {
    for kind in [CaptureKind::RawDump, CaptureKind::Snapshot] {
        let folder = read_one(&DUMP.as_bytes()[..40], kind);
        let profile = &folder.processes[0].profiles[0];
        assert!(profile.unavailable.is_some() && profile.types.is_empty(), "{profile:?}");
    }
}

#[test]
fn an_empty_folder_is_said_to_be_empty() {
    let folder = Folder { folder: "captures".into(), processes: Vec::new(), skipped: Vec::new() };
    assert_eq!(text(&folder), "no process has left a flight record in captures\n");
}
