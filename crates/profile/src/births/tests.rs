use super::*;

/// Births of 64-byte objects at a moment, one sample for each time in milliseconds since the start of the recording. All
/// are of one route.
pub(crate) fn births(recorded_ms: u64, moments: &[u64], types: &[(&str, &[u64])]) -> Births {
    let bounds_ms = bounds(recorded_ms, moments);
    let row = |name: &str, times: &[u64]| {
        let mut periods = std::collections::BTreeMap::<u32, (i64, i64)>::new();
        for time in times {
            let period = periods.entry(bounds_ms.partition_point(|bound| bound < time) as u32).or_default();
            *period = (period.0 + 8193, period.1 + 524_320);
        }
        BirthRow {
            type_name: name.into(),
            full_type: name.into(),
            is_attributed: true,
            periods: periods.into_iter().map(|(at, (objects, bytes))| (at, objects, bytes)).collect(),
            ..BirthRow::default()
        }
    };
    let every: Vec<u64> = types.iter().flat_map(|(_, times)| times.iter().copied()).collect();
    let (all, route) = (row("", &every), row("GET /a", &every));
    let types = types.iter().map(|(name, times)| row(name, times)).collect();
    Births {
        recorded_ms,
        sample_bytes: 524_288,
        all,
        types: largest(types, true),
        routes: vec![route],
        bounds_ms,
    }
}

#[test]
fn memory_is_exact_at_bounds_and_in_proportion_between_them() {
    let births = births(120_000, &[60_000], &[("A", &[10, 59_999, 60_000, 60_001, 119_000])]);
    let until =
        |moment| (births.born_until(&births.types[0], moment).bytes / 524_320.0 * 100.0).round() / 100.0;
    assert_eq!((until(60_000), until(120_000), until(0)), (3.0, 5.0, 0.0));
    let (start, end) = births.period(births.bounds_ms.partition_point(|bound| *bound < 119_000));
    assert!((start..=end).contains(&119_000));
    assert_eq!(until(start + (end - start) / 2), 4.5);
}

#[test]
fn ages_come_from_the_periods() {
    let mut of = births(1_200_000, &[], &[("A", &[100_000, 200_000, 1_190_000])]);
    of.types[0].older = (8193, 524_320);
    let ages = of.ages(&of.types[0]).unwrap();
    assert_eq!((ages.older_than_10m, ages.older_than_1m, ages.older_than_1h), (0.75, 0.75, 0.0));
    assert_eq!((ages.known_share, ages.p50_is_lower_bound), (0.75, false));
    assert!((1_000.0..1_100.0).contains(&ages.p50_seconds), "{ages:?}");
    of.types[0].unknown = (8193 * 4, 524_320 * 4);
    assert_eq!(of.types[0].unknown_share(), 0.5);
    assert_eq!(births(5, &[], &[]).ages(&BirthRow::default()), None);
}

#[test]
fn a_damaged_row_has_no_bad_effect() {
    let json = serde_json::json!({
        "recorded_ms": 5, "sample_bytes": 0, "bounds_ms": [9, 3], "all": {},
        "types": [{"type": "A", "periods": [[4_294_967_295_u32, 1, 1], [0, i64::MAX, i64::MAX], [1, 1, 1]]}],
    });
    let births: Births = serde_json::from_value(json).unwrap();
    for moment in [0, 1, 4, u64::MAX] {
        assert!(births.born_until(&births.types[0], moment).bytes.is_finite());
    }
    assert!(births.ages(&births.types[0]).is_some());
    let mut large = births.clone();
    large.bounds_ms = vec![1; 999];
    large.types = vec![BirthRow { periods: vec![(0, 1, 1); 999], ..BirthRow::default() }; 999];
    let bounded = large.bounded();
    let lengths = [bounded.bounds_ms.len(), bounded.types.len(), bounded.types[0].periods.len()];
    assert_eq!(lengths, [56, MAX_TYPES, 57]);
    assert_eq!(births.changes(&births, crate::Group::Route, true).rows.len(), 0);
}
