//! Tests of snapshots in a folder, saved by processes that are killed or cannot write.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use memory_debug_core::{Collector, Scope, Snapshot, SnapshotFolder, spawn_collecting};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

memory_debug_core::install!(lg_prof_sample = 10);

/// The environment variable with the folders that a child reads from and saves to.
const SOURCE: &str = "MEMORY_DEBUG_TEST_SOURCE";
const TARGET: &str = "MEMORY_DEBUG_TEST_TARGET";

/// How many saving processes are killed.
const KILLS: u64 = 60;

/// A folder among temporary files, removed on drop.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("memory-debug-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn folder(&self) -> SnapshotFolder {
        SnapshotFolder::new(&self.0)
    }

    fn unfinished(&self) -> usize {
        let files = fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "tmp")).count()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn taken(count: usize) -> Vec<Snapshot> {
    static COLLECTOR: OnceLock<Collector> = OnceLock::new();
    let take = move || {
        let collector = COLLECTOR.get_or_init(Collector::new);
        (0..count).map(|_| collector.collect(Scope::Types).snapshot(None).unwrap()).collect()
    };
    spawn_collecting(take).unwrap().join().unwrap()
}

/// The snapshots of a folder by id, as they were saved. No file in the folder may be damaged.
fn saved(folder: &SnapshotFolder) -> BTreeMap<String, Vec<u8>> {
    let (snapshots, passed_over) = folder.load().unwrap();
    assert_eq!(passed_over, [""; 0]);
    snapshots.iter().map(|snapshot| (snapshot.info().id.to_string(), snapshot.as_bytes().to_vec())).collect()
}

/// This test's executable with one ignored test.
fn child(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]);
    command
}

#[test]
#[ignore = "saves until it is killed"]
fn saves_until_it_is_killed() {
    let folder = |name| SnapshotFolder::new(std::env::var_os(name).unwrap());
    let (sources, _) = folder(SOURCE).load().unwrap();
    let there = saved(&folder(TARGET));
    let (there, missing): (Vec<_>, Vec<_>) =
        sources.iter().partition(|snapshot| there.contains_key(&snapshot.info().id.to_string()));
    let mut out = std::io::stdout();
    // Saves the last snapshots over and over, because replacing an earlier file must not lose anything, either.
    for snapshot in missing.into_iter().chain(there.into_iter().cycle()) {
        folder(TARGET).save(snapshot).unwrap();
        writeln!(out, "saved {}", snapshot.info().id).unwrap();
    }
}

/// Starts the test above, kills it `delay` after this many saves, and returns the ids that it printed.
fn killed(source: &Path, target: &Path, saves: usize, delay: Duration) -> BTreeSet<String> {
    let mut child = child("saves_until_it_is_killed")
        .env(SOURCE, source)
        .env(TARGET, target)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut told = lines.filter_map(|line| {
        line.split_once("saved ").map(|(_, id)| id.to_owned()).filter(|id| id.len() == 32)
    });
    let mut ids: BTreeSet<_> = told.by_ref().take(saves).collect();
    thread::sleep(delay);
    child.kill().unwrap();
    ids.extend(told);
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&child.wait().unwrap()), Some(9), "{ids:?}");
    ids
}

#[test]
fn s45_a_process_killed_while_it_saves_loses_no_saved_snapshot() {
    let (source, target) = (Scratch::new("source"), Scratch::new("target"));
    for snapshot in taken(12) {
        source.folder().save(&snapshot).unwrap();
    }
    let (sources, mut expected) = (saved(&source.folder()), BTreeSet::new());
    let (mut random, mut cut) = (0x9e37_79b9_u64, 0);
    for _ in 0..KILLS {
        // Knuth's generator; its upper half is random.
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (saves, micros) = ((random >> 40) % 12, (random >> 50) % 2000);
        let told = killed(&source.0, &target.0, saves as usize, Duration::from_micros(micros));
        expected.extend(told);

        let found = saved(&target.folder());
        let lost: Vec<_> = expected.iter().filter(|id| !found.contains_key(*id)).collect();
        assert_eq!(lost, [""; 0]);
        let untold = found.keys().filter(|id| !expected.contains(*id)).count();
        assert!(untold <= 1, "a file was complete, but its process was killed before it printed the id");
        assert!(found.iter().all(|(id, bytes)| &sources[id] == bytes), "each snapshot is unchanged");
        assert!(target.unfinished() <= 1, "the next save removes the incomplete file of the last one");
        cut += target.unfinished();
        // Gives the next process new snapshots to save.
        expected = found.into_keys().collect();
        for id in expected.iter().step_by(2).cloned().collect::<Vec<_>>() {
            target.folder().remove(id.parse().unwrap()).unwrap();
            expected.remove(&id);
        }
    }
    println!("{KILLS} kills, {cut} of them with an incomplete file");
    target.folder().save(&taken(1)[0]).unwrap();
    assert_eq!(target.unfinished(), 0);
}

#[test]
#[ignore = "limits the files of its process"]
fn a_save_fails_in_a_process_with_small_files() {
    let scratch = Scratch::new("limited");
    let snapshots = taken(2);
    scratch.folder().save(&snapshots[0]).unwrap();
    let before = saved(&scratch.folder());
    let unlimited = getrlimit(Resource::Fsize);
    let whole = snapshots[1].as_bytes().len() as u64;
    for limit in [0, 1, whole / 2, whole - 1] {
        setrlimit(Resource::Fsize, Rlimit { current: Some(limit), ..unlimited }).unwrap();
        let failed = scratch.folder().save(&snapshots[1]).unwrap_err();
        setrlimit(Resource::Fsize, unlimited).unwrap();
        assert_eq!(failed.raw_os_error(), Some(libc::EFBIG), "{limit}: {failed}");
        assert_eq!((saved(&scratch.folder()) == before, scratch.unfinished()), (true, 0), "{limit}");
    }
    scratch.folder().save(&snapshots[1]).unwrap();
    assert_eq!(saved(&scratch.folder()).len(), 2);
}

#[test]
fn s45_a_limit_on_files_fails_a_save_and_does_not_end_the_process() {
    let output = child("a_save_fails_in_a_process_with_small_files").output().unwrap();
    let printed =
        [output.stdout, output.stderr].map(|printed| String::from_utf8_lossy(&printed).into_owned());
    assert!(output.status.success() && printed[0].contains("1 passed"), "{}: {printed:?}", output.status);
}
