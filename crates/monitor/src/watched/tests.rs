use super::*;
use crate::limit::Limit;
use crate::reading::ContainerUse;

const MIB: u64 = 1 << 20;

fn reading(seconds: u64, used: u64, limit: u64) -> Reading {
    Reading {
        at: Duration::from_secs(seconds),
        unix_ms: 1_700_000_000_000 + 1000 * seconds,
        container: Some(ContainerUse { used, limit, inactive_file: 0 }),
        ..Reading::default()
    }
}

fn moment(seconds: u64) -> Moment {
    Moment { at: Duration::from_secs(seconds), unix_ms: 1_700_000_000_000 + 1000 * seconds }
}

fn nearly_full() -> Watched {
    Watched::new(Rule::above(MonitorMetric::Container, Limit::percent(85.0)).named("nearly full"))
}

#[test]
fn an_event_says_what_is_known() {
    let (mut watched, mut budget) = (nearly_full(), Budget::new());
    assert_eq!(watched.look(&reading(0, 400 * MIB, 512 * MIB), None, &mut budget), None);
    let change = watched.look(&reading(10, 450 * MIB, 512 * MIB), None, &mut budget).unwrap();
    let event = watched.event(change, moment(10), Some("container v2".into()));
    assert_eq!(
        event.text,
        "nearly full: container at 450.00 MiB, above the limit of 435.20 MiB, changing by +5.00 MiB/s"
    );
    assert_eq!((event.value, event.peak), (Some(450 * MIB), Some(450 * MIB)));
    assert_eq!(
        (event.at.as_str(), event.since.as_deref()),
        ("2023-11-14T22:13:30.000Z", Some("2023-11-14T22:13:30.000Z"))
    );
    let change = watched.look(&reading(70, 100 * MIB, 512 * MIB), None, &mut budget).unwrap();
    let event = watched.event(change, moment(70), None);
    assert_eq!(
        event.text,
        "nearly full: container at 100.00 MiB again; it was above 435.20 MiB for 1m 0s, at most 450.00 MiB"
    );
}

#[test]
fn a_share_without_a_limit_is_not_armed() {
    let (mut watched, mut budget) = (nearly_full(), Budget::new());
    let status = watched.status(moment(0), None, None);
    assert_eq!(
        (status.state, status.not_armed.as_deref()),
        (RuleState::NotArmed, Some("it was not looked at yet"))
    );
    assert_eq!(watched.look(&Reading::default(), None, &mut budget), None);
    assert_eq!((watched.new_sight(), watched.new_sight()), (Some(false), None), "reported once");
    let status = watched.status(moment(0), None, Some("no limit is set".into()));
    assert_eq!((status.state, status.limit), (RuleState::NotArmed, None));
    assert_eq!(status.not_armed.as_deref(), Some("no limit is set"));
    watched.look(&reading(1, 0, MIB), None, &mut budget);
    assert_eq!((watched.new_sight(), watched.new_sight()), (Some(true), None));
    let of_process = Rule::above(MonitorMetric::Resident, Limit::percent(85.0));
    let mut of_process = Watched::new(of_process);
    of_process.look(&Reading { resident: Some(1), ..Reading::default() }, None, &mut budget);
    of_process.new_sight();
    let reason = of_process.not_armed(None).unwrap();
    assert!(reason.starts_with("no limit is set for the container"), "{reason}");
}

#[test]
fn the_limit_follows_the_containers_limit() {
    let (mut watched, mut budget) = (nearly_full(), Budget::new());
    watched.look(&reading(0, 100 * MIB, 512 * MIB), None, &mut budget);
    assert_eq!(watched.limit(), Some(512 * MIB * 85 / 100));
    assert!(watched.look(&reading(1, 100 * MIB, 110 * MIB), None, &mut budget).is_some());
}

#[test]
fn a_used_up_number_of_alarms_is_shown_with_the_time_of_the_next() {
    let rule = Rule::above(MonitorMetric::Container, Limit::bytes(100)).cool_down(Duration::ZERO).at_most(1);
    let (mut watched, mut budget) = (Watched::new(rule), Budget::new());
    let mut look = |seconds, used| {
        let change = watched.look(&reading(seconds, used, 200), None, &mut budget);
        change.map(|change| watched.event(change, moment(seconds), None).kind)
    };
    assert_eq!(look(0, 150), Some(EventKind::Exceeded));
    assert_eq!(look(1, 10), Some(EventKind::Under));
    assert_eq!((look(2, 150), look(3, 10)), (None, None));
    watched.new_sight();
    let status = watched.status(moment(4), None, None);
    assert_eq!((status.sent, status.suppressed), (2, 1));
    assert_eq!(status.next_allowed_at.as_deref(), Some("2023-11-15T22:13:20.000Z"));
}

