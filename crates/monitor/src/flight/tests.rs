use std::fs;
use std::time::Duration;

use memory_debug_core::{InstanceInfo, instance_id};
use proptest::prelude::*;

use super::*;
use crate::reading::{AllocatorUse, ContainerUse, Reading};

fn header() -> Header {
    let mut instance = InstanceInfo::new(instance_id(), 7);
    instance.service = Some("shop".into());
    Header {
        instance,
        opened_ms: 1,
        limit_source: Some("container v2, limit of /shop".into()),
        group: Some("/shop".into()),
        oom_kills: Some(3),
    }
}

fn reading(number: u64) -> Reading {
    Reading {
        at: Duration::from_millis(number),
        unix_ms: 1_000 + number,
        container: Some(ContainerUse { used: number, limit: 512, inactive_file: 1 }),
        resident: Some(number),
        allocator: Some(AllocatorUse { allocated: number, ..AllocatorUse::default() }),
        oom_kills: number.is_multiple_of(2).then_some(number),
        ..Reading::default()
    }
}

fn known(at_ms: u64, types: &[(&str, u64)]) -> KnownTypes {
    let types = types.iter().map(|(name, bytes)| ((*name).to_owned(), *bytes)).collect();
    KnownTypes { at_ms, types, earlier: Vec::new() }
}

/// The bytes of a file with this many records.
fn file(records: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let mut recording = Recording::create(&path, &header()).unwrap();
    (1..=records).for_each(|number| recording.write(&reading(number)).unwrap());
    recording.know(known(5, &[("Vec<Order>", 9)])).unwrap();
    fs::read(path).unwrap()
}

#[test]
fn m13_records_read_back_as_they_were_written_also_after_the_ring_is_full() {
    for count in [0, 1, 2, RECORDS as u64 - 1, RECORDS as u64, RECORDS as u64 + 1, 3 * RECORDS as u64 + 5] {
        let bytes = file(count);
        assert_eq!(bytes.len(), FILE_BYTES);
        let read = FlightFile::parse(&bytes).unwrap();
        let oldest = count.saturating_sub(RECORDS as u64) + 1;
        assert_eq!(read.records, (oldest..=count).map(reading).collect::<Vec<_>>(), "{count}");
        assert_eq!((read.header, read.damaged, read.ended_ms), (header(), 0, None));
        assert_eq!(read.known.unwrap().types, [("Vec<Order>".to_owned(), 9)]);
    }
}

#[test]
fn m13_each_record_has_the_types_that_were_known_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let mut recording = Recording::create(&path, &header()).unwrap();
    recording.write(&reading(1)).unwrap();
    let first = known(10, &[("Vec<Order>", 100), ("Product", 50)]);
    recording.know(first.clone()).unwrap();
    recording.write(&reading(2)).unwrap();
    let many: Vec<_> = (0..20).map(|bytes| (format!("Type{bytes}"), 200 - bytes)).collect();
    let second = KnownTypes { at_ms: 20, types: many.clone(), earlier: Vec::new() };
    recording.know(second).unwrap();
    recording.write(&reading(3)).unwrap();
    let read = FlightFile::read(&path).unwrap();
    let largest = KnownTypes { at_ms: 20, types: many[..16].to_vec(), earlier: Vec::new() };
    assert_eq!(read.types, [None, Some(first), Some(largest)]);
    assert_eq!((read.records.len(), read.known.unwrap().types), (3, many));
}

#[test]
fn m13_records_of_earlier_versions_have_no_types() {
    let mut bytes = file(1);
    // The length and the checksum of a record that ends with its numbers.
    let start = HEADER_BYTES;
    checked::seal(&mut bytes[start..start + RECORD_BYTES], 19 * 8);
    let read = FlightFile::parse(&bytes).unwrap();
    assert_eq!((read.records, read.types, read.damaged), (vec![reading(1)], vec![None], 0));
}

#[test]
fn only_a_process_that_ended_in_order_leaves_the_mark() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let recording = Recording::create(&path, &header()).unwrap();
    assert!(FlightFile::is_locked(&path) && FlightFile::read(&path).unwrap().ended_ms.is_none());
    recording.end(99).unwrap();
    assert_eq!(FlightFile::read(&path).unwrap().ended_ms, Some(99));
    assert!(!FlightFile::is_locked(&path));
}

#[cfg(unix)]
#[test]
fn m5_a_file_that_was_removed_is_an_error_and_not_lost_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let mut recording = Recording::create(&path, &header()).unwrap();
    recording.write(&reading(1)).unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(recording.write(&reading(2)).unwrap_err().to_string(), "its file was removed");
}

#[cfg(unix)]
#[test]
fn s66_the_file_is_private_and_all_of_it_is_allocated() {
    use std::os::unix::fs::MetadataExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flight");
    let _recording = Recording::create(&path, &header()).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.mode() & 0o777, found.len()), (0o600, FILE_BYTES as u64));
    assert!(found.blocks() * 512 >= FILE_BYTES as u64, "{found:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no unfinished file");
}

#[test]
fn names_that_do_not_fit_are_left_out() {
    let mut long = header();
    long.instance.service = Some("s".repeat(3000));
    let mut space = [0; 2032];
    assert!(long.write(&mut space));
    let read = Header::read(&space).unwrap();
    assert_eq!((read.instance.id, read.instance.service), (long.instance.id, None));
    let types: Vec<_> = (0..100).map(|bytes| (format!("Type{}", "x".repeat(90)), 100 - bytes)).collect();
    let mut space = [0; 2024];
    KnownTypes { at_ms: 5, types: types.clone(), earlier: vec!["Earlier".into()] }.write(&mut space);
    let read = KnownTypes::read(&space).unwrap();
    assert_eq!(read.earlier, [""; 0], "the largest types have precedence");
    assert!((10..100).contains(&read.types.len()) && types.starts_with(&read.types), "{}", read.types.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn m13_damage_costs_the_records_it_hits_and_no_other(
        hits in prop::collection::vec((0..FILE_BYTES, any::<u8>()), 0..40),
        count in 0_u64..1200,
        length in 0..FILE_BYTES,
    ) {
        let whole = file(count);
        let mut bytes = whole.clone();
        for (place, value) in hits {
            bytes[place] = value;
        }
        bytes.truncate(FILE_BYTES - length.min(FILE_BYTES / 2));
        let in_header = bytes[..HEADER_BYTES] != whole[..HEADER_BYTES];
        match FlightFile::parse(&bytes) {
            Err(_) => prop_assert!(in_header),
            Ok(read) => {
                let all = FlightFile::parse(&whole).unwrap();
                prop_assert!(read.records.iter().all(|record| all.records.contains(record)));
                let slots = whole[HEADER_BYTES..].chunks(RECORD_BYTES).zip(bytes[HEADER_BYTES..].chunks(RECORD_BYTES));
                let hit = slots.filter(|(whole, bytes)| whole != bytes).count();
                // Reserved bytes of a record may differ, and empty slots have no record to lose.
                let beyond = RECORDS - bytes[HEADER_BYTES..].chunks(RECORD_BYTES).count();
                prop_assert!(read.records.len() + hit + beyond >= all.records.len());
                prop_assert!(read.damaged <= hit);
            }
        }
    }

    #[test]
    fn m13_no_bytes_make_the_reader_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..9000)) {
        let _ = FlightFile::parse(&bytes);
        let whole = file(1);
        let length = bytes.len().min(HEADER_BYTES);
        bytes[..length].copy_from_slice(&whole[..length]);
        let _ = FlightFile::parse(&bytes);
    }
}
