use std::time::Duration;

use memory_debug_core::__private::LiveStream;
use memory_debug_profile::{Group, HeapProfile, LiveSample, Mapping, Selection, StackHash, TypeAttributor};
use proptest::prelude::*;

use super::*;

/// Two stacks: 64 bytes in each of nine objects, and one object of 1 MiB.
const DUMP: &str = "heap_v2/524288\n  t*: 10: 1049152 [0: 0]\n@ 0x1010 0x1020\n  t*: 9: 576 [0: 0]\n\
                    @ 0x1010 0x1030\n  t*: 1: 1048576 [0: 0]\n\nMAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /srv/shop\n";

fn sample(sequence: u64, usable: u64, stack: [u64; 2], age_ms: u64, label: u32) -> LiveSample {
    let stack = StackHash::of(stack.into_iter());
    LiveSample::new(sequence, usable, usable, stack, Duration::from_millis(age_ms), label)
}

fn stream(samples: &[LiveSample]) -> LiveStream<impl Iterator<Item = LiveSample>> {
    LiveStream { recorded: Duration::from_secs(1200), dropped: 0, samples: samples.iter().copied() }
}

fn written(before: &[LiveSample], after: &[LiveSample], labels: &[&str]) -> Vec<u8> {
    let writer = SamplesWriter::begin(Vec::new(), stream(before)).unwrap();
    let labels = labels.iter().map(|label| (*label).to_owned());
    writer.finish(DUMP.len() as u64, stream(after), labels).unwrap()
}

fn parse(content: &[u8]) -> Result<DumpSamples, String> {
    DumpSamples::parse(content, DUMP.len() as u64).map_err(|error| error.to_string())
}

/// Ends lines as the writer does.
fn sealed(body: &str) -> Vec<u8> {
    format!("{body}end {} {:08x}\n", DUMP.len(), crc32fast::hash(body.as_bytes())).into_bytes()
}

#[test]
fn the_dump_gets_its_ages_and_routes() {
    let old: Vec<_> = (1..=9).map(|at| sample(at, 64, [0x1010, 0x1020], 900_000, 1)).collect();
    let young = sample(10, 1 << 20, [0x1010, 0x1030], 5_000, 0);
    let all = [&old[..], &[young]].concat();
    let content = written(&all, &all, &["(no route)", "GET /orders"]);
    let profile = HeapProfile::parse(DUMP.as_bytes()).unwrap();
    let profile = parse(&content).unwrap().join(profile);
    assert_eq!(profile.recording().unwrap().recorded, Duration::from_secs(1200));
    let no_files = |_: &Mapping| Err(std::io::ErrorKind::NotFound.into());
    let births = TypeAttributor::new().births(&profile, &no_files, &[]).unwrap();
    let ages = births.ages(&births.all).unwrap();
    assert_eq!(ages.known_share, 1.0);
    assert!(ages.older_than_10m > 0.7 && ages.older_than_10m < 0.9, "{ages:?}");
    let routes = TypeAttributor::new().summarize(&profile, &no_files, &Selection::from(Group::Route));
    assert_eq!(routes.entries[0].type_name, "GET /orders");
}

#[test]
fn s60_the_file_has_hashes_in_place_of_addresses() {
    let text =
        String::from_utf8(written(&[], &[sample(7, 64, [0x5555_1010, 0x5555_1020], 1, 0)], &["(no route)"]));
    let text = text.unwrap();
    assert!(!text.contains("5555") && !text.contains(&0x5555_1010_u64.to_string()), "{text}");
    assert_eq!(text.lines().count(), 6, "{text}");
}

#[test]
fn a_name_with_a_line_feed_stays_one_label() {
    let samples = parse(&written(&[], &[], &["a", "GET /x\nend 1 2"])).unwrap();
    let expected = written(&[], &[], &["a", "GET /x\\u{a}end 1 2"]);
    assert_eq!(samples, parse(&expected).unwrap());
}