#[test]
fn a_storm_of_rules_is_bounded_and_counted() {
    let mut budget = Budget::new();
    let rule = || Watched::new(Rule::above(MonitorMetric::Container, Limit::bytes(100)));
    let mut rules: Vec<_> = std::iter::repeat_with(rule).take(40).collect();
    let mut look = |seconds, used| {
        let reading = reading(seconds, used, 200);
        rules.iter_mut().filter_map(|rule| rule.look(&reading, None, &mut budget)).count()
    };
    assert_eq!(look(0, 150), Budget::EVENTS);
    assert_eq!(look(1, 10), 0, "30 ends and 10 alarms are lost");
    assert_eq!(rules.iter().map(|rule| rule.suppressed).sum::<u64>(), 40);
}

#[test]
fn counts_are_not_written_as_bytes() {
    let rule = Rule::above(MonitorMetric::Threads, Limit::count(1000)).named("too many");
    let (mut watched, mut budget) = (Watched::new(rule), Budget::new());
    let change = watched.look(&Reading { threads: Some(1200), ..Reading::default() }, None, &mut budget);
    let event = watched.event(change.unwrap(), moment(0), None);
    assert_eq!(event.text, "too many: threads at 1,200, above the limit of 1,000");
}

#[test]
fn m5_a_jump_of_the_wall_clock_changes_no_decision() {
    let (mut watched, mut budget) = (nearly_full(), Budget::new());
    let mut look = |seconds, unix_ms, used| {
        let reading = Reading { unix_ms, ..reading(seconds, used, 512 * MIB) };
        let change = watched.look(&reading, None, &mut budget);
        change.map(|change| watched.event(change, Moment { at: reading.at, unix_ms }, None))
    };
    assert!(look(0, 1_700_000_000_000, 500 * MIB).is_some());
    assert_eq!(look(1, 0, 501 * MIB), None);
    assert_eq!(look(2, u64::MAX, 502 * MIB), None);
    let under = look(3, 0, MIB).unwrap();
    assert_eq!((under.kind, under.since.as_deref()), (EventKind::Under, Some("1970-01-01T00:00:00.000Z")));
}

#[test]
fn m1_the_kernels_peak_is_told_only_if_it_is_of_this_crossing() {
    let peak = |group, mib| Some(GroupPeak { group, bytes: mib * MIB });
    // The kernel's peak before, during and at the end of a crossing, and whether it is told.
    for (peaks, is_told) in [
        ([peak(0, 480), peak(0, 500), peak(0, 500)], true),
        // It passed between the last quiet look and the first loud one, or after the last loud one.
        ([peak(0, 480), peak(0, 480), peak(0, 500)], true),
        ([peak(0, 500), peak(0, 500), peak(0, 500)], false),
        ([peak(0, 480), peak(0, 500), peak(1, 500)], false),
        ([peak(0, 510), peak(0, 5), peak(0, 500)], false),
        ([None, peak(0, 500), peak(0, 500)], false),
        ([peak(0, 480), peak(0, 500), None], false),
    ] {
        let (mut watched, mut budget) = (nearly_full(), Budget::new());
        let values = [100, 450, 100].map(|mib| mib * MIB);
        let changes: Vec<_> = (0..)
            .zip(values.into_iter().zip(peaks))
            .map(|(index, (used, group_peak))| {
                let reading = Reading { group_peak, ..reading(20 * index, used, 512 * MIB) };
                watched.look(&reading, None, &mut budget)
            })
            .collect();
        let text = watched.event(changes[2].unwrap(), moment(40), None).text;
        let told = " (with page cache 500.00 MiB by the kernel's count)";
        assert_eq!(text.contains(told), is_told, "{peaks:?}: {text}");
        assert_eq!(text.contains("kernel"), is_told, "{peaks:?}: {text}");
    }
}
