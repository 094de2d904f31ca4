use memory_debug_report::MissingReason;

use super::*;
use crate::failure::Failure;
use crate::top::fixture::{report, row};

fn state(rows: u64) -> (State, Instant) {
    let now = Instant::now();
    let mut state = State::new(vec!["http://a".into()], Vec::new(), Duration::from_secs(2), now);
    answer(&mut state, rows, now);
    state.refresh(now);
    (state, now)
}

fn answer(state: &mut State, rows: u64, at: Instant) {
    let rows = (0..rows).map(|number| row(&format!("T{number:03}"), 1, 1000 - number, 0.0)).collect();
    state.take(News::Answered { index: 0, at, answer: Box::new(Ok(report(1, rows))) });
}

fn first(state: &State) -> Option<&str> {
    state.rows().next().map(|row| row.name.as_str())
}

#[test]
fn scrolling_stays_within_the_table() {
    let (mut state, now) = state(100);
    state.set_page(30);
    for (scroll, expected) in [
        (Scroll::Up, "T000"),
        (Scroll::Down, "T001"),
        (Scroll::PageDown, "T031"),
        (Scroll::PageDown, "T061"),
        (Scroll::PageDown, "T070"),
        (Scroll::PageUp, "T040"),
        (Scroll::End, "T070"),
        (Scroll::Home, "T000"),
    ] {
        assert_eq!(state.act(Action::Scroll(scroll), now), Then::Go);
        assert_eq!(first(&state), Some(expected), "{scroll:?}");
    }
    state.act(Action::Scroll(Scroll::End), now);
    state.set_page(200);
    assert_eq!(first(&state), Some("T000"), "a larger screen shows all rows");
}

#[test]
fn filter_is_typed_kept_and_cleared() {
    let (mut state, now) = state(100);
    for action in [Action::EditFilter, Action::Type('t'), Action::Type('9'), Action::Type('x'), Action::Erase]
    {
        state.act(action, now);
    }
    assert_eq!((state.filter(), state.position().0, state.mode()), ("t9", 0, Mode::Filter));
    state.act(Action::Erase, now);
    "09".chars().for_each(|c| _ = state.act(Action::Type(c), now));
    state.act(Action::KeepFilter, now);
    assert_eq!((state.position().0, first(&state), state.mode()), (10, Some("T090"), Mode::Table));
    state.act(Action::ClearFilter, now);
    assert_eq!(state.position().0, 100);
    (0..1000).for_each(|_| _ = state.act(Action::Type('x'), now));
    assert_eq!(state.filter().len(), MAX_FILTER_CHARS);
}

#[test]
fn new_order_starts_at_the_top_and_is_not_reversed() {
    let (mut state, now) = state(100);
    state.act(Action::Scroll(Scroll::End), now);
    state.act(Action::Reverse, now);
    assert_eq!(state.order(), (Order::Bytes, false));
    state.act(Action::Sort(Order::Name), now);
    assert_eq!((first(&state), state.order()), (Some("T000"), (Order::Name, false)));
    state.act(Action::Reverse, now);
    assert_eq!((first(&state), state.order()), (Some("T099"), (Order::Name, true)));
}

#[test]
fn pause_stops_the_table_and_loses_no_answer() {
    let (mut state, now) = state(100);
    state.act(Action::Pause, now);
    let later = now + Duration::from_secs(9);
    answer(&mut state, 50, later);
    state.refresh(later);
    assert_eq!(state.position().0, 100);
    state.act(Action::Pause, later);
    state.refresh(later);
    // A type that is gone still has a row.
    assert_eq!(state.table().rows.iter().filter(|row| row.bytes > 0).count(), 50);
}

#[test]
fn last_table_stays_when_no_instance_answers() {
    let (mut state, now) = state(9);
    let (failed, later) = (now + Duration::from_secs(2), now + Duration::from_secs(6));
    for at in [failed, failed + Duration::from_secs(2)] {
        let failure = Failure::new(MissingReason::Unreachable, "connection refused");
        state.take(News::Answered { index: 0, at, answer: Box::new(Err(failure)) });
        state.refresh(at);
    }
    assert_eq!((state.position().0, state.answering()), (9, 0));
    assert_eq!(state.lost(later), Some(Duration::from_secs(4)));
    answer(&mut state, 8, later);
    state.refresh(later);
    assert_eq!((state.answering(), state.lost(later)), (1, None));
}

#[test]
fn history_has_one_point_per_interval() {
    let (mut state, now) = state(1);
    for milliseconds in [100, 200, 1_900, 2_000, 4_000] {
        let at = now + Duration::from_millis(milliseconds);
        answer(&mut state, 1, at);
        state.refresh(at);
    }
    assert_eq!(state.history().series(99, |point| point.resident).len(), 3);
}

#[test]
fn news_of_an_unknown_instance_change_nothing() {
    let (mut state, now) = state(1);
    state.take(News::Asked { index: 7, at: now });
    state.take(News::Answered { index: 7, at: now, answer: Box::new(Ok(report(7, Vec::new()))) });
    assert_eq!(state.table().fleet.instances.len(), 1);
}
