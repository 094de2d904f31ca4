pub(super) mod proto;

use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::conventions::LARGE_BELOW;
use super::*;
use crate::error::ErrorKind;
use crate::symbolized::tests::{any_profile, profile};
use crate::symbolized::{ProfileKind, SymbolizedProfile};
use memory_debug_formats::printable;

fn written(profile: &SymbolizedProfile, options: &PprofOptions) -> Vec<u8> {
    let mut out = Vec::new();
    profile.write_pprof(options, &mut out).unwrap();
    out
}

fn at(time_nanos: i64) -> PprofOptions {
    PprofOptions { time_nanos, ..PprofOptions::default() }
}

#[test]
fn sums_small_stacks_and_keeps_all_values() {
    let profile = profile(&[
        ("A", &["a", "main"], 9, 900),
        ("B", &["b", "main"], 1, 30),
        ("C", &["c", "other"], 2, 20),
        ("A", &["d", "main"], 3, 500),
    ]);
    for (most, expected) in [
        (0, vec![("(4 smaller)", 15, 1450)]),
        (2, vec![("(2 smaller)", 3, 50), ("a", 9, 900), ("d", 3, 500)]),
        (4, vec![("a", 9, 900), ("b", 1, 30), ("c", 2, 20), ("d", 3, 500)]),
    ] {
        let options = PprofOptions { max_stacks: Some(most), is_lean: true, ..PprofOptions::default() };
        let message: proto::Profile =
            prost::Message::decode(&*profile.pprof_message(&options).unwrap()).unwrap();
        let text = |at: i64| message.string_table[at as usize].as_str();
        let mut stacks: Vec<_> = message
            .sample
            .iter()
            .map(|sample| {
                let location =
                    message.location.iter().find(|known| known.id == sample.location_id[0]).unwrap();
                let id = location.line[0].function_id;
                let function = message.function.iter().find(|known| known.id == id).unwrap();
                (text(function.name), sample.value[0], sample.value[1])
            })
            .collect();
        stacks.sort_unstable();
        assert_eq!(stacks, expected);
        let names = |name: &str| message.string_table.iter().any(|text| text == name);
        assert_eq!((names("other"), names("C")), (most == 4, most == 4), "{most}");
    }
}

#[test]
fn times_are_in_nanoseconds_since_1970() {
    let options = PprofOptions::taken_at(SystemTime::UNIX_EPOCH + Duration::from_secs(7));
    let options = options.covering(Duration::from_millis(1500));
    assert_eq!((options.time_nanos, options.duration_nanos), (7_000_000_000, 1_500_000_000));
    let before = PprofOptions::taken_at(SystemTime::UNIX_EPOCH - Duration::from_secs(7));
    assert_eq!(before.time_nanos, -7_000_000_000);
    let far = Duration::from_secs(i64::MAX as u64);
    assert_eq!(PprofOptions::taken_at(SystemTime::UNIX_EPOCH + far).time_nanos, i64::MAX);
    assert_eq!(PprofOptions::taken_at(SystemTime::UNIX_EPOCH - far).time_nanos, -i64::MAX);
    assert_eq!(PprofOptions::default().covering(Duration::MAX).duration_nanos, i64::MAX);
}

