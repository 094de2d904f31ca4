use super::*;
use crate::ages::AgeBucket;
use crate::attributor::TypeAttributor;
use crate::mapping::Mapping;
use crate::profile::HeapProfile;
use crate::selection::{Group, Selection, TypeTable};

const RATE: u64 = 524_288;
const KIB: u64 = 1024;

fn sample(stack: u64, sequence: u64, usable: u64, age: u64) -> LiveSample {
    let stack = StackHash::of([stack].into_iter());
    LiveSample::new(sequence, usable - usable / 10, usable, stack, Duration::from_secs(age), 0)
}

fn live(samples: &[LiveSample]) -> LiveSamples {
    LiveSamples {
        samples: samples.to_vec(),
        recorded: Duration::from_secs(1000),
        dropped: 0,
        labels: vec!["(no route)".into(), "GET /items".into()],
    }
}

/// What jemalloc writes for a stack with samples of these sizes (`prof_do_unbias`).
fn dumped(sizes: &[u64]) -> Sample {
    let rate = SampleRate::from_bytes(RATE);
    Counted::of(sizes.iter().copied().map(size_class), rate).in_dump(rate)
}

/// A profile with one stack at each of these addresses.
fn profile(stacks: &[(u64, Sample)]) -> HeapProfile {
    let mut dump = format!("heap_v2/{RATE}\n  t*: 1: 1 [0: 0]\n");
    for (address, Sample { objects, bytes }) in stacks {
        dump +=
            &format!("@ {address:#x}\n  t*: {objects}: {bytes} [0: 0]\n  t1: {objects}: {bytes} [0: 0]\n");
    }
    dump += "\nMAPPED_LIBRARIES:\n1000-2000 r-xp 0 fe:00 9 /srv/app\n2000-3000 r-xp 0 fe:00 8 /lib/b.so\n";
    HeapProfile::parse(dump.as_bytes()).unwrap()
}

fn table(profile: &HeapProfile, group: Group) -> TypeTable {
    TypeAttributor::new().summarize(profile, &no_files, &Selection::from(group))
}

fn no_files(_: &Mapping) -> std::io::Result<crate::symbols::FileData> {
    Err(std::io::ErrorKind::NotFound.into())
}

#[test]
fn a_complete_stack_has_the_true_sizes() {
    // jemalloc counts 1,040 KiB as 1,280 KiB.
    let samples: Vec<_> = (0..40).map(|sequence| sample(0x1010, sequence, 1040 * KIB, 5)).collect();
    let dump = dumped(&[1040 * KIB; 40]);
    assert!(dump.bytes > 40 * 1200 * KIB, "{dump:?}");
    let profile = profile(&[(0x1010, dump)]).with_live_samples(&live(&samples), live(&samples));
    let stack = profile.stack_at(0).unwrap();
    assert_eq!((stack.recorded.samples.len(), stack.recorded.rest), (40, Sample::default()));
    let estimate = profile.estimate(&stack);
    let k = 1.0 / (1.0 - (-1040.0_f64 / 512.0).exp());
    assert!((estimate.bytes / (40.0 * 1040.0 * 1024.0 * k) - 1.0).abs() < 1e-9, "{estimate:?}");
    assert!((estimate.objects_variance / (40.0 * k * (k - 1.0)) - 1.0).abs() < 1e-9, "{estimate:?}");
}

#[test]
fn a_dump_from_between_both_readings_agrees() {
    let (old, both, new) = (sample(0x1010, 1, 64, 9), sample(0x1010, 2, 64, 9), sample(0x1010, 3, 64, 0));
    for sizes in [&[64_u64][..], &[64; 2], &[64; 3]] {
        let profile =
            profile(&[(0x1010, dumped(sizes))]).with_live_samples(&live(&[old, both]), live(&[both, new]));
        let recorded = profile.stack_at(0).unwrap().recorded;
        assert_eq!((recorded.rest, recorded.agrees), (Sample::default(), true), "{sizes:?}");
    }
}

#[test]
fn samples_of_mixed_sizes_are_recognised_in_the_dump() {
    let sizes = [64, 4096, 40 * KIB, 1040 * KIB, 1 << 20, 16];
    let samples: Vec<_> =
        (1..).zip(sizes).map(|(sequence, size)| sample(0x1010, sequence, size, 1)).collect();
    let profile = profile(&[(0x1010, dumped(&sizes))]).with_live_samples(&live(&samples), live(&samples));
    assert_eq!(profile.stack_at(0).unwrap().recorded.rest, Sample::default());
    let expected: f64 =
        samples.iter().map(|sample| sample.estimate(SampleRate::from_bytes(RATE)).bytes).sum();
    assert!((table(&profile, Group::Container).total.bytes / expected - 1.0).abs() < 1e-12);
}

