use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::channel;

use memory_debug_core::{InstanceInfo, instance_id};

use super::*;
use crate::flight::{FlightFile, Header};

const LONG: Duration = Duration::from_secs(60);

fn header() -> Header {
    let instance = InstanceInfo::new(instance_id(), 7);
    Header { instance, opened_ms: 1, limit_source: None, group: None, oom_kills: None }
}

fn reading(seconds: u64) -> Reading {
    Reading { at: Duration::from_secs(seconds), unix_ms: seconds * 1000, ..Reading::default() }
}

/// The folder of a file, its path, and the file.
fn recording() -> (tempfile::TempDir, PathBuf, Recording) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let recording = Recording::create(&path, &header()).unwrap();
    (folder, path, recording)
}

fn never() -> io::Result<Recording> {
    Err(io::Error::other("not in this test"))
}

/// The seconds of the records in a file.
fn seconds(path: &std::path::Path) -> Vec<u64> {
    FlightFile::read(path).unwrap().records.iter().map(|record| record.at.as_secs()).collect()
}

#[test]
fn what_was_handed_over_is_in_the_file_before_its_end_is_marked() {
    let (_folder, path, recording) = recording();
    let writer = Writer::start(path.clone(), Ok(recording), never).unwrap();
    for second in 1..4 {
        writer.write(&reading(second));
        writer.settle();
    }
    let types = vec![("Vec<Order>".to_owned(), 9)];
    writer.know(Duration::from_secs(4), KnownTypes { at_ms: 5, types: types.clone(), earlier: Vec::new() });
    writer.write(&reading(4));
    assert_eq!(writer.end(99, LONG), Ok(()));
    let file = FlightFile::read(&path).unwrap();
    assert_eq!((seconds(&path), file.ended_ms), (vec![1, 2, 3, 4], Some(99)));
    assert_eq!(file.known.unwrap().types, types);
    assert!(!FlightFile::is_locked(&path));
}

#[test]
fn m5_a_disk_that_does_not_answer_is_late_and_the_latest_record_follows_when_it_does() {
    let (_folder, path, recording) = recording();
    let (answer, disk) = channel::<()>();
    let mut recording = Some(recording);
    let open = move || {
        // The disk hangs until the test lets it go.
        let _ = disk.recv();
        recording.take().ok_or_else(|| io::Error::other("only once"))
    };
    let writer = Writer::start("flight".into(), Err("not yet".into()), open).unwrap();
    assert_eq!(writer.health(LONG), Health::Failed);
    let begin = Duration::from_secs(10);
    writer.open(begin);
    for second in 10..20 {
        writer.write(&reading(second));
    }
    assert_eq!(writer.health(begin), Health::Failed);
    let late = begin + LATE_AFTER;
    assert_eq!(writer.health(late), Health::Late(LATE_AFTER));
    assert_eq!(
        writer.problem(late + LONG).unwrap(),
        "the flight record cannot be written: a write to flight has not returned for 62 s"
    );
    drop(answer);
    writer.settle();
    assert_eq!((writer.health(late + LONG), writer.problem(LONG)), (Health::Good, None));
    assert_eq!(seconds(&path).last(), Some(&19));
}

#[test]
fn m5_the_end_does_not_wait_for_a_disk_that_does_not_answer() {
    let (answer, disk) = channel::<()>();
    let open = move || {
        let _ = disk.recv();
        never()
    };
    let writer = Writer::start("flight".into(), Err("not yet".into()), open).unwrap();
    writer.open(Duration::ZERO);
    // The thread is in the call that hangs, so no time is long enough.
    assert_eq!(writer.end(99, Duration::from_millis(1)), Err("the disk does not answer".into()));
    drop(answer);
}

#[test]
fn m5_a_file_that_fails_is_closed_with_the_reason_and_a_new_one_goes_on() {
    let (folder, path, recording) = recording();
    let mut opened = 0;
    let next = path.clone();
    let open = move || {
        opened += 1;
        if opened == 1 {
            return Err(io::Error::other("the disk is full"));
        }
        fs::remove_file(&next)?;
        Recording::create(&next, &header())
    };
    let writer = Writer::start(path.clone(), Ok(recording), open).unwrap();
    writer.write(&reading(1));
    writer.settle();
    writer.open(Duration::from_secs(2));
    writer.settle();
    assert_eq!(writer.problem(LONG).unwrap(), "the flight record cannot be written: the disk is full");
    writer.write(&reading(3));
    writer.settle();
    assert_eq!(writer.health(LONG), Health::Failed, "there is still no file");
    writer.open(Duration::from_secs(4));
    writer.write(&reading(4));
    writer.settle();
    assert_eq!((writer.health(LONG), seconds(&path)), (Health::Good, vec![4]));
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
