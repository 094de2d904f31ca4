use proptest::prelude::*;

use super::*;
use crate::error::ErrorKind;
use crate::symbolized::tests::{any_profile, profile};
use crate::symbolized::{ProfileKind, SymbolizedProfile};

fn written(profile: &SymbolizedProfile, options: &PprofOptions) -> Vec<u8> {
    let mut out = Vec::new();
    profile.write_pprof(options, &mut out).unwrap();
    out
}

#[test]
fn values_are_named_as_go_does() {
    let written = written(&profile(&[("String", &["a"], 9, 4096)]), &PprofOptions::new(7));
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
fn what_a_reader_does_not_want_is_left_out() {
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
fn a_cut_or_foreign_profile_is_an_error_that_says_so() {
    let whole = written(&profile(&[("String", &["a"], 9, 4096)]), &PprofOptions::default());
    for cut in 0..whole.len() {
        let error = SymbolizedProfile::read_pprof(&whole[..cut]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Pprof, "{cut}: {error}");
    }
    let error = SymbolizedProfile::read_pprof(&b"heap_v2/524288\n"[..]).unwrap_err();
    assert!(error.to_string().contains("expected gzip"), "{error}");
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
        let options = PprofOptions { comments: vec![comment], ..PprofOptions::new(1) };
        let (read, comments) = SymbolizedProfile::read_pprof(&*written(&profile, &options)).unwrap();
        prop_assert_eq!(read, profile);
        prop_assert_eq!(&comments[..1], &options.comments[..]);
    }
}