#[test]
fn what_the_dump_has_beyond_the_samples_is_older_than_the_recording() {
    let samples = [sample(0x1010, 1, 64, 30), sample(0x1010, 2, 64, 30)];
    let profile = profile(&[(0x1010, dumped(&[64; 8]))]).with_live_samples(&live(&samples), live(&samples));
    let recorded = profile.stack_at(0).unwrap().recorded;
    assert_eq!((recorded.samples.len(), recorded.rest), (2, dumped(&[64; 6])));
    let entry = &table(&profile, Group::Container).entries[0];
    let ages = entry.ages.unwrap();
    assert!((ages.known_share - 0.25).abs() < 1e-6 && ages.p50_is_lower_bound, "{ages:?}");
    assert!((ages.older_than_10m - 0.75).abs() < 1e-6 && ages.older_than_1h == 0.0, "{ages:?}");
    let by_age = table(&profile, Group::Age);
    let rows: Vec<_> =
        by_age.entries.iter().map(|row| (&*row.type_name, row.estimate.objects.round())).collect();
    assert_eq!(rows, [("older than the recording", 49_155.0), ("10 s to 1 min", 16_385.0)]);
    assert_eq!(by_age.total.bytes, table(&profile, Group::Container).total.bytes);
}

#[test]
fn memory_that_stays_has_the_same_estimate_whatever_else_the_stack_allocates() {
    let rest_of = |size: u64, samples: u64| {
        let samples: Vec<_> = (0..samples).map(|sequence| sample(0x1010, sequence, size, 3)).collect();
        let dump = dumped(&vec![size; 12 + samples.len()]);
        let profile = profile(&[(0x1010, dump)]).with_live_samples(&live(&samples), live(&samples));
        let named = TypeAttributor::new().symbolize(&profile, &no_files);
        named.live(named.stacks.iter().find(|part| !part.is_sized).unwrap())
    };
    for size in [48, 40 * KIB, 1040 * KIB, 1 << 30] {
        for samples in [1, 7, 777] {
            assert_eq!(rest_of(size, 0), rest_of(size, samples), "{size} {samples}");
        }
    }
}

#[test]
fn samples_that_found_no_place_make_older_memory_unknown() {
    let samples = [sample(0x1010, 1, 64, 30)];
    let after = LiveSamples { dropped: 1, ..live(&samples) };
    let profile = profile(&[(0x1010, dumped(&[64; 2]))]).with_live_samples(&live(&samples), after);
    let table = table(&profile, Group::Age);
    let unknown = table.entries.iter().find(|row| !row.is_attributed).unwrap();
    assert_eq!(unknown.type_name, AgeBucket::Unknown.name());
    assert_eq!(unknown.ages, None);
    assert!((table.ages.unwrap().known_share - 0.5).abs() < 1e-6);
}

#[test]
fn samples_that_contradict_the_dump_are_not_used() {
    let samples: Vec<_> = (0..5).map(|sequence| sample(0x1010, sequence, 1 << 20, 30)).collect();
    let dump = dumped(&[1 << 20; 2]);
    let plain = profile(&[(0x1010, dump)]);
    let joined = plain.clone().with_live_samples(&live(&samples), live(&samples));
    let stack = joined.stack_at(0).unwrap();
    assert!(!stack.recorded.agrees && stack.recorded.samples.is_empty());
    assert_eq!(joined.estimate(&stack), plain.estimate(&plain.stack_at(0).unwrap()));
    assert_eq!(table(&joined, Group::Container).entries[0].ages, None);
}

#[test]
fn slack_is_what_the_program_did_not_ask_for() {
    let samples = [sample(0x1010, 1, 10 << 20, 1)];
    let profile =
        profile(&[(0x1010, dumped(&[10 << 20]))]).with_live_samples(&live(&samples), live(&samples));
    let slack = table(&profile, Group::Container).entries[0].slack_bytes.unwrap();
    assert!((slack / (1 << 20) as f64 - 1.0).abs() < 1e-6, "{slack}");
}

#[test]
fn routes_are_rows_by_the_name_of_their_label() {
    let labelled = LiveSample { label: 1, ..sample(0x1010, 1, 4096, 1) };
    let unlabelled = sample(0x1010, 2, 4096, 1);
    let odd = LiveSample { label: 9, ..sample(0x1010, 3, 4096, 1) };
    let samples = [labelled, unlabelled, odd];
    let profile = profile(&[(0x1010, dumped(&[4096; 4]))]).with_live_samples(&live(&samples), live(&samples));
    let table = table(&profile, Group::Route);
    let mut rows: Vec<_> = table.entries.iter().map(|row| (&*row.type_name, row.is_attributed)).collect();
    rows.sort_unstable();
    assert_eq!(rows, [("(no route)", true), ("(route not recorded)", false), ("GET /items", true)]);
}