#[test]
fn every_part_of_a_file_is_refused_with_a_reason() {
    let content = written(&[sample(1, 64, [1, 2], 3, 0)], &[sample(1, 64, [1, 2], 3, 0)], &["(no route)"]);
    assert!(parse(&content).is_ok());
    for length in 0..content.len() {
        let error = parse(&content[..length]).unwrap_err();
        assert!(
            error.starts_with("it is not complete") || error.starts_with("it is damaged"),
            "{length}: {error}"
        );
    }
    let mut damaged = content.clone();
    damaged[40] ^= 1;
    assert!(parse(&damaged).unwrap_err().starts_with("it is damaged"));
    let other = DumpSamples::parse(&content, 7).unwrap_err().to_string();
    assert_eq!(other, format!("it belongs to a dump of {} bytes, and this one has 7", DUMP.len()));
}

#[test]
fn sealed_nonsense_is_refused_with_its_line() {
    let head = "memory-debug/live/1\nbefore\n";
    for (body, expected) in [
        (String::new(), "line 1: it has another format"),
        ("memory-debug/live/2\nbefore\n".into(), "line 1: it has another format"),
        ("memory-debug/live/1\n1 1 1 1 1 1\n".into(), "line 2: expected `before`"),
        (head.into(), "line 3: the samples after the dump are missing"),
        (format!("{head}1 1 1 1 1\n"), "line 3: expected the six numbers"),
        (format!("{head}1 1 1 1 1 1 1\n"), "line 3: expected the six numbers"),
        (format!("{head}label x\n"), "line 3: expected the six numbers"),
        (format!("{head}after 1\n"), "line 3: expected two numbers"),
        (format!("{head}after x 1\n"), "line 3: expected milliseconds"),
        (format!("{head}after 1 x\n"), "line 3: expected a number of samples"),
        (format!("{head}after 1 1\nafter 1 1\n"), "line 4: expected the six numbers"),
        (format!("{head}after 1 1\nlabel x\n1 1 1 1 1 1\n"), "line 5: expected a label"),
    ] {
        let error = parse(&sealed(&body)).unwrap_err();
        assert!(error.starts_with(expected), "{body:?}: {error}");
    }
}

#[test]
fn a_file_that_would_be_too_long_is_an_error() {
    let many = std::iter::repeat_n(sample(u64::MAX, 1 << 40, [1, 2], u64::MAX / 2, 1), 40_000);
    let stream = LiveStream { recorded: Duration::ZERO, dropped: 0, samples: many };
    let error = SamplesWriter::begin(Vec::new(), stream).err().unwrap();
    assert_eq!(error.to_string(), "there are more live samples than fit into 2 MiB");
    let long = vec![b'x'; (MAX_BYTES + 1) as usize];
    assert_eq!(parse(&long).unwrap_err(), "it is longer than 2 MiB");
}

#[test]
fn the_file_beside_a_dump_has_its_name() {
    assert_eq!(DumpSamples::file_of("raw-1-2-0123abcd-5-900.heap").unwrap(), "raw-1-2-0123abcd-5-900.live");
    assert_eq!(DumpSamples::file_of("snapshot-1-2-0123abcd-5-900.pb.gz"), None);
}

prop_compose! {
    fn any_sample()(
        sequence in any::<u64>(),
        sizes in any::<(u64, u64)>(),
        stack in any::<u64>(),
        age in 0..u64::MAX,
        label in any::<u32>(),
    ) -> LiveSample {
        LiveSample::new(sequence, sizes.0, sizes.1, StackHash(stack), Duration::from_millis(age), label)
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        before in prop::collection::vec(any_sample(), 0..20),
        after in prop::collection::vec(any_sample(), 0..20),
        labels in prop::collection::vec("[ -~]{0,12}", 0..5),
    ) {
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        let read = parse(&written(&before, &after, &labels)).unwrap();
        let mut expected = DumpSamples::default();
        expected.before.samples = before;
        expected.after.samples = after;
        expected.after.recorded = Duration::from_secs(1200);
        expected.after.labels = labels.into_iter().map(str::to_owned).collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn no_content_panics(body in "(memory-debug/live/1\nbefore\n)?([0-9 aefx\n]|after |label ){0,80}", raw in any::<Vec<u8>>()) {
        let _ = parse(&sealed(&body));
        let _ = parse(&raw);
        let joined = parse(&sealed(&body)).map(|samples| samples.join(HeapProfile::parse(DUMP.as_bytes()).unwrap()));
        prop_assert!(joined.is_err() || joined.unwrap().stacks().len() == 2);
    }
}