#[test]
fn names_values_like_go() {
    let written = written(&profile(&[("String", &["a"], 9, 4096)]), &at(7));
    assert_eq!(written[..2], [0x1f, 0x8b], "gzip");
    let mut unpacked = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&*written), &mut unpacked).unwrap();
    let message = <proto::Profile as prost::Message>::decode(&*unpacked).unwrap();
    let text = |position: i64| message.string_table[position as usize].as_str();
    let types: Vec<_> =
        message.sample_type.iter().map(|names| (text(names.r#type), text(names.unit))).collect();
    assert_eq!(types, [("inuse_objects", "count"), ("inuse_space", "bytes")]);
    assert_eq!((message.period, text(message.default_sample_type)), (524_288, "inuse_space"));
    assert_eq!((message.time_nanos, message.sample[0].value.clone()), (7, vec![9, 4096]));
    let labels: Vec<_> =
        message.sample[0].label.iter().map(|label| (text(label.key), text(label.str), label.num)).collect();
    assert!(labels.contains(&("type", "String", 0)) && labels.contains(&("bytes", "", 455)), "{labels:?}");
    assert_eq!(message.string_table[0], "");
}

#[test]
fn reads_back_time_duration_and_default_value() {
    let mut profile = profile(&[("String", &["a"], 9, 4096)]);
    for kind in [ProfileKind::Live, ProfileKind::LiveAndAllocated, ProfileKind::Growth] {
        profile.kind = kind;
        for (time_nanos, duration_nanos) in [(0, 0), (7, 9), (i64::MIN, i64::MAX)] {
            let prefers_allocated = kind == ProfileKind::LiveAndAllocated;
            let options =
                PprofOptions { time_nanos, duration_nanos, prefers_allocated, ..Default::default() };
            assert_eq!(PprofOptions::read(&*written(&profile, &options)).unwrap(), options);
        }
    }
    assert_eq!(PprofOptions::read(&b"no gzip"[..]).unwrap_err().kind(), ErrorKind::Pprof);
}

#[test]
fn defaults_to_allocations_only_if_known_and_wanted() {
    for (kind, prefers_allocated, expected) in [
        (ProfileKind::Live, false, "inuse_space"),
        (ProfileKind::Live, true, "inuse_space"),
        (ProfileKind::LiveAndAllocated, false, "inuse_space"),
        (ProfileKind::LiveAndAllocated, true, "alloc_space"),
        (ProfileKind::Growth, true, "growth_space"),
    ] {
        let profile = SymbolizedProfile { kind, ..profile(&[("String", &["a"], 9, 4096)]) };
        let options = PprofOptions { prefers_allocated, ..PprofOptions::default() };
        let message = profile.pprof_message(&options).unwrap();
        let message = <proto::Profile as prost::Message>::decode(&*message).unwrap();
        let first = &message.string_table[message.default_sample_type as usize];
        assert_eq!(first, expected, "{kind:?} {prefers_allocated}");
    }
}

#[test]
fn keeps_assumed_sizes_but_no_forged_comment() {
    let sized = SymbolizedProfile { large_below: 437_500, ..profile(&[("Vec<u8>", &["a"], 9, 9 << 20)]) };
    let comments = vec![format!("{LARGE_BELOW}7"), "mine".into()];
    let options = PprofOptions { comments, ..PprofOptions::default() };
    let (read, comments) = SymbolizedProfile::read_pprof(&*written(&sized, &options)).unwrap();
    assert_eq!((&read, &comments[..]), (&sized, &["mine".to_owned()][..]));
    let mut partly = sized;
    let known = crate::symbolized::NamedStack { is_sized: true, ..partly.stacks[0].clone() };
    partly.stacks.push(known);
    let (read, _) = SymbolizedProfile::read_pprof(&*written(&partly, &PprofOptions::default())).unwrap();
    assert_eq!(read.stacks.iter().map(|part| part.is_sized).collect::<Vec<_>>(), [false, true]);
    assert_eq!((read.stack_count(), read.stacks().next().unwrap().live.bytes), (1, 18 << 20));
    let [assumed, known] = [0, 1].map(|at| {
        let part = &read.stacks[at];
        read.estimate(read.live(part), part.is_sized).bytes_stderr()
    });
    assert!(known < assumed, "the error of the assumed sizes: {known} {assumed}");
    let plain = profile(&[("Vec<u8>", &["a"], 9, 9 << 20)]);
    assert_eq!(SymbolizedProfile::read_pprof(&*written(&plain, &options)).unwrap().0.large_below, 0);
}

#[test]
fn leaves_out_unwanted_parts() {
    let profile = profile(&[("String", &["a", "b"], 9, 4096)]);
    let whole = written(&profile, &PprofOptions::default());
    for (symbols, functions) in [(PprofSymbols::Functions, 2), (PprofSymbols::None, 0)] {
        let options = PprofOptions { symbols, is_lean: true, ..PprofOptions::default() };
        let written = written(&profile, &options);
        assert!(written.len() < whole.len());
        let (read, _) = SymbolizedProfile::read_pprof(&*written).unwrap();
        assert_eq!((read.functions.len(), read.total()), (functions, profile.total()));
    }
}

#[test]
fn rejects_truncated_and_foreign_profiles() {
    let whole = written(&profile(&[("String", &["a"], 9, 4096)]), &PprofOptions::default());
    for cut in 0..whole.len() {
        let error = SymbolizedProfile::read_pprof(&whole[..cut]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Pprof, "{cut}: {error}");
    }
    let error = SymbolizedProfile::read_pprof(&b"heap_v2/524288\n"[..]).unwrap_err();
    assert!(error.to_string().contains("expected gzip"), "{error}");
}

#[test]
fn reads_back_merged_profile_of_two_programs() {
    let ours = profile(&[("String", &["a"], 9, 4096)]);
    for (own, other) in [(true, true), (true, false), (false, false)] {
        let (mut first, mut second) = (ours.clone(), ours.clone());
        first.mappings[0].is_library = !own;
        second.mappings[0].is_library = !other;
        second.mappings[0].build_id = crate::BuildId::parse("0123456789abcdef");
        let mut third = second.clone();
        third.mappings[0].is_library = true;
        let merged = SymbolizedProfile::merge([&first, &second, &third]).unwrap();
        let (read, comments) =
            SymbolizedProfile::read_pprof(&*written(&merged, &PprofOptions::default())).unwrap();
        assert_eq!((read, comments), (merged, Vec::new()));
    }
}

#[test]
fn refuses_numbers_too_large_to_add_up() {
    let most = (1 << 60) - 1;
    let profile = |bytes: i64| profile(&[("String", &["a"], 1, most), ("String", &["b"], 1, bytes)]);
    let options = PprofOptions::default();
    let message = profile(0).pprof_message(&options).unwrap();
    assert_eq!(SymbolizedProfile::read_pprof_message(&message).unwrap().0, profile(0));
    let error = profile(2).pprof_message(&options).unwrap_err();
    assert!(error.to_string().contains("1152921504606846976"), "{error}");
    let sample = proto::Sample { value: vec![1, 1], ..proto::Sample::default() };
    let mut beyond = message.clone();
    prost::encoding::message::encode(2, &sample, &mut beyond);
    let error = SymbolizedProfile::read_pprof_message(&beyond).unwrap_err();
    assert!(error.to_string().contains("add up to more than 1152921504606846976"), "{error}");
}

#[test]
fn rejects_small_file_that_becomes_large() {
    let mut message = profile(&[]).pprof_message(&PprofOptions::default()).unwrap();
    // Empty samples, two bytes each. A million of them is too many.
    message.extend([0x12, 0].repeat((1 << 20) + 1));
    let error = SymbolizedProfile::read_pprof_message(&message).unwrap_err();
    assert!(error.to_string().contains("more than 1048576 entries"), "{error}");
    // A single sample with as many labels.
    let mut message = profile(&[]).pprof_message(&PprofOptions::default()).unwrap();
    message.extend([0x12, 0x82, 0x80, 0x08]);
    message.extend([0x1a, 0].repeat((128 << 10) / 2 + 1));
    let error = SymbolizedProfile::read_pprof_message(&message).unwrap_err();
    assert!(error.to_string().contains("longer than 65536 bytes"), "{error}");
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..65).for_each(|_| std::io::Write::write_all(&mut bomb, &vec![0; 1 << 20]).unwrap());
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 100 << 10);
    let error = SymbolizedProfile::read_pprof(&*bomb).unwrap_err();
    assert!(error.to_string().contains("longer than 67108864 bytes"), "{error}");
}

