//! A raw dump of a process whose allocator is jemalloc, and the live samples beside it.
#![cfg(all(target_os = "linux", feature = "jemalloc"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::fs;
use std::hint::black_box;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use memory_debug_core::__private::RouteLabel;
use memory_debug_core::CaptureKind;
use memory_debug_monitor::{
    Action, Captures, DumpSamples, Limit, Monitor, MonitorMetric, Rule, read_captures,
};
use memory_debug_profile::{HeapProfile, Mapping, TypeAttributor};

memory_debug_core::install!(lg_prof_sample = 12);

const CHUNKS: usize = 64;
const CHUNK_BYTES: usize = 64 << 10;

/// A rule that is broken from the start, and captures.
fn capturing(name: &str) -> Rule {
    Rule::above(MonitorMetric::Resident, Limit::bytes(1)).named(name).then(Action::Capture)
}

/// Waits for a raw dump in the folder, and for its live samples. Returns its name.
fn raw_dump(folder: &Path) -> String {
    loop {
        let (processes, _) = read_captures(folder).unwrap();
        let mut files = processes.into_iter().flat_map(|process| process.files);
        let dump = files.find(|file| file.kind == CaptureKind::RawDump);
        if let Some(dump) = dump
            && folder.join(DumpSamples::file_of(&dump.file).unwrap()).exists()
        {
            return dump.file;
        }
        std::thread::yield_now();
    }
}

#[test]
fn s66_a_raw_dump_has_its_live_samples_beside_it_with_ages_and_routes_and_without_addresses() {
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("captures");
    // The second one finds a collection under way, so it lets jemalloc write a dump.
    let monitor = Monitor::new()
        .rule(capturing("first"))
        .rule(capturing("second"))
        .before_oom(Captures::in_folder(&folder).even_in_memory());
    memory_debug_core::record_live_samples().unwrap();
    let label = RouteLabel::of("GET /kept").unwrap().enter();
    let kept: Vec<Vec<u8>> = (0..CHUNKS).map(|_| black_box(vec![1; CHUNK_BYTES])).collect();
    drop(label);
    let monitor = monitor.start().unwrap();
    let name = raw_dump(&folder);
    monitor.stop();

    let path = folder.join(DumpSamples::file_of(&name).unwrap());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let text = fs::read_to_string(&path).unwrap();
    for chunk in &kept {
        let address = chunk.as_ptr().addr();
        assert!(!text.contains(&format!("{address:x}")) && !text.contains(&address.to_string()), "{text}");
    }

    let dump = fs::read(folder.join(&name)).unwrap();
    let profile = HeapProfile::parse(&*dump).unwrap();
    let samples = DumpSamples::parse(text.as_bytes(), dump.len() as u64).unwrap();
    let profile = samples.join(profile);
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let births = TypeAttributor::new().births(&profile, &no_files, &[]).unwrap();
    let route = births.routes.iter().find(|row| row.type_name == "GET /kept");
    // Each chunk is much larger than the mean distance of samples, so it is sampled, and its size is exact. The list of
    // chunks may be sampled, too.
    let chunks = (CHUNKS * CHUNK_BYTES) as u64;
    assert!((chunks..chunks + (64 << 10)).contains(&route.unwrap().bytes()), "{route:?}");
    assert_eq!(births.ages(route.unwrap()).unwrap().known_share, 1.0);
    assert!(DumpSamples::parse(text.as_bytes(), dump.len() as u64 + 1).is_err(), "it fits this dump only");
    drop(kept);
}
