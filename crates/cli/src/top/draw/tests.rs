//! Tests of screens as text. The expected screens are in `data/top`; `MEMORY_DEBUG_BLESS=1` rewrites them.

use std::path::Path;
use std::time::Duration;

use memory_debug_report::{CgroupLevel, MemoryReport, MissingInstance, MissingReason, TypeRow};
use proptest::prelude::*;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::*;
use crate::failure::Failure;
use crate::top::fixture::{report, row};
use crate::top::keys::Action;
use crate::top::poll::News;
use crate::top::state::State;
use crate::top::table::Order;
use ratatui::style::Color;

type Scene = fn() -> (State, Instant);

fn answer(state: &mut State, index: usize, at: Instant, answer: Result<MemoryReport, Failure>) {
    state.take(News::Answered { index, at, answer: Box::new(answer) });
    state.refresh(at);
}

fn shop(audit_bytes: u64) -> Vec<TypeRow> {
    let unattributed: TypeRow = serde_json::from_value(serde_json::json!({
        "type": "parse_row", "full_type": "csv::parse_row", "objects": 512, "bytes": 1 << 20,
        "objects_stderr": 362.0, "bytes_stderr": 741_455.0, "source": "unattributed",
    }))
    .unwrap();
    let exact: TypeRow = serde_json::from_value(serde_json::json!({
        "type": "Session", "full_type": "axum_service::Session", "objects": 20_000, "bytes": 960_000,
        "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "exact",
    }))
    .unwrap();
    let mut rows = vec![
        row("HashMap<String, Session>", 1, 12 << 20, 2_568_000.0),
        row("Vec<AuditRecord>", audit_bytes >> 18, audit_bytes, (524_288.0 * audit_bytes as f64).sqrt()),
        row("String", 97_100, 7_330_000, 1_960_000.0),
        row("Vec<u8> in shop::reports::ReportCache::of_day (examples/shop/src/reports.rs)", 36, 9 << 20, 2e6),
        unattributed,
        exact,
    ];
    let small =
        (0..40).map(|number| row(&format!("Small{number:02}"), 3, 90_000 - 1_000 * number, 200_000.0));
    rows.extend(small);
    rows
}

/// One instance that leaks, watched for three minutes.
fn one() -> (State, Instant) {
    let began = Instant::now();
    let mut state =
        State::new(vec!["http://127.0.0.1:3000".into()], Vec::new(), Duration::from_secs(2), began);
    for turn in 0..90 {
        let mut report = report(1, shop((1 << 20) + turn * (6 << 20)));
        let grown = turn * (6 << 20);
        report.process.as_mut().unwrap().resident_bytes = Some((120 << 20) + grown);
        report.allocator.as_mut().unwrap().allocated_bytes = Some((90 << 20) + grown);
        report.allocator.as_mut().unwrap().active_bytes = Some((92 << 20) + grown);
        answer(&mut state, 0, began + Duration::from_secs(2 * turn), Ok(report));
    }
    (state, began + Duration::from_secs(180))
}

/// Four instances and an unusable address. One instance is slow, one is missing, one was restarted.
fn several() -> (State, Instant) {
    let began = Instant::now();
    let targets = (1..5).map(|number| format!("http://10.0.0.{number}:3000")).collect();
    let unknown =
        MissingInstance::new("unknown.example", MissingReason::Address, "found no address for the host name");
    let mut state = State::new(targets, vec![unknown], Duration::from_secs(2), began);
    for turn in 0..20 {
        let at = began + Duration::from_secs(2 * turn);
        for index in 0..3 {
            let number = if index == 1 && turn < 9 { 99 } else { index as u64 + 1 };
            let audit_bytes = if index == 0 { turn << 22 } else { 1 << 20 };
            answer(&mut state, index, at, Ok(report(number, shop(audit_bytes))));
        }
        let away = Failure::new(MissingReason::Unreachable, "Connection refused (os error 111)");
        answer(&mut state, 3, at, Err(away));
    }
    let asked = began + Duration::from_secs(40);
    state.take(News::Asked { index: 2, at: asked });
    (state, asked + Duration::from_secs(7))
}

fn screen(state: &mut State, now: Instant, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    let draw_frame = |frame: &mut ratatui::Frame<'_>| {
        state.set_page(page(state, now, frame.area()));
        draw(state, now, Palette::COLOURFUL, frame.area(), frame.buffer_mut());
    };
    terminal.draw(draw_frame).unwrap();
    terminal.backend().buffer().clone()
}

fn text(screen: &Buffer) -> String {
    lines(screen).map(|line| line + "\n").collect()
}

