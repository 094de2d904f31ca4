//! Both rules on made-up types, of which each sample has a time of birth and a time of death.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chance::{Rng, profile};
use super::*;
use crate::fixture::{empty, of_dump, with_births};

/// Samples of one type: the seconds of birth and of death.
type Lives = Vec<(f64, f64)>;

const FOREVER: f64 = f64::INFINITY;

/// Births of one type at each of these seconds, as a service with a snapshot at each of them keeps them. Recording began
/// at second 0.
fn births(lives: &Lives, at: &[f64]) -> Vec<Births> {
    let ms = |seconds: f64| (1000.0 * seconds) as u64;
    let moment = |(index, now): (usize, &f64)| {
        let grid = (1..48).map(|part| ms(now * f64::from(part) / 48.0));
        let mut bounds: Vec<u64> = at[..index].iter().map(|earlier| ms(*earlier)).chain(grid).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let (mut periods, mut older) = (BTreeMap::<usize, (i64, i64)>::new(), (0, 0));
        for (born, _) in lives.iter().filter(|(born, dies)| born <= now && dies > now) {
            let sum = if *born < 0.0 {
                &mut older
            } else {
                periods.entry(bounds.partition_point(|bound| *bound < ms(*born))).or_default()
            };
            *sum = (sum.0 + 8193, sum.1 + 524_320);
        }
        let row = serde_json::json!({
            "type": "unknown code", "full_type": "unknown code", "is_attributed": false, "older": older,
            "periods": periods.into_iter().map(|(at, (objects, bytes))| (at, objects, bytes)).collect::<Vec<_>>(),
        });
        serde_json::from_value(serde_json::json!({
            "recorded_ms": ms(*now), "sample_bytes": 524_288, "bounds_ms": bounds, "all": row, "types": [row],
        }))
        .unwrap()
    };
    at.iter().enumerate().map(moment).collect()
}

/// Whether the type is a suspect by survival, among twenty types, in snapshots at these seconds.
fn survives(lives: &Lives, at: &[f64]) -> bool {
    let moments = births(lives, at);
    let id = RowId::of("unknown code", "unknown code", false);
    BySurvival::over(&moments, 20).unwrap().is_suspect(id).unwrap()
}

/// Whether the type is a suspect by growth, as before.
fn grows(lives: &Lives, at: &[f64]) -> bool {
    let snapshot = empty(7, "x");
    let points: Vec<_> = at
        .iter()
        .map(|now| {
            let count = lives.iter().filter(|(born, dies)| born <= now && dies > now).count() as u64;
            let before_last = Duration::from_secs_f64(at[at.len() - 1] - now);
            (before_last, snapshot.info().clone(), profile(&[&[count][..], &[9; 19]].concat()))
        })
        .collect();
    at.len() >= MIN_SNAPSHOTS && !LeakRun::judged(&points, &[], None).1.is_empty()
}

/// Snapshots at the beginning and the end of a time, and evenly in between.
fn spread(from: f64, to: f64, snapshots: usize) -> Vec<f64> {
    (0..snapshots).map(|at| from + (to - from) * at as f64 / (snapshots - 1) as f64).collect()
}

/// The fewest snapshots, spread over the same time, that suspect the type: by survival, and by growth.
fn fewest(lives: &Lives, from: f64, to: f64) -> [Option<usize>; 2] {
    let rules: [fn(&Lives, &[f64]) -> bool; 2] = [survives, grows];
    rules.map(|rule| (2..=12).find(|snapshots| rule(lives, &spread(from, to, *snapshots))))
}

/// A birth at each step of a time, and a death after some seconds.
fn each(from: f64, to: f64, step: f64, life: f64) -> Lives {
    let count = ((to - from) / step) as usize;
    (0..count).map(|at| from + step * (at as f64 + 0.5)).map(|born| (born, born + life)).collect()
}

#[test]
fn a_steady_leak_needs_two_snapshots_instead_of_three() {
    let leak = each(0.0, 600.0, 3.0, FOREVER);
    assert_eq!(fewest(&leak, 60.0, 180.0), [Some(2), Some(3)]);
    // The least leak that is found has about sixteen samples.
    let smallest = |samples: u32| each(0.0, 600.0, 600.0 / f64::from(samples), FOREVER);
    let found: Vec<_> = (4..40).filter(|samples| survives(&smallest(*samples), &[1.0, 599.0])).collect();
    assert!((14..=20).contains(&found[0]), "{found:?}");
    assert_eq!(found.len() as u32, 40 - found[0], "more samples never hide it: {found:?}");
}

