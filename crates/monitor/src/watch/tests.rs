use super::*;
use crate::fixture::Tree;
use crate::limit::Limit;
use crate::reading::ContainerUse;

const MIB: u64 = 1 << 20;
const SECOND: Duration = Duration::from_secs(1);

fn watch(rules: Vec<Rule>, captures: bool) -> Watch {
    let tree = Tree::version_2();
    Watch::new(Reader::new(tree.path(), Needs::default()), rules, captures)
}

fn moment(millis: u64) -> Moment {
    Moment { at: Duration::from_millis(millis), unix_ms: millis }
}

fn reading(now: Moment, used: u64) -> Reading {
    let container = ContainerUse { used, limit: 512 * MIB, inactive_file: 0 };
    Reading { at: now.at, unix_ms: now.unix_ms, container: Some(container), ..Reading::default() }
}

fn kinds(
    watch: &mut Watch,
    millis: u64,
    woken: Woken,
    reading: impl FnOnce(Moment) -> Reading,
) -> Vec<EventKind> {
    let (now, mut found) = (moment(millis), Vec::new());
    watch.decide(now, woken, reading(now), &mut found);
    found.iter().map(|(event, _)| event.kind).collect()
}

#[test]
fn m5_a_rule_that_goes_blind_is_an_event_and_others_go_on() {
    let resident = Rule::above(MonitorMetric::Resident, Limit::bytes(100)).named("resident");
    let container = Rule::above(MonitorMetric::Container, Limit::percent(85.0)).named("container");
    let mut watch = watch(vec![container, resident], false);
    let none = Woken::default();
    assert_eq!(kinds(&mut watch, 0, none, |now| Reading { resident: Some(1), ..reading(now, MIB) }), []);
    let blind = |now: Moment| Reading { container: None, resident: Some(200), ..reading(now, 0) };
    assert_eq!(kinds(&mut watch, 1_000, none, blind), [EventKind::Failure, EventKind::Exceeded]);
    assert_eq!(kinds(&mut watch, 2_000, none, blind), [], "reported once");
    let states: Vec<_> = watch.statuses(moment(2_000)).into_iter().map(|rule| rule.not_armed).collect();
    assert!(states[0].is_some() && states[1].is_none(), "{states:?}");
    let again = |now| Reading { resident: Some(200), ..reading(now, MIB) };
    assert_eq!(kinds(&mut watch, 3_000, none, again), [EventKind::Failure]);
}

#[test]
fn a_kill_of_another_process_is_an_event() {
    let mut watch = watch(Vec::new(), false);
    let none = Woken::default();
    let kills = |kills| move |now| Reading { oom_kills: Some(kills), ..reading(now, MIB) };
    assert_eq!(kinds(&mut watch, 0, none, kills(3)), [], "those were before the start");
    assert_eq!(kinds(&mut watch, 1_000, none, kills(3)), []);
    assert_eq!(kinds(&mut watch, 2_000, none, kills(4)), [EventKind::OomKill]);
    assert_eq!(kinds(&mut watch, 3_000, none, kills(4)), []);
}

#[test]
fn m3_pressure_is_an_event_only_if_the_container_is_half_full_and_once_a_minute() {
    let mut watch = watch(Vec::new(), false);
    let pressure = Woken { by_pressure: true, ..Woken::default() };
    assert_eq!(kinds(&mut watch, 0, pressure, |now| reading(now, 255 * MIB)), []);
    assert_eq!(kinds(&mut watch, 1_000, pressure, |now| reading(now, 256 * MIB)), [EventKind::Pressure]);
    assert_eq!(kinds(&mut watch, 60_999, pressure, |now| reading(now, 256 * MIB)), []);
    assert_eq!(kinds(&mut watch, 61_000, Woken::default(), |now| reading(now, 256 * MIB)), []);
    assert_eq!(kinds(&mut watch, 61_000, pressure, |now| reading(now, 256 * MIB)), [EventKind::Pressure]);
    let host = |now| Reading { container: None, ..reading(now, 0) };
    assert_eq!(kinds(&mut watch, 200_000, pressure, host), [], "without a limit it is the machine's");
}

#[test]
fn looks_sooner_when_a_limit_comes_nearer_and_when_a_rise_will_have_lasted_long_enough() {
    let rule = Rule::above(MonitorMetric::Container, Limit::mib(400)).held_for(Duration::from_millis(2_300));
    let mut watch = watch(vec![rule], false);
    let none = Woken::default();
    kinds(&mut watch, 0, none, |now| reading(now, 100 * MIB));
    assert_eq!(watch.next_look(Duration::ZERO, SECOND), SECOND);
    kinds(&mut watch, 1_000, none, |now| reading(now, 200 * MIB));
    assert_eq!(watch.next_look(SECOND, SECOND), SECOND + Duration::from_millis(500));
    kinds(&mut watch, 2_000, none, |now| reading(now, 450 * MIB));
    assert_eq!(watch.next_look(2 * SECOND, SECOND), 3 * SECOND);
    assert_eq!(watch.next_look(4 * SECOND, SECOND), Duration::from_millis(4_300));
}