fn assert_golden(name: &str, seen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/top").join(name);
    if std::env::var_os("MEMORY_DEBUG_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, seen).unwrap();
    }
    let expected =
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        seen, expected,
        "{name} differs; if that is intended, MEMORY_DEBUG_BLESS=1 rewrites it; seen:\n{seen}"
    );
}

#[test]
fn screens_match_the_golden_files() {
    let scenes: [(&str, Scene); 2] = [("one", one), ("several", several)];
    for (name, scene) in scenes {
        for (width, height) in [(80, 24), (200, 50)] {
            let (mut state, now) = scene();
            let seen = text(&screen(&mut state, now, width, height));
            assert_golden(&format!("{name}-{width}x{height}.txt"), &seen);
        }
    }
}

#[test]
fn help_is_drawn_on_top_of_the_table() {
    let (mut state, now) = one();
    state.act(Action::Help, now);
    state.act(Action::Pause, now);
    assert_golden("help-80x24.txt", &text(&screen(&mut state, now, 80, 24)));
}

#[test]
fn filter_is_shown_while_typing_and_afterwards() {
    let (mut state, now) = one();
    for action in [Action::EditFilter, Action::Type('a'), Action::Type('u')] {
        state.act(action, now);
    }
    let typed = text(&screen(&mut state, now, 80, 24));
    assert!(typed.contains("filter: au   Enter keeps, Esc clears"), "{typed}");
    assert!(typed.contains("Vec<AuditRecord>") && !typed.contains("HashMap"), "{typed}");
    state.act(Action::KeepFilter, now);
    let kept = text(&screen(&mut state, now, 80, 24));
    assert!(kept.contains("filter: au  Esc clears"), "{kept}");
    "zz".chars().for_each(|c| _ = state.act(Action::Type(c), now));
    let none = text(&screen(&mut state, now, 80, 24));
    assert!(none.contains("no type name contains the filter") && none.contains("0 of 0"), "{none}");
}

#[test]
fn says_why_there_is_no_table() {
    let now = Instant::now();
    let mut state = State::new(vec!["http://a".into()], Vec::new(), Duration::from_secs(2), now);
    assert!(text(&screen(&mut state, now, 80, 24)).contains("waiting for the first answer"));
    answer(&mut state, 0, now, Err(Failure::new(MissingReason::Deadline, "no answer in 5s\u{1b}[2J")));
    let seen = text(&screen(&mut state, now, 80, 24));
    assert!(seen.contains("no answer · deadline: no answer in 5s\\u{1b}[2J"), "{seen}");
    let mut bare = serde_json::to_value(report(1, Vec::new())).unwrap();
    bare["types"] = serde_json::Value::Null;
    bare["unavailable"]["types"] = "profiling is off".into();
    answer(&mut state, 0, now, Ok(serde_json::from_value(bare).unwrap()));
    let seen = text(&screen(&mut state, now, 80, 24));
    assert!(seen.contains("no table of types: profiling is off"), "{seen}");
}

#[test]
fn only_significant_growth_is_coloured() {
    let (mut state, now) = one();
    let screen = screen(&mut state, now, 80, 24);
    let red = |wanted: &str| {
        let y = lines(&screen).position(|line| line.starts_with(wanted)).unwrap() as u16;
        (0..80).any(|x| screen[(x, y)].fg == Color::Red)
    };
    assert!(red("Vec<AuditRecord>") && !red("String"));
}

#[test]
fn s64_text_of_a_server_cannot_move_the_cursor() {
    let now = Instant::now();
    let mut state = State::new(vec!["http://a".into()], Vec::new(), Duration::from_secs(2), now);
    let mut hostile = report(1, vec![row("A\u{1b}[2J\r\n\u{202e}<T>", 1, 10, 1.0)]);
    hostile.instance.service = Some("\u{1b}]0;title\u{7}".into());
    hostile.collected_at = "\u{1b}[31m".into();
    answer(&mut state, 0, now, Ok(hostile));
    for cell in screen(&mut state, now, 120, 24).content() {
        assert!(!cell.symbol().contains(char::is_control), "{cell:?}");
    }
}

fn hostile_text() -> impl Strategy<Value = String> {
    let odd = proptest::sample::select(vec![
        '\u{1b}', '\u{200d}', '\u{301}', '👩', '大', '\u{ad}', '\u{fe0f}', '\0', 'x',
    ]);
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(odd, 0..400).prop_map(|text| text.into_iter().collect())
    ]
}