#[test]
fn a_small_leak_beside_much_memory_that_stays_is_found_by_survival_only() {
    let stays = each(-5000.0, 0.0, 1.0, FOREVER);
    let leak = each(0.0, 600.0, 10.0, FOREVER);
    assert_eq!(fewest(&[stays, leak].concat(), 60.0, 540.0), [Some(2), None]);
}

#[test]
fn a_leak_beside_memory_that_comes_and_goes_is_found() {
    let busy = each(0.0, 900.0, 0.5, 10.0);
    let leak = each(0.0, 900.0, 4.0, FOREVER);
    let both = [busy, leak].concat();
    let [by_survival, by_growth] = fewest(&both, 60.0, 840.0);
    assert!(by_survival == Some(2) && by_growth >= Some(3), "{by_survival:?} {by_growth:?}");
    // If less has leaked than comes and goes, what survives the first half has to survive the second.
    let busier = [each(0.0, 900.0, 0.1, 10.0), each(-100.0, 900.0, 6.0, FOREVER)].concat();
    assert!(fewest(&busier, 60.0, 840.0)[0].is_some_and(|snapshots| snapshots <= 3));
}

#[test]
fn a_leak_that_begins_late_is_found_when_it_fills_the_second_half() {
    let leak = each(300.0, 2500.0, 3.0, FOREVER);
    let is_found = |to: f64, snapshots| survives(&leak, &spread(10.0, to, snapshots));
    assert!(!is_found(310.0, 8));
    assert!(is_found(600.0, 8), "in the second half alone");
    assert!(!is_found(600.0, 2) && is_found(2400.0, 2), "over the whole time");
}

#[test]
fn a_step_a_pool_and_a_cache_that_has_filled_are_no_suspects() {
    let step: Lives = vec![(100.0, FOREVER); 80];
    let pool = each(0.0, 30.0, 0.5, FOREVER);
    // Nine in ten of the misses of a cache without eviction come in the first fifth of the time.
    let warm_up: Lives = (1..100).map(|at| (-60.0 * (1.0 - f64::from(at) / 100.0).ln(), FOREVER)).collect();
    // Each entry makes room for a later one.
    let least_recent = each(0.0, 900.0, 0.5, 60.0);
    for (name, lives) in
        [("step", step), ("pool", pool), ("warm-up", warm_up), ("least recent", least_recent)]
    {
        for snapshots in 2..=12 {
            let at = spread(1.0, 600.0, snapshots);
            assert!(!survives(&lives, &at), "{name}, {snapshots} snapshots");
        }
    }
}

#[test]
fn growth_that_is_load_is_no_suspect() {
    // Sessions live for 20 seconds, and their rate doubles over ten minutes.
    let mut sessions = Lives::new();
    let mut now = 0.0;
    while now < 600.0 {
        sessions.push((now, now + 20.0));
        now += 0.2 / (1.0 + now / 600.0);
    }
    for snapshots in 2..=12 {
        assert!(!survives(&sessions, &spread(30.0, 590.0, snapshots)), "{snapshots} snapshots");
    }
    assert!(grows(&sessions, &spread(30.0, 590.0, 3)), "by growth, it is");
}

/// The share of random beginnings at which a type is suspected.
fn rate(
    rule: fn(&Lives, &[f64]) -> bool,
    snapshots: usize,
    span: f64,
    lives: impl Fn(&mut Rng) -> Lives,
) -> f64 {
    const TRIALS: u32 = 100;
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    let suspects = (0..TRIALS).filter(|_| {
        let lives = lives(&mut rng);
        let start = 200.0 * rng.unit();
        rule(&lives, &spread(start, start + span, snapshots))
    });
    let rate = suspects.count() as f64 / f64::from(TRIALS);
    println!("{snapshots} snapshots over {span} s: {:.1} %", 100.0 * rate);
    rate
}

/// Waves of random heights, each as long as `period`: births all the time, and the end of all at once.
fn waves(rng: &mut Rng, period: f64) -> Lives {
    let wave = |at: u32, height: f64| {
        let start = f64::from(at) * period;
        each(start, start + period, period / height, FOREVER)
            .into_iter()
            .map(move |(born, _)| (born, start + period))
    };
    let heights: Vec<f64> = (0..40).map(|_| 20.0 + 180.0 * rng.unit()).collect();
    (0..40).zip(heights).flat_map(|(at, height)| wave(at, height)).collect()
}

