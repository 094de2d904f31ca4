use std::os::unix::fs::{PermissionsExt as _, symlink};

use proptest::prelude::*;

use super::surplus::MAX_CAPTURES;
use super::*;

fn capture(pid: u32, kind: CaptureKind, at_ms: u64, permille: u32, bytes: u64) -> Entry {
    let process = ProcessKey::for_test(pid);
    Entry { name: FileName::Capture { process, kind, at_ms, permille: Some(permille) }, bytes }
}

#[test]
fn names_read_back_and_other_names_are_refused() {
    let process = ProcessKey::own(memory_debug_core::instance_id());
    let capture = |kind, permille| FileName::Capture { process: process.clone(), kind, at_ms: 17, permille };
    for name in [
        FileName::Flight(process.clone()),
        FileName::Ballast(process.clone()),
        capture(CaptureKind::Baseline, None),
        capture(CaptureKind::Snapshot, Some(951)),
        capture(CaptureKind::RawDump, Some(1003)),
        capture(CaptureKind::RawDump, Some(1003)).samples().unwrap(),
        capture(CaptureKind::RawDump, None).samples().unwrap(),
    ] {
        assert_eq!(FileName::parse(&name.to_string()), Some(name));
    }
    for text in [
        "",
        "flight-1-2-0123abcd.bin.tmp",
        "flight-1-2-0123ABCD.bin",
        "flight-01-2-0123abcd.bin",
        "flight-1-2.bin",
        "raw-1-2-0123abcd-5-+900.heap",
        "raw-1-2-0123abcd-5-900.heap.tmp",
        "raw-1-2-0123abcd-5.heap",
        "raw-1-2-0123abcd-5-900.live.tmp",
        "snapshot-1-2-0123abcd-5-900.live",
        "other-1-2-0123abcd-5-900.heap",
        "memory-0123abcd.pb.gz",
    ] {
        assert_eq!(FileName::parse(text), None, "{text}");
    }
}