#[test]
fn tables_of_names_and_of_addresses_agree_with_live_samples() {
    let one: Vec<_> = (0..90).map(|sequence| sample(0x1010, sequence, 1040 * KIB, 5)).collect();
    let other: Vec<_> = (90..93).map(|sequence| sample(0x2010, sequence, 64, 5)).collect();
    let all = live(&[one, other].concat());
    let profile = profile(&[(0x1010, dumped(&[1040 * KIB; 120])), (0x2010, dumped(&[64; 3]))])
        .with_live_samples(&all.clone(), all);
    let mut attributor = TypeAttributor::new();
    let named = attributor.symbolize(&profile, &no_files);
    for group in Group::ALL.into_iter().filter(|group| !group.needs_live_samples()) {
        let of_addresses = attributor.summarize(&profile, &no_files, &Selection::from(group));
        let of_names = named.summarize(&Selection::from(group));
        assert_eq!(of_addresses.entries.len(), of_names.entries.len(), "{group:?}");
        for (a, b) in of_addresses.entries.iter().zip(&of_names.entries) {
            assert_eq!((&a.type_name, a.is_attributed), (&b.type_name, b.is_attributed));
            assert!((a.estimate.bytes - b.estimate.bytes).abs() <= 2.0, "{group:?} {a:?} {b:?}");
            let errors = (a.estimate.bytes_stderr(), b.estimate.bytes_stderr());
            assert!((errors.0 / errors.1 - 1.0).abs() < 5e-2, "{group:?} {errors:?}");
        }
    }
}

#[test]
fn births_are_by_type_by_route_and_by_time() {
    let at = |sequence, age, label| LiveSample { label, ..sample(0x1010, sequence, 64, age) };
    let samples = [at(0, 900, 1), at(1, 500, 1), at(2, 10, 0)];
    let profile = profile(&[(0x1010, dumped(&[64; 5])), (0x2010, dumped(&[64; 2]))]);
    let profile = profile.with_live_samples(&live(&samples), live(&samples));
    let births = TypeAttributor::new().births(&profile, &no_files, &[100_000, 400_000]).unwrap();
    assert_eq!(births.recorded_ms, 1_000_000);
    let row = &births.types[0];
    let samples_until = |moment| (births.born_until(row, moment).bytes / 524_320.0).round();
    // Two samples of the dump have no live sample, so they are older than the recording.
    assert_eq!([0, 100_000, 400_000, 1_000_000].map(samples_until), [2.0, 3.0, 3.0, 5.0]);
    assert_eq!(row.unknown_share(), 0.0);
    let of_table = table(&profile, Group::Container).entries[0].ages.unwrap();
    let of_births = births.ages(row).unwrap();
    assert!((of_births.older_than_10m - of_table.older_than_10m).abs() < 1e-6, "{of_births:?}");
    assert!((of_births.known_share - of_table.known_share).abs() < 1e-6);
    let routes: Vec<_> =
        births.routes.iter().map(|row| (row.type_name.as_str(), row.periods.len())).collect();
    assert_eq!(routes, [("(route not recorded)", 0), ("GET /items", 2), ("(no route)", 1)]);
    assert_eq!(TypeAttributor::new().births(&self::profile(&[]), &no_files, &[]), None);
}

#[test]
fn one_row_has_its_own_ages_and_routes() {
    let at = |stack, sequence, age| LiveSample { label: 1, ..sample(stack, sequence, 64, age) };
    let samples = [at(0x1010, 0, 900), at(0x1010, 1, 5), at(0x2010, 2, 5)];
    let profile = profile(&[(0x1010, dumped(&[64; 2])), (0x2010, dumped(&[64]))]);
    let profile = profile.with_live_samples(&live(&samples), live(&samples));
    let types = table(&profile, Group::Container);
    assert_eq!(types.entries.len(), 2, "{types:?}");
    let sums = |entry: &crate::TypeEntry, group: Group| {
        let row = crate::RowId::of(&entry.type_name, &entry.full_type, entry.is_attributed);
        let table = TypeAttributor::new().summarize_row(&profile, &no_files, &group.into(), row);
        let sum = |row: crate::TypeEntry| (row.type_name, (row.estimate.bytes / 524_320.0).round() as u64);
        table.entries.into_iter().map(sum).collect::<Vec<_>>()
    };
    assert_eq!(sums(&types.entries[0], Group::Age), [("1 s to 10 s".into(), 1), ("10 min to 1 h".into(), 1)]);
    assert_eq!(sums(&types.entries[1], Group::Age), [("1 s to 10 s".into(), 1)]);
    assert_eq!(sums(&types.entries[0], Group::Route), [("GET /items".into(), 2)]);
}
