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
fn the_rate_of_a_dump_decides_which_side_of_a_change_it_is_on() {
    let origin = |generation, sample_bytes| SampleOrigin { sample_bytes, ..samples(generation, 0) };
    let of_dump = |before, after, rate| {
        let origin = SampleOrigin::of_dump(before, after, rate).map_err(|error| error.to_string())?;
        Ok(origin.generation)
    };
    assert_eq!(of_dump(origin(3, 512), origin(3, 512), 512), Ok(3));
    assert_eq!(of_dump(origin(3, 512), origin(4, 64), 512), Ok(3));
    assert_eq!(of_dump(origin(3, 512), origin(4, 64), 64), Ok(4));
    assert_eq!(
        of_dump(origin(3, 512), origin(5, 512), 64),
        Err("the sampling rate changed while the profile was taken; request it again".to_owned())
    );
    assert!(of_dump(origin(3, 512), origin(5, 512), 512).is_err(), "fits both");
    assert!(of_dump(origin(3, 512), origin(3, 512), 64).is_err(), "fits neither");
}
