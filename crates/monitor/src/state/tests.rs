use proptest::prelude::*;

use super::*;

const LEVELS: Levels = Levels { limit: 100, hysteresis: 5, step: 10 };
const ALWAYS: Permit = Permit { alarm: true, end: true };
const NEVER: Permit = Permit { alarm: false, end: true };

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The changes of a sequence of values, one a second, without flood control.
fn changes(held_for: u64, values: &[u64]) -> Vec<(u64, Change)> {
    let mut crossing = Crossing::new(true, seconds(held_for));
    let looks = (0..).zip(values);
    looks
        .filter_map(|(at, value)| Some((at, crossing.observe(seconds(at), *value, LEVELS, ALWAYS).send?)))
        .collect()
}

fn exceeded(since: u64) -> Change {
    Change::Exceeded { since: seconds(since) }
}

fn still_growing(since: u64) -> Change {
    Change::StillGrowing { since: seconds(since) }
}

fn under(since: u64, peak: u64) -> Change {
    Change::Under { since: seconds(since), peak }
}

#[test]
fn m1_a_crossing_is_one_event_and_its_end_another() {
    assert_eq!(changes(0, &[50, 120, 125, 101, 94, 50]), [(1, exceeded(1)), (4, under(1, 125))]);
    assert_eq!(changes(0, &[100, 100]), [], "the limit itself is not beyond the limit");
}

#[test]
fn m1_a_dip_and_a_smaller_rise_are_not_news() {
    // gevent compares with the last sample: it sends again at the second rise.
    let values = [120, 110, 119, 97, 120, 96, 119];
    assert_eq!(changes(0, &values), [(0, exceeded(0))]);
}

#[test]
fn m1_only_a_peak_that_is_a_step_higher_is_news() {
    let values = [120, 129, 125, 130, 139, 128, 140];
    assert_eq!(changes(0, &values), [(0, exceeded(0)), (3, still_growing(0)), (6, still_growing(0))]);
}

#[test]
fn m1_the_end_carries_the_true_peak_and_not_the_reported_one() {
    assert_eq!(changes(0, &[120, 129, 50]), [(0, exceeded(0)), (2, under(0, 129))]);
}

#[test]
fn a_value_must_stay_beyond_the_limit_without_a_gap() {
    assert_eq!(changes(2, &[120, 120, 100, 120, 120, 120]), [(5, exceeded(3))]);
    let mut crossing = Crossing::new(true, seconds(2));
    let mut look = |at, value| crossing.observe(seconds(at), value, LEVELS, ALWAYS).send;
    assert_eq!((look(0, 120), look(1, 120)), (None, None));
    crossing.miss(seconds(2));
    let mut look = |at, value| crossing.observe(seconds(at), value, LEVELS, ALWAYS).send;
    assert_eq!((look(3, 120), look(4, 120), look(5, 120)), (None, None, Some(exceeded(3))));
}

#[test]
fn a_missing_value_does_not_end_a_crossing() {
    let mut crossing = Crossing::new(true, Duration::ZERO);
    assert_eq!(crossing.observe(seconds(0), 120, LEVELS, ALWAYS).send, Some(exceeded(0)));
    crossing.miss(seconds(1));
    assert_eq!((crossing.state(), crossing.peak()), (RuleState::Above, Some(120)));
    assert_eq!(crossing.observe(seconds(2), 121, LEVELS, ALWAYS).send, None);
}

#[test]
fn the_end_must_last_as_long_as_the_beginning() {
    assert_eq!(changes(2, &[120, 120, 120, 50, 50, 110, 50, 50, 50]), [(2, exceeded(0)), (8, under(0, 120))]);
}

#[test]
fn between_limit_and_hysteresis_nothing_changes() {
    assert_eq!(changes(0, &[120, 96, 120, 96]), [(0, exceeded(0))]);
    assert_eq!(changes(0, &[96, 99, 96]), []);
}

#[test]
fn a_rule_for_low_values_is_the_mirror_image() {
    let mut crossing = Crossing::new(false, Duration::ZERO);
    let mut look = |at, value| crossing.observe(seconds(at), value, LEVELS, ALWAYS).send;
    let sent = [(0, 100), (1, 99), (2, 60), (3, 104), (4, 105)].map(|(at, value)| look(at, value));
    assert_eq!(sent, [None, Some(exceeded(1)), Some(still_growing(1)), None, Some(under(1, 60))]);
}

