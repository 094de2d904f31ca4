use memory_debug_core::instance_id;

use super::*;
use crate::reading::ContainerUse;

const MIB: u64 = 1 << 20;

fn recorder(settings: Captures) -> Recorder {
    Recorder::open(settings, &InstanceInfo::new(instance_id(), std::process::id()), Some("limit of /shop"))
        .unwrap()
}

fn folder() -> (tempfile::TempDir, Captures) {
    // The folder for temporary files may be in memory, which does not matter here.
    let folder = tempfile::tempdir().unwrap();
    let settings = Captures::in_folder(folder.path().join("captures")).even_in_memory();
    (folder, settings)
}

/// `used` of 512 MiB.
fn reading(seconds: f64, used_mib: u64) -> Reading {
    Reading {
        at: Duration::from_secs_f64(seconds),
        unix_ms: 1_800_000_000_000 + (seconds * 1000.0) as u64,
        container: Some(ContainerUse { used: used_mib * MIB, limit: 512 * MIB, inactive_file: 0 }),
        ..Reading::default()
    }
}

/// Records a look, and lets the disk keep up with the times that the test makes.
fn record(recorder: &mut Recorder, reading: &Reading) {
    recorder.record(reading);
    recorder.flight.settle();
}

/// The kinds of captures that a growth from one value to another makes, one look each 100 ms.
fn wants(recorder: &mut Recorder, mib_per_look: usize) -> Vec<Want> {
    let mut wants = Vec::new();
    for (look, used) in (0..).zip((200..512).step_by(mib_per_look)) {
        let reading = reading(f64::from(look) / 10.0, used);
        record(recorder, &reading);
        if let Some(job) = recorder.due(&reading) {
            wants.push(job.want);
            (recorder.is_collecting, recorder.is_dumping) = (false, false);
        }
    }
    wants
}

#[test]
fn slow_growth_gets_types_while_there_is_room_and_then_dumps() {
    let (_folder, settings) = folder();
    let types = Want::Types(CaptureKind::Snapshot);
    let expected = [Want::Types(CaptureKind::Baseline), types, types, types, types, Want::Raw];
    assert_eq!(wants(&mut recorder(settings), 1), expected);
}

#[test]
fn fast_growth_leaves_no_time_for_types() {
    let (_folder, settings) = folder();
    let seen = wants(&mut recorder(settings), 20);
    assert!(seen.len() >= 5 && seen[1..].iter().all(|want| *want == Want::Raw), "{seen:?}");
}

#[test]
fn s66_without_raw_dumps_none_is_written_and_the_status_says_so() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings.raw_dumps(false));
    assert!(!wants(&mut recorder, 1).contains(&Want::Raw));
    assert!(recorder.known().with_files().skipped.concat().contains("raw dumps are switched off"));
}

#[test]
fn a_mark_that_is_passed_while_types_are_collected_gets_a_dump() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings);
    assert_eq!(recorder.due(&reading(0.0, 360)).unwrap().want, Want::Types(CaptureKind::Snapshot));
    assert!(recorder.due(&reading(0.1, 365)).is_none());
    assert_eq!(recorder.due(&reading(0.2, 410)).unwrap().want, Want::Raw);
    assert!(recorder.due(&reading(0.3, 440)).is_none(), "both are under way");
    recorder.is_dumping = false;
    assert_eq!(recorder.due(&reading(0.4, 440)).unwrap().want, Want::Raw, "the mark is not forgotten");
}

#[test]
fn each_file_is_listed_once() {
    let (_folder, settings) = folder();
    let recorder = recorder(settings);
    let path = recorder.folder.path();
    let names = ["raw-7-9-11111111-1795964397360-951.heap", "raw-7-9-11111111-1795964395695-901.heap"];
    for name in names {
        std::fs::write(path.join(name), "x").unwrap();
        std::fs::write(path.join(name.replace("raw-7-9-1", "raw-8-9-2")), "x").unwrap();
    }
    let mut files: Vec<_> = recorder.known().with_files().files.into_iter().map(|file| file.file).collect();
    let listed = files.len();
    files.sort();
    files.dedup();
    assert_eq!((listed, files.len()), (4, 4), "{files:?}");
    let mut status = recorder.known().with_files();
    status.files.clear();
    assert_eq!(recorder.known().without_files(), status, "the overview does not need the folder");
}

