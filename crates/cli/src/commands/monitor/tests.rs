use std::fs;
use std::time::SystemTime;

use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};
use memory_debug_report::{
    Births, Capture, CapturedProcess, InstanceId, InstanceInfo, PprofOptions, Selection, Snapshot,
    SnapshotInfo,
};

use super::captured::{TypeBytes, samples_of};
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
fn a_raw_dump_without_its_live_samples_says_why_it_has_no_ages() {
    let folder = tempfile::tempdir().unwrap();
    let samples = |dump| samples_of(folder.path(), dump, 7).unwrap_err();
    assert_eq!(samples("other"), "the dump was renamed, so its live samples are not found");
    let missing = samples("raw-1.heap");
    assert!(missing.starts_with("the file raw-1.live is missing; the process had not recorded"), "{missing}");
    fs::write(folder.path().join("raw-1.live"), "memory-debug/live/1\nbefore\n1 2 3").unwrap();
    let cut = "raw-1.live is of no use: it is not complete: its last line is missing";
    assert_eq!(samples("raw-1.heap"), cut);
    let mut folder = read_one(DUMP.as_bytes(), CaptureKind::RawDump);
    let profile = &mut folder.processes[0].profiles[0];
    profile.unavailable = None;
    profile.total_bytes = Some(64);
    profile.types = vec![TypeBytes { type_name: "Order".into(), bytes: 64, objects: 1, ages: None }];
    profile.ages_unavailable = Some(cut.into());
    let expected =
        format!("\n            64 B 100.0 %  Order\n    ages and routes are not available: {cut}\n");
    assert!(text(&folder).contains(&expected), "{}", text(&folder));
}

#[test]
fn an_empty_folder_is_said_to_be_empty() {
    let folder = Folder { folder: "captures".into(), processes: Vec::new(), skipped: Vec::new() };
    assert_eq!(text(&folder), "no process has left a flight record in captures\n");
}

#[test]
fn a_snapshot_shows_how_old_its_types_were_and_which_routes_allocated() {
    // A profile with names counts by thread.
    let dump = DUMP.replace("[0: 0]\n\n", "[0: 0]\n  t1: 9: 576 [0: 0]\n\n");
    let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let profile = TypeAttributor::new().symbolize(&profile, &no_files);
    let name = &profile.summarize(&Selection::default()).entries[0];
    let (type_name, full_type) = (&name.type_name, &name.full_type);
    let row = |name: &str, full: &str, is_attributed: bool, period: u32| {
        serde_json::json!({
            "type": name, "full_type": full, "is_attributed": is_attributed,
            "periods": [[0, 8193, 524_320], [period, 8 * 8193, 8 * 524_320]],
        })
    };
    // Recorded for 20 minutes; a ninth is older than ten.
    let births = serde_json::json!({
        "recorded_ms": 1_200_000, "sample_bytes": 524_288, "bounds_ms": [600_000, 1_000_000], "all": row("", "", false, 2),
        "types": [row(type_name, full_type, name.is_attributed, 2)], "routes": [row("GET /orders", "GET /orders", true, 2)],
    });
    let info = serde_json::json!({
        "schema": "memory-debug-snapshot/v1", "id": "000102030405060708090a0b0c0d0e0f", "label": null,
        "taken_at": "2026-11-29T14:00:00.000Z", "stacks": 1, "sampled_bytes": 1,
        "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        "ages": {"recorded_seconds": 1200.0, "known_share": 1.0},
    });
    let info: SnapshotInfo = serde_json::from_value(info).unwrap();
    let births: Births = serde_json::from_value(births).unwrap();
    let at = SystemTime::UNIX_EPOCH;
    let snapshot = Snapshot::with_births(info, &profile, Some(&births), at).unwrap();
    let folder = read_one(snapshot.as_bytes(), CaptureKind::Snapshot);
    let text = text(&folder);
    assert!(text.contains("; half of its bytes are older than 1m 52s"), "{text}");
    assert!(
        text.contains(", and 11 % are older than 10 min\n    by route: GET /orders 4.50 MiB\n"),
        "{text}"
    );
    let mut plain = Vec::new();
    profile.write_pprof(&PprofOptions::default(), &mut plain).unwrap();
    let folder = read_one(&plain, CaptureKind::Snapshot);
    let [row] = &folder.processes[0].profiles[0].types[..] else { panic!("{folder:?}") };
    assert_eq!((row.bytes, row.ages), (9 * 524_320, None), "a capture of an earlier version");
}