#[test]
fn waves_are_no_suspects_once_the_time_is_longer_than_one_and_a_half() {
    for snapshots in [2, 3, 5, 8] {
        assert_eq!(rate(survives, snapshots, 45.0, |rng| waves(rng, 30.0)), 0.0, "{snapshots} snapshots");
    }
    // A wave that is longer than the time looks like a leak to both rules.
    for rule in [survives, grows] {
        assert!(rate(rule, 3, 10.0, |rng| waves(rng, 30.0)) > 0.2);
    }
    // By growth, some waves of the longer time are suspects.
    assert!(rate(grows, 3, 45.0, |rng| waves(rng, 30.0)) > 0.02);
}

#[test]
fn memory_that_is_replaced_at_random_is_rarely_a_suspect() {
    // A level of 100 samples, each with an exponential life of this mean.
    let replaced = |life: f64| {
        move |rng: &mut Rng| {
            let mut lives = Lives::new();
            let mut now = -6.0 * life;
            while now < 500.0 {
                now -= life / 100.0 * (1.0 - rng.unit()).ln();
                let born = now;
                lives.push((born, born - life * (1.0 - rng.unit()).ln()));
            }
            lives
        }
    };
    for snapshots in [2, 3, 5, 8] {
        for life in [10.0, 100.0, 1000.0] {
            // The rate of one row among twenty is at most a twentieth of 5 %. Three of a hundred are far beyond chance.
            let rate = rate(survives, snapshots, 200.0, replaced(life));
            assert!(rate < 0.03, "{snapshots} snapshots, life {life}: {rate}");
        }
    }
}

#[test]
fn a_verdict_over_two_recorded_snapshots_names_its_rule_and_the_ages() {
    let leak = each(0.0, 600.0, 3.0, FOREVER);
    let at = [60.0, 180.0];
    let taken = |(moment, born): (&f64, Births)| {
        let count = leak.iter().filter(|(born, _)| born <= moment).count();
        let line = format!("{count}: {} [0: 0]\n", 64 * count);
        let dump = format!(
            "heap_v2/524288\n  t*: 0: 0 [0: 0]\n@ 0x10\n  t*: {line}  t1: {line}\nMAPPED_LIBRARIES:\n"
        );
        Arc::new(with_births(&of_dump(&dump, *moment as u64, "x"), &born))
    };
    let recorded: Vec<_> = at.iter().zip(births(&leak, &at)).map(taken).collect();
    let verdict = LeakVerdict::over(&recorded).unwrap();
    let [suspect] = &verdict.suspects[..] else { panic!("{verdict}") };
    assert_eq!((verdict.run.rule, suspect.bytes_change), (LeakRule::Survival, 40 * 524_320));
    let ages = suspect.ages.unwrap();
    assert!((80.0..100.0).contains(&ages.p50_seconds), "{ages:?}");
    assert!(
        verdict
            .test
            .starts_with("A type is reported if it grew significantly, memory from the first quarter")
    );
    assert!(!verdict.test.contains("fewer than six"), "{}", verdict.test);

    // Three snapshots of which one has no ages are judged by growth, and two are too few.
    let plain = recorded[0].profile().unwrap();
    let mut without = recorded[0].info().clone();
    without.ages = None;
    let plain = Arc::new(Snapshot::new(without, &plain, std::time::SystemTime::UNIX_EPOCH).unwrap());
    let two = LeakVerdict::over(&[Arc::clone(&plain), Arc::clone(&recorded[1])]).unwrap_err().to_string();
    assert!(two.contains("but 3 from different times are needed"), "{two}");
    let one = LeakVerdict::over(&recorded[..1]).unwrap_err().to_string();
    assert!(one.contains("but 2 from different times are needed"), "{one}");
    // Recording began again in between, so survivors are not known.
    let mut again = births(&leak, &[5.0]);
    let again = Arc::new(with_births(&recorded[1], &again.remove(0)));
    assert!(LeakVerdict::over(&[Arc::clone(&recorded[0]), again]).is_err());
}

#[test]
fn rows_with_bytes_of_unknown_age_are_judged_by_growth() {
    let leak = each(0.0, 600.0, 3.0, FOREVER);
    let mut moments = births(&leak, &[60.0, 180.0]);
    let id = RowId::of("unknown code", "unknown code", false);
    let judged = |moments: &[Births]| BySurvival::over(moments, 1).unwrap().is_suspect(id);
    assert_eq!(judged(&moments), Some(true));
    moments[0].types[0].unknown = (8193, 524_320);
    assert_eq!(judged(&moments), Some(true), "only its size counts");
    moments[1].types[0].unknown = (8193, 524_320);
    assert_eq!(judged(&moments), None);
    moments[1].types.clear();
    assert_eq!(judged(&moments), None, "smaller than all kept rows");
    assert!(BySurvival::over(&moments[..1], 1).is_none());
}