#[test]
fn a_failed_capture_leaves_a_reason_and_no_file() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings);
    let job = recorder.capture_now(&reading(0.0, 300)).unwrap();
    // The allocator of this test is not jemalloc.
    let result = job.run(&Collector::new());
    recorder.done(&result);
    assert!(result.outcome.outcome.starts_with("failed: "), "{result:?}");
    let status = recorder.known().with_files();
    assert_eq!(status.files, []);
    assert!(status.skipped[0].starts_with("the last capture: failed: "), "{status:?}");
    let names: Vec<_> =
        std::fs::read_dir(&status.folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".tmp")), "{names:?}");
}

#[test]
fn records_are_far_apart_in_quiet_times_and_close_before_the_limit() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings);
    let written = |recorder: &Recorder| {
        let path = recorder.folder.path_of(&FileName::flight(&recorder.process));
        crate::flight::FlightFile::read(&path).unwrap().records.len()
    };
    (0..30).for_each(|second| record(&mut recorder, &reading(f64::from(second), 100)));
    assert_eq!(written(&recorder), 3);
    (30..60).for_each(|second| record(&mut recorder, &reading(f64::from(second), 300)));
    assert_eq!(written(&recorder), 33);
}

#[test]
fn small_caps_are_refused_with_the_line_to_change() {
    let (_folder, settings) = folder();
    let instance = InstanceInfo::new(instance_id(), 1);
    let error = Recorder::open(settings.at_most(MIB), &instance, None).unwrap_err();
    assert_eq!(error.to_string(), "captures need at least 8 MiB; raise `at_most`");
}

/// Lets the recorder begin without a flight file, for this reason. It is made once `disk` is ready.
fn without_file(recorder: &mut Recorder, reason: &str, disk: impl Fn() + Send + 'static) {
    let path = recorder.folder.path_of(&FileName::flight(&recorder.process));
    std::fs::remove_file(&path).unwrap();
    let header = Header {
        instance: InstanceInfo::new(instance_id(), 1),
        opened_ms: 1,
        limit_source: None,
        group: None,
        oom_kills: None,
    };
    let file = path.clone();
    let open = move || {
        disk();
        Recording::create(&file, &header)
    };
    recorder.flight = Writer::start(path, Err(failed(&reason)), open).unwrap();
}

#[test]
fn m5_a_disk_that_hangs_pauses_captures_until_it_answers() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings);
    let (answer, hanging) = std::sync::mpsc::channel::<()>();
    without_file(&mut recorder, "not yet", move || _ = hanging.recv());
    recorder.retry_at = Some(Duration::ZERO);
    recorder.record(&reading(0.0, 300));
    recorder.record(&reading(2.0, 420));
    assert!(recorder.is_paused() && recorder.due(&reading(2.0, 420)).is_none());
    let reason = recorder.paused().unwrap();
    assert!(reason.starts_with("the flight record cannot be written: a write to /"), "{reason}");
    assert!(reason.ends_with(" has not returned for 2 s"), "{reason}");
    assert_eq!(recorder.known().without_files().paused, Some(reason));
    drop(answer);
    recorder.flight.settle();
    recorder.record(&reading(4.0, 420));
    assert!(!recorder.is_paused() && recorder.due(&reading(4.0, 420)).is_some());
}

#[test]
fn m5_a_flight_file_that_failed_is_tried_again_a_minute_later() {
    let (_folder, settings) = folder();
    let mut recorder = recorder(settings);
    without_file(&mut recorder, "the disk is full", || ());
    recorder.record(&reading(1.0, 300));
    assert_eq!(recorder.paused().unwrap(), "the flight record cannot be written: the disk is full");
    recorder.record(&reading(60.9, 300));
    assert!(recorder.is_paused());
    record(&mut recorder, &reading(61.0, 300));
    assert!(!recorder.is_paused(), "{:?}", recorder.paused());
    let path = recorder.folder.path_of(&FileName::flight(&recorder.process));
    assert_eq!(crate::flight::FlightFile::read(&path).unwrap().records.len(), 1);
}