#[test]
fn s64_names_cannot_manipulate_a_terminal() {
    let hostile = profile(&[("A\u{202e}", &["pu\u{1b}[2Jsh\u{61c}"], 9, 4096)]);
    let options = PprofOptions { comments: vec!["a\r\u{9b}b".to_owned()], ..at(7) };
    let message = hostile.pprof_message(&options).unwrap();
    let message = <proto::Profile as prost::Message>::decode(&*message).unwrap();
    for text in &message.string_table {
        assert!(!text.contains(crate::is_unprintable), "{text:?}");
    }
    for expected in ["A\\u{202e}", "pu\\u{1b}[2Jsh\\u{61c}", "a\\u{d}\\u{9b}b"] {
        assert!(
            message.string_table.iter().any(|text| text == expected),
            "{expected}: {:?}",
            message.string_table
        );
    }
}

proptest! {
    #[test]
    fn a_profile_is_read_back_as_it_was_written(
        profile in prop_oneof![
            any_profile(ProfileKind::Live),
            any_profile(ProfileKind::LiveAndAllocated),
            any_profile(ProfileKind::Growth),
        ],
        comment in ".{0,20}",
    ) {
        let options = PprofOptions { comments: vec![comment], ..at(1) };
        let (read, comments) = SymbolizedProfile::read_pprof(&*written(&profile, &options)).unwrap();
        prop_assert_eq!(&read, &profile);
        prop_assert_eq!(&comments[0], &*printable(&options.comments[0]));
    }

    #[test]
    fn writes_the_same_bytes_as_another_encoder(
        profile in prop_oneof![any_profile(ProfileKind::LiveAndAllocated), any_profile(ProfileKind::Growth)],
        symbols in proptest::sample::select(&[PprofSymbols::Inlined, PprofSymbols::Functions, PprofSymbols::None][..]),
        (is_lean, time_nanos, comment) in (any::<bool>(), any::<i64>(), ".{0,20}"),
    ) {
        let comments = vec![comment];
        let options = PprofOptions { symbols, is_lean, comments, ..at(time_nanos) };
        let message = profile.pprof_message(&options).unwrap();
        let decoded = <proto::Profile as prost::Message>::decode(&*message).unwrap();
        prop_assert_eq!(prost::Message::encode_to_vec(&decoded), message);
    }
}