#[test]
fn an_alarm_that_must_wait_is_sent_later_if_it_is_still_true() {
    let mut crossing = Crossing::new(true, Duration::ZERO);
    assert_eq!(crossing.observe(seconds(0), 120, LEVELS, NEVER), Observed::default());
    assert_eq!(crossing.state(), RuleState::Above);
    assert_eq!(crossing.observe(seconds(1), 98, LEVELS, ALWAYS).send, None, "not beyond the limit now");
    assert_eq!(crossing.observe(seconds(2), 110, LEVELS, ALWAYS).send, Some(exceeded(0)));
    assert_eq!(crossing.observe(seconds(3), 90, LEVELS, ALWAYS).send, Some(under(0, 120)));
}

#[test]
fn an_alarm_that_is_over_before_it_may_be_sent_is_counted() {
    let mut crossing = Crossing::new(true, Duration::ZERO);
    assert_eq!(crossing.observe(seconds(0), 120, LEVELS, NEVER), Observed::default());
    let end = crossing.observe(seconds(1), 90, LEVELS, ALWAYS);
    assert_eq!(end, Observed { send: None, is_suppressed: true });
}

proptest! {
    #[test]
    fn m1_one_alarm_for_each_crossing_and_the_peak_is_the_highest_value(
        values in prop::collection::vec(60_u64..180, 1..200), held_for in 0_u64..4,
    ) {
        let mut begun: Option<u64> = None;
        for (at, change) in changes(held_for, &values) {
            match change {
                Change::Exceeded { since } => {
                    prop_assert_eq!(begun, None, "one alarm for each crossing");
                    let run = &values[since.as_secs() as usize..=at as usize];
                    prop_assert!(run.iter().all(|value| *value > LEVELS.limit), "without a gap");
                    prop_assert!(at - since.as_secs() >= held_for);
                    begun = Some(since.as_secs());
                }
                Change::StillGrowing { since } => {
                    prop_assert_eq!(begun, Some(since.as_secs()));
                    let earlier = &values[since.as_secs() as usize..at as usize];
                    prop_assert!(earlier.iter().all(|value| *value < values[at as usize]), "a new peak");
                }
                Change::Under { since, peak } => {
                    prop_assert_eq!(begun.take(), Some(since.as_secs()));
                    let all = &values[since.as_secs() as usize..=at as usize];
                    prop_assert_eq!(Some(&peak), all.iter().max());
                    prop_assert!(values[at as usize] <= LEVELS.limit - LEVELS.hysteresis);
                }
            }
        }
    }

    #[test]
    fn m1_what_is_sent_and_what_is_suppressed_is_what_occurred(
        looks in prop::collection::vec((60_u64..180, any::<bool>()), 1..200),
    ) {
        // What occurs does not depend on what may be sent, except that growth is measured from what was sent.
        let mut free = Crossing::new(true, Duration::ZERO);
        let mut bound = Crossing::new(true, Duration::ZERO);
        let (mut crossings, mut ended, mut sent, mut suppressed, mut over) = (0, 0, 0, 0, 0);
        for (at, (value, alarm)) in (0..).zip(&looks) {
            match free.observe(seconds(at), *value, LEVELS, ALWAYS).send {
                Some(Change::Exceeded { .. }) => crossings += 1,
                Some(Change::Under { .. }) => ended += 1,
                _ => {}
            }
            let observed = bound.observe(seconds(at), *value, LEVELS, Permit { alarm: *alarm, end: true });
            match observed.send {
                Some(Change::Exceeded { .. }) => sent += 1,
                Some(Change::Under { .. }) => over += 1,
                _ => {}
            }
            let is_end = free.state() == RuleState::Below;
            suppressed += u64::from(observed.is_suppressed && is_end);
            prop_assert_eq!(free.state(), bound.state());
        }
        let waits = u64::from(crossings > ended) * u64::from(crossings > sent + suppressed);
        prop_assert_eq!(sent + suppressed + waits, crossings);
        prop_assert_eq!(over + suppressed, ended, "each alarm that was sent has its end, and no other");
    }
}
