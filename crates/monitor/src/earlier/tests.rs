use memory_debug_core::{InstanceInfo, instance_id};

use super::*;
use crate::flight::{Header, KnownTypes, Recording};
use crate::reading::ContainerUse;

fn flight(share_permille: u64) -> FlightFile {
    let mut instance = InstanceInfo::new(instance_id(), 4242);
    (instance.service, instance.version) = (Some("shop".into()), Some("1.2.0".into()));
    let container = ContainerUse { used: share_permille << 20, limit: 1000 << 20, inactive_file: 0 };
    FlightFile {
        header: Header {
            instance,
            opened_ms: 1_000,
            limit_source: None,
            group: Some("/shop".into()),
            oom_kills: Some(1),
        },
        known: Some(KnownTypes {
            at_ms: 2_000,
            types: vec![("Vec<Order>".into(), 3 << 20)],
            earlier: Vec::new(),
        }),
        ended_ms: None,
        records: vec![Reading { unix_ms: 5_500, container: Some(container), ..Reading::default() }],
        types: vec![None],
        damaged: 0,
    }
}

fn here(path: &str, oom_kills: u64) -> Group {
    Group { path: Some(path.into()), oom_kills: Some(oom_kills) }
}

#[test]
fn m6_the_sentence_claims_a_kill_only_if_the_kernel_counted_one_in_the_same_group() {
    let killed = "the kernel killed a process of this container for lack of memory";
    for (share, here, expected, is_killed) in [
        (987, here("/shop", 2), killed, Some(true)),
        (987, here("/shop", 1), "it was probably killed for lack of memory", None),
        (987, here("/other", 9), "it was probably killed for lack of memory", None),
        (987, Group::default(), "it was probably killed for lack of memory", None),
        (300, here("/shop", 1), "nothing shows that it lacked memory", None),
        (300, here("/shop", 2), killed, Some(true)),
    ] {
        let process = describe(&flight(share), ProcessEnd::Abrupt, Vec::new(), &here);
        assert!(process.summary.contains(expected), "{}", process.summary);
        assert_eq!(process.was_oom_killed, is_killed, "{share} {here:?}");
    }
}

#[test]
fn the_sentence_says_who_how_full_when_and_what_held_it() {
    let flight = flight(987);
    let process = describe(&flight, ProcessEnd::Abrupt, Vec::new(), &Group::default());
    let expected = format!(
        "process 4242 (shop 1.2.0, instance {}) did not end in order; its last record, of 1970-01-01T00:00:05.500Z, \
         shows 987.00 MiB of the 1000.00 MiB that its container may use (98.7 %); it was probably killed for lack of \
         memory; the largest type, measured 3.5 s before that, was Vec<Order> with 3.00 MiB",
        flight.header.instance.id.short()
    );
    assert_eq!(process.summary, expected);
    assert_eq!(process.records[0].types, [("Vec<Order>".to_owned(), 3 << 20)]);
    assert_eq!(process.records[0].types_at.as_deref(), Some("1970-01-01T00:00:02.000Z"));
}

#[test]
fn a_process_without_records_or_numbers_has_a_sentence_too() {
    let mut empty = flight(987);
    empty.records.clear();
    assert!(
        describe(&empty, ProcessEnd::Abrupt, Vec::new(), &Group::default())
            .summary
            .ends_with("it left no record")
    );
    empty.records.push(Reading::default());
    let text = describe(&empty, ProcessEnd::Abrupt, Vec::new(), &Group::default()).summary;
    assert!(text.contains("does not say how much memory was in use; nothing shows"), "{text}");
}

#[test]
fn only_abrupt_ends_of_young_processes_are_a_crash_loop() {
    let aged = |seconds: u64, end: ProcessEnd| {
        let mut flight = flight(987);
        flight.records[0].unix_ms = 1_000 + seconds * 1000;
        let described = describe(&flight, end, Vec::new(), &Group::default());
        (flight, described)
    };
    let is_loop = |found: Vec<(u64, ProcessEnd)>| {
        let found = found.into_iter().map(|(age, end)| aged(age, end)).collect();
        Processes { found, skipped: Vec::new() }.is_crash_loop(3, Duration::from_secs(30))
    };
    let abrupt = ProcessEnd::Abrupt;
    assert!(is_loop(vec![(1, abrupt), (29, abrupt), (1, abrupt), (99, abrupt)]));
    assert!(is_loop(vec![(1, ProcessEnd::Running), (1, abrupt), (1, abrupt), (1, abrupt)]));
    assert!(!is_loop(vec![(1, abrupt), (1, abrupt)]));
    assert!(!is_loop(vec![(1, abrupt), (30, abrupt), (1, abrupt)]));
    assert!(!is_loop(vec![(1, abrupt), (1, ProcessEnd::InOrder), (1, abrupt), (1, abrupt)]));
}

#[test]
fn a_process_that_is_alive_is_not_an_earlier_one() {
    let folder = tempfile::tempdir().unwrap();
    let captures = CaptureFolder::to_read(folder.path());
    let name = FileName::flight(&ProcessKey::for_test(4242));
    let recording = Recording::create(&captures.path_of(&name), &flight(10).header).unwrap();
    let end = || Processes::read(&captures, None, &Group::default()).found[0].1.end;
    assert_eq!(end(), ProcessEnd::Running, "it holds the lock");
    drop(recording);
    assert_eq!(end(), ProcessEnd::Abrupt);
    let own = ProcessKey::own(instance_id());
    drop(Recording::create(&captures.path_of(&FileName::flight(&own)), &flight(10).header).unwrap());
    let found = Processes::read(&captures, None, &Group::default()).found;
    assert!(
        found.iter().any(|(_, process)| process.end == ProcessEnd::Running),
        "its process id and start are known"
    );
}

#[test]
fn damaged_files_are_skipped_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let captures = CaptureFolder::to_read(folder.path());
    let name = FileName::flight(&ProcessKey::for_test(1)).to_string();
    std::fs::write(folder.path().join(&name), "half").unwrap();
    std::fs::write(folder.path().join("notes.txt"), "another program's").unwrap();
    let processes = Processes::read(&captures, None, &Group::default());
    assert_eq!(processes.skipped, [format!("{name}: it is not a flight record, or of another version")]);
}

#[test]
fn records_name_types_only_when_these_were_just_measured() {
    let known =
        |at_ms, bytes| KnownTypes { at_ms, types: vec![("Vec<Order>".into(), bytes)], earlier: Vec::new() };
    let mut flight = flight(987);
    flight.records = vec![flight.records[0]; 5];
    flight.types = vec![
        None,
        Some(known(1_000, 1)),
        Some(known(1_000, 1)),
        Some(known(1_500, 2)),
        Some(known(1_500, 2)),
    ];
    let process = describe(&flight, ProcessEnd::Abrupt, Vec::new(), &Group::default());
    let bytes: Vec<_> =
        process.records.iter().map(|record| record.types.first().map(|(_, bytes)| *bytes)).collect();
    assert_eq!(bytes, [None, Some(1), None, Some(2), Some(3 << 20)], "the last one has what the header says");
}
