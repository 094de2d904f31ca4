use super::*;
use crate::sample;

const DISCARDED: &str = "2026-11-20T11:00:00.000Z";

/// Samples after these numbers of discards and pauses.
fn samples(generation: u64, pauses: u64) -> SampleOrigin {
    let began_at = if generation == 0 { sample::samples().began_at } else { Some(DISCARDED.into()) };
    let resumed_at = (pauses > 0).then(|| "2026-11-20T12:00:00.000Z".to_owned());
    SampleOrigin { generation, began_at, pauses, resumed_at, ..sample::samples() }
}

#[test]
fn a_dump_beside_a_change_is_told_by_its_rate() {
    let origin = |generation, sample_bytes| SampleOrigin { sample_bytes, ..samples(generation, 0) };
    let of_dump =
        |before, after, rate| SampleOrigin::of_dump(before, after, rate).map(|origin| origin.generation);
    assert_eq!(of_dump(origin(3, 512), origin(3, 512), 512), Ok(3));
    assert_eq!(of_dump(origin(3, 512), origin(4, 64), 512), Ok(3));
    assert_eq!(of_dump(origin(3, 512), origin(4, 64), 64), Ok(4));
    assert_eq!(
        of_dump(origin(3, 512), origin(5, 512), 64),
        Err("the sampling rate changed while the profile was taken".into())
    );
    assert!(of_dump(origin(3, 512), origin(5, 512), 512).is_err(), "fits both");
    assert!(of_dump(origin(3, 512), origin(3, 512), 64).is_err(), "fits neither");
}