#[test]
fn with_captures_the_marks_up_to_the_limit_count() {
    let mut watch = watch(Vec::new(), true);
    let none = Woken::default();
    kinds(&mut watch, 1_000, none, |now| reading(now, 0));
    assert_eq!(watch.next_look(SECOND, SECOND), SECOND + SHORTEST, "the growth is not known yet");
    kinds(&mut watch, 2_000, none, |now| reading(now, 128 * MIB));
    // 128 MiB up to the first mark, at 128 MiB a second.
    assert_eq!(watch.next_look(2 * SECOND, SECOND), 2 * SECOND + Duration::from_millis(250));
    kinds(&mut watch, 2_100, none, |now| reading(now, 511 * MIB));
    assert_eq!(watch.next_look(2 * SECOND, SECOND), 2 * SECOND + SHORTEST);
    kinds(&mut watch, 2_200, none, |now| reading(now, 513 * MIB));
    assert_eq!(watch.next_look(2 * SECOND, SECOND), 2 * SECOND + SHORTEST);
}

#[test]
fn the_page_cache_matters_near_the_lowest_limit() {
    let rules = [90.0, 50.0]
        .map(|share| Rule::above(MonitorMetric::Container, Limit::percent(share)).named(share.to_string()));
    let mut watch = watch(rules.into(), false);
    assert_eq!(watch.stat_share(), 0.0, "the limit is not known yet");
    kinds(&mut watch, 0, Woken::default(), |now| reading(now, MIB));
    assert!((watch.stat_share() - 0.4).abs() < 1e-6, "{}", watch.stat_share());
    watch.rules.clear();
    assert_eq!(watch.stat_share(), f64::INFINITY, "no rule needs it");
}

#[test]
fn a_rule_about_a_type_waits_for_a_snapshot() {
    let rule = Rule::above(MonitorMetric::Type("Vec<u8>".into()), Limit::mib(1));
    let mut watch = watch(vec![rule], false);
    let none = Woken::default();
    assert_eq!(kinds(&mut watch, 0, none, |now| reading(now, 0)), []);
    let reason = watch.statuses(moment(0))[0].not_armed.clone();
    assert_eq!(reason.as_deref(), Some("no snapshot was taken yet"));
    watch.know_types(vec![("Vec<u8>".into(), 2 * MIB)]);
    assert_eq!(kinds(&mut watch, 1_000, none, |now| reading(now, 0)), [EventKind::Exceeded]);
    watch.know_largest(vec![("String".into(), 9 * MIB)]);
    assert_eq!(watch.types(), [("String".to_owned(), 9 * MIB), ("Vec<u8>".to_owned(), 2 * MIB)]);
}

#[test]
fn a_rule_that_falls_back_to_the_machine_says_so() {
    let tree = Tree::version_2();
    tree.add("cgroup/p/a/memory.max", "max");
    tree.add("meminfo", "MemTotal: 1000 kB\nMemAvailable: 100 kB\n");
    let rules = || {
        let share = Limit::percent_or_machine(85.0);
        vec![
            Rule::above(MonitorMetric::Container, share).named("machine"),
            Rule::above(MonitorMetric::Resident, share).named("resident"),
            Rule::above(MonitorMetric::Container, Limit::percent(85.0)).named("container"),
        ]
    };
    let mut watch = Watch::new(Reader::new(tree.path(), Watch::needs(&rules(), false)), rules(), false);
    let mut found = Vec::new();
    watch.look(moment(0), Woken::default(), &mut found);
    let texts: Vec<_> = found.iter().map(|(event, _)| event.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "machine: machine at 900.00 KiB, above the limit of 850.00 KiB",
            "container is not armed: no limit is set",
        ]
    );
    let statuses = watch.statuses(moment(0));
    let sources: Vec<_> = statuses.iter().map(|rule| rule.source.as_deref()).collect();
    assert_eq!(
        sources,
        [
            Some(
                "machine, MemTotal - MemAvailable of /proc/meminfo; no limit is set, so shares are of the machine's \
                 1000.00 KiB"
            ),
            Some("process, /proc/self/statm; no limit is set, so shares are of the machine's 1000.00 KiB"),
            None,
        ]
    );
    let limits: Vec<_> = statuses.iter().map(|rule| rule.limit).collect();
    assert_eq!(limits, [Some(850 << 10), Some(850 << 10), None]);

    tree.remove("meminfo");
    found.clear();
    watch.look(moment(1_000), Woken::default(), &mut found);
    let texts: Vec<_> = found.iter().map(|(event, _)| event.text.as_str()).collect();
    assert!(texts.contains(&"machine is not armed: no limit is set; meminfo: entity not found"), "{texts:?}");

    tree.add("cgroup/p/a/memory.max", "1000000");
    watch.look(moment(20_000), Woken::default(), &mut found);
    let source = watch.statuses(moment(20_000))[0].source.clone().unwrap();
    assert!(source.starts_with("container v2, "), "a limit counts as soon as there is one: {source}");
}