#[test]
fn s66_a_folder_that_others_can_change_is_refused() {
    let around = tempfile::tempdir().unwrap();
    let path = around.path().join("captures");
    CaptureFolder::open(&path, true).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    for mode in [0o720, 0o702, 0o770, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = CaptureFolder::open(&path, true).unwrap_err().to_string();
        assert!(error.contains("can be written by others"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    symlink(&path, around.path().join("link")).unwrap();
    let error = CaptureFolder::open(&around.path().join("link"), true).unwrap_err().to_string();
    assert!(error.contains("is a link"), "{error}");
    fs::write(around.path().join("file"), "").unwrap();
    assert!(CaptureFolder::open(&around.path().join("file"), true).is_err());
}

#[test]
fn s66_a_folder_of_another_user_is_refused() {
    // Root's, unless the test runs as root, which then gives one away.
    let around = tempfile::tempdir().unwrap();
    let given = around.path().join("given");
    fs::create_dir(&given).unwrap();
    fs::set_permissions(&given, fs::Permissions::from_mode(0o700)).unwrap();
    let path = if std::os::unix::fs::chown(&given, Some(65_534), None).is_ok() { given } else { "/".into() };
    let error = CaptureFolder::open(&path, true).unwrap_err().to_string();
    assert!(error.contains("belongs to another user"), "{error}");
}

#[test]
fn a_folder_in_memory_is_refused_unless_accepted() {
    let path = Path::new("/dev/shm").join(format!("memory-debug-captures-{}", std::process::id()));
    let refused = CaptureFolder::open(&path, false);
    let accepted = CaptureFolder::open(&path, true);
    fs::remove_dir(&path).unwrap();
    assert!(refused.unwrap_err().to_string().contains("is in memory (tmpfs)"));
    assert!(accepted.unwrap().warning().unwrap().contains("count towards the memory limit"));
}

#[test]
fn tidying_leaves_other_files_and_files_of_living_processes() {
    let folder = tempfile::tempdir().unwrap();
    let captures = CaptureFolder::to_read(folder.path());
    let (own, dead) = (ProcessKey::own(memory_debug_core::instance_id()), ProcessKey::for_test(1));
    let own_ballast = captures.path_of(&FileName::Ballast(own.clone()));
    let dead_ballast = captures.path_of(&FileName::Ballast(dead.clone()));
    let own_tmp = folder.path().join(format!("flight-{own}.bin.tmp"));
    let dead_tmp = folder.path().join(format!("flight-{dead}.bin.tmp"));
    let notes = folder.path().join("notes.tmp");
    for path in [&own_ballast, &dead_ballast, &own_tmp, &dead_tmp, &notes] {
        fs::write(path, "x").unwrap();
    }
    captures.tidy(&own, 1 << 20);
    let kept = [&own_ballast, &own_tmp, &notes].map(|path| path.exists());
    let gone = [&dead_ballast, &dead_tmp].map(|path| path.exists());
    assert_eq!((kept, gone), ([true; 3], [false; 2]));
}

#[test]
fn s66_m8_the_newest_the_largest_and_the_baseline_stay() {
    let mut entries = vec![
        capture(1, CaptureKind::Baseline, 1, 500, 10),
        capture(1, CaptureKind::Snapshot, 2, 999, 10),
        capture(2, CaptureKind::RawDump, 1_000, 700, 10),
    ];
    entries.extend((3..100).map(|pid| capture(pid, CaptureKind::RawDump, u64::from(pid), 800, 10)));
    let surplus = surplus::of(&entries, &[], 1000);
    assert_eq!(entries.len() - surplus.len(), MAX_CAPTURES);
    assert!(entries[..3].iter().all(|entry| !surplus.contains(&entry)));
    let surplus = surplus::of(&entries, &[], 30);
    assert_eq!(entries.len() - surplus.len(), 3);
    assert!(entries[..3].iter().all(|entry| !surplus.contains(&entry)));
    let surplus = surplus::of(&entries, &[], 10);
    assert!(!surplus.contains(&&entries[2]), "the newest goes last");
}

fn any_entry() -> impl Strategy<Value = Entry> {
    let kind = prop::sample::select(vec![CaptureKind::Baseline, CaptureKind::Snapshot, CaptureKind::RawDump]);
    let process = (1_u32..6).prop_map(ProcessKey::for_test);
    let name =
        (0..4, process, kind, 0_u64..50, 500_u32..1000).prop_map(|(form, process, kind, at_ms, permille)| {
            match form {
                0 => FileName::Flight(process),
                1 => FileName::Samples { process, at_ms, permille: Some(permille) },
                _ => FileName::Capture { process, kind, at_ms, permille: Some(permille) },
            }
        });
    (name, 1_u64..1000).prop_map(|(name, bytes)| Entry { name, bytes })
}

proptest! {
    #[test]
    fn s66_m8_the_rest_keeps_the_bounds_and_what_is_worth_most(
        mut entries in prop::collection::vec(any_entry(), 0..60),
        has_samples in any::<u64>(),
        max_bytes in 2000_u64..20_000,
    ) {
        let dumps = entries.iter().zip(0_u32..).filter(|(_, at)| has_samples.checked_shr(*at).unwrap_or(0) & 1 == 1);
        let samples: Vec<_> = dumps
            .filter_map(|(dump, _)| Some(Entry { name: dump.name.samples()?, bytes: dump.bytes }))
            .collect();
        entries.extend(samples);
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        entries.dedup_by(|a, b| a.name == b.name);
        let alive = ProcessKey::for_test(1);
        let surplus = surplus::of(&entries, &[&alive], max_bytes);
        let kept: Vec<_> = entries.iter().filter(|entry| !surplus.contains(entry)).collect();
        prop_assert_eq!(kept.len() + surplus.len(), entries.len(), "none is removed twice");
        let flight_alive = entries.iter().find(|entry| entry.name == FileName::flight(&alive));
        prop_assert!(flight_alive.is_none_or(|entry| kept.contains(&entry)));
        let bytes: u64 = kept.iter().map(|entry| entry.bytes).sum();
        prop_assert!(bytes <= max_bytes);
        let captures = |of: &[&Entry]| of.iter().filter(|entry| matches!(entry.name, FileName::Capture { .. })).count();
        prop_assert!(captures(&kept) <= MAX_CAPTURES);
        let names: Vec<_> = kept.iter().filter_map(|entry| entry.name.samples()).collect();
        for entry in &entries {
            let is_samples = matches!(entry.name, FileName::Samples { .. });
            prop_assert!(!is_samples || kept.contains(&entry) == names.contains(&entry.name), "both stay or both go");
        }
        if captures(&entries.iter().collect::<Vec<_>>()) > 0 && captures(&kept) > 0 {
            let time = |entry: &&Entry| match entry.name { FileName::Capture { at_ms, .. } => at_ms, _ => 0 };
            let newest = entries.iter().map(|entry| time(&entry)).max();
            prop_assert_eq!(kept.iter().map(time).max(), newest);
        }
    }
}