fn hostile_report() -> impl Strategy<Value = MemoryReport> {
    let number = || prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
    let error = || prop_oneof![Just(0.0), Just(-1.0), Just(f64::MAX), any::<u32>().prop_map(f64::from)];
    let rows = proptest::collection::vec((hostile_text(), number(), number(), error()), 0..60);
    (rows, hostile_text(), number(), number(), 0_u64..3).prop_map(|(rows, text, resident, limit, id)| {
        let rows =
            rows.iter().map(|(name, objects, bytes, error)| row(name, *objects, *bytes, *error)).collect();
        let mut report = report(id, rows);
        (report.instance.service, report.instance.version) = (Some(text.clone()), Some(text.clone()));
        (report.collected_at, report.duration_us) = (text, resident);
        report.process.as_mut().unwrap().resident_bytes = Some(resident);
        let cgroup = report.cgroup.as_mut().unwrap();
        cgroup.limit_bytes = Some(limit);
        let mut above = CgroupLevel::default();
        above.path = report.collected_at.clone();
        (above.limit_bytes, above.current_bytes) = (Some(limit), Some(resident));
        cgroup.binding = (resident % 2 == 0).then_some(above);
        report.allocator.as_mut().unwrap().active_bytes = Some(limit);
        report
    })
}

fn any_action() -> impl Strategy<Value = Action> {
    use crate::top::keys::Scroll;
    prop_oneof![
        any::<char>().prop_map(Action::Type),
        proptest::sample::select(vec![
            Action::Sort(Order::Growth),
            Action::Sort(Order::Name),
            Action::Reverse,
            Action::Scroll(Scroll::End),
            Action::Scroll(Scroll::PageDown),
            Action::Scroll(Scroll::Up),
            Action::Pause,
            Action::Help,
            Action::EditFilter,
            Action::Erase,
            Action::ClearFilter,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_size_key_or_answer_causes_a_panic(
        answers in proptest::collection::vec((0..3_usize, proptest::option::of(hostile_report())), 0..6),
        failure in hostile_text(),
        actions in proptest::collection::vec(any_action(), 0..6),
        sizes in proptest::collection::vec((1_u16..=400, 1_u16..=100), 1..6),
    ) {
        let mut now = Instant::now();
        let mut state =
            State::new(vec!["http://a".into(), failure.clone(), "c".into()], Vec::new(), Duration::from_secs(2), now);
        for (index, report) in answers {
            now += Duration::from_secs(20);
            state.take(News::Asked { index: (index + 1) % 3, at: now });
            let report = report.ok_or_else(|| Failure::new(MissingReason::Refused, failure.clone()));
            answer(&mut state, index, now, report);
        }
        for action in actions {
            state.act(action, now);
            for &(width, height) in &sizes {
                let seen = screen(&mut state, now + Duration::from_secs(9), width, height);
                prop_assert!(seen.content().iter().all(|cell| !cell.symbol().contains(char::is_control)));
            }
        }
        let _ = crate::top::batch::text(&mut state, now, 120, 1000);
    }
}

#[test]
fn every_size_can_be_drawn() {
    let scenes: [Scene; 2] = [one, several];
    let widths = [1, 2, 3, 5, 11, 24, 36, 80, 110, 400];
    for scene in scenes {
        let (mut state, now) = scene();
        for help in [false, true] {
            if help {
                state.act(Action::Help, now);
            }
            for (width, height) in
                widths.into_iter().flat_map(|width| (1..=34).chain([100]).map(move |height| (width, height)))
            {
                screen(&mut state, now, width, height);
            }
        }
    }
}

#[test]
fn text_has_all_rows_and_no_keys() {
    let (mut state, now) = one();
    let seen = crate::top::batch::text(&mut state, now, 120, 1000);
    assert!(seen.contains("Small39") && seen.contains("\ntotal of sampled types"), "{seen}");
    assert!(!seen.contains("quit") && !seen.contains("more\n"), "{seen}");
    let cut = crate::top::batch::text(&mut state, now, 120, 30);
    assert!(!cut.contains("\n\n"), "{cut}");
    assert!(cut.ends_with("… and 16 more\n") && cut.contains("Small23") && !cut.contains("Small24"), "{cut}");
}

#[test]
fn only_the_problem_is_coloured_in_the_line_of_answers() {
    let (mut state, now) = several();
    let screen = screen(&mut state, now, 80, 24);
    let colour = |wanted: &str| {
        let (y, line) = (0..).zip(lines(&screen)).find(|(_, line)| line.contains(wanted)).unwrap();
        let before = line.split(wanted).next().unwrap().chars().count();
        screen[(u16::try_from(before).unwrap(), y)].fg
    };
    assert_eq!((colour("3 of 5"), colour("unknown.example")), (Color::Reset, Color::Red));
}
