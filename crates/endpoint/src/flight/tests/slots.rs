//! Transitions of slots that threads reach only by chance.

use bytes::Bytes;

use super::super::breaker::MAX_FAILURES;
use super::super::slot::MAX_VIEWS;
use super::*;

const LIMIT: Duration = Duration::from_secs(30);

fn join(slot: &mut Slot, view: RenderRequest) -> oneshot::Receiver<Answer> {
    join_as("ops", 0, slot, view).unwrap().1
}

/// Joins as `login` with the request number `number`. Returns the displaced requests and the receiver of the answer.
fn join_as(
    login: &str,
    number: u64,
    slot: &mut Slot,
    view: RenderRequest,
) -> Result<(Option<Group>, oneshot::Receiver<Answer>), Problem> {
    let (sender, receiver) = oneshot::channel();
    let waiter = Waiter { number, login: login.into(), sender, neighbours: None };
    let (_, displaced) = slot.join(view, waiter, &proof_of(login), Instant::now(), LIMIT)?;
    Ok((displaced, receiver))
}

#[test]
fn a_request_during_rendering_gets_the_next_report() {
    let mut slot = Slot::default();
    let early = join(&mut slot, stats());
    let late_view = stats();
    slot.collected();
    let mut late = join(&mut slot, late_view);

    slot.take_group(&stats()).unwrap().answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"first"))));
    assert!(slot.next_page().is_none());
    assert_eq!(late.try_recv(), Ok(None));
    let finished = slot.finish(End::Collected, Instant::now(), LIMIT);
    assert!(finished.unanswered.is_empty() && finished.collects_again, "collects again");

    slot.collected();
    slot.take_group(&stats()).unwrap().answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"second"))));
    assert_eq!(late.try_recv(), Ok(Some(Ok(Reply::page(Format::Text, Bytes::from_static(b"second"))))));
    assert!(!slot.finish(End::Collected, Instant::now(), LIMIT).collects_again);
    assert!(slot.is_idle());
    drop(early);
}

#[test]
fn s46_a_request_during_rendering_gets_the_page_of_statistics_if_it_can_be_reused() {
    let page = Ok(Reply::page(Format::Text, Bytes::from_static(b"page")));
    for (age, is_reused) in [(Duration::from_secs(60), true), (Duration::ZERO, false)] {
        let mut board = Board::default();
        let mut early = join(board.slot(Kind::Stats), stats());
        board.collected(Kind::Stats, age);
        let mut late = join(board.slot(Kind::Stats), stats());
        let mut other = join(board.slot(Kind::Stats), view(Page::Stats, Format::Json));
        board.take_groups(Kind::Stats, &stats(), &page).for_each(|group| group.answer(&page));
        assert_eq!(early.try_recv(), Ok(Some(page.clone())));
        assert_eq!(late.try_recv(), Ok(is_reused.then(|| page.clone())));
        assert_eq!(other.try_recv(), Ok(None), "another page");
        let finished = board.slot(Kind::Stats).finish(End::Collected, Instant::now(), LIMIT);
        assert!(finished.collects_again && finished.unanswered.is_empty());
        assert_eq!(board.slot(Kind::Stats).waiting(), if is_reused { 1 } else { 2 });
    }
}

#[test]
fn s43_the_deadline_covers_rendering_and_late_requests() {
    let mut slot = Slot::default();
    let (_early, _late) = (join(&mut slot, stats()), {
        slot.collected();
        join(&mut slot, stats())
    });
    let now = Instant::now();
    assert!(slot.expire(now).is_none());
    assert_eq!(slot.expire(now + 2 * LIMIT).unwrap().len(), 2);
    assert!(slot.take_group(&stats()).is_none(), "answered already");
    assert!(slot.expire(now + 3 * LIMIT).is_none());
    let refused = join_as("ops", 0, &mut slot, stats()).map(drop);
    assert_eq!(refused, Err(Problem::CollectorOverdue { retry_after: LIMIT }));
    let finished = slot.finish(End::Collected, now, LIMIT);
    assert!(finished.was_overdue && !finished.collects_again);
    assert!(slot.is_idle());
}

#[test]
fn s44_a_request_that_joins_during_a_refusal_waits_for_another_attempt() {
    let mut slot = Slot::default();
    let _early = join(&mut slot, stats());
    assert_eq!(slot.refuse().unwrap().len(), 1);
    let mut late = join(&mut slot, stats());
    let finished = slot.finish(End::Refused, Instant::now(), LIMIT);
    assert!(finished.unanswered.is_empty() && finished.collects_again);
    assert_eq!(late.try_recv(), Ok(None));
}

#[test]
fn s44_no_request_is_refused_if_one_of_them_forces_it() {
    let mut slot = Slot::default();
    let _waiters = [join(&mut slot, stats()), join(&mut slot, RenderRequest { force: true, ..stats() })];
    assert!(slot.refuse().is_none());
}

#[test]
fn s43_late_requests_do_not_make_an_open_breaker_collect() {
    let mut slot = Slot::default();
    let now = Instant::now();
    for failure in 1..=MAX_FAILURES {
        let _early = join(&mut slot, stats());
        slot.collected();
        let _late = join(&mut slot, stats());
        let finished = slot.finish(End::Panicked, now, LIMIT);
        assert_eq!(finished.collects_again, failure < MAX_FAILURES);
        assert_eq!(finished.unanswered.len(), if finished.collects_again { 1 } else { 2 });
        slot.abandon();
    }
    let refused = join_as("ops", 0, &mut slot, stats()).map(drop);
    assert!(matches!(refused, Err(Problem::BreakerOpen { .. })));
}

#[test]
fn a_new_collection_for_late_requests_has_its_own_deadline() {
    let mut slot = Slot::default();
    let _early = join(&mut slot, stats());
    slot.collected();
    let _late = join(&mut slot, stats());
    let later = Instant::now() + 20 * LIMIT;
    let finished = slot.finish(End::Panicked, later, LIMIT);
    assert!(finished.unanswered.len() == 1 && finished.collects_again);
    assert_eq!(slot.deadline(), Some(later + LIMIT));
}

#[test]
fn s45_the_view_of_a_request_that_has_gone_away_is_freed_at_once() {
    let mut slot = Slot::default();
    let kept: Vec<_> = (0..2 * MAX_VIEWS as u64)
        .map(|number| join_as("ops", number, &mut slot, with_filter(number as usize / 2)).unwrap())
        .collect();
    assert!(join_as("ops", 100, &mut slot, with_filter(100)).is_err());
    assert!(slot.leave(6).unwrap().1.is_none(), "another still wants that view");
    assert!(slot.leave(6).is_none());
    assert!(join_as("ops", 100, &mut slot, with_filter(100)).is_err());
    assert!(slot.leave(7).unwrap().1 == Some(with_filter(3)), "no other request wants it");
    let _late = join_as("ops", 101, &mut slot, with_filter(100)).unwrap();
    slot.collected();
    let mut written = Vec::new();
    while let Some(NextPage { request: view, .. }) = slot.next_page() {
        slot.take_group(&view).unwrap();
        written.push(view);
    }
    assert_eq!(written.len(), MAX_VIEWS);
    assert!(!written.contains(&with_filter(3)) && written.contains(&with_filter(100)));
    drop(kept);
}

#[test]
fn s45_logins_take_turns_with_their_views() {
    let mut slot = Slot::default();
    let wanted = [("a", 0), ("a", 1), ("a", 2), ("b", 3), ("a", 4), ("c", 5), ("b", 6)];
    let _waiting: Vec<_> = wanted
        .iter()
        .map(|&(login, filter)| join_as(login, filter as u64, &mut slot, with_filter(filter)).unwrap())
        .collect();
    slot.collected();
    let mut order = String::new();
    while let Some(NextPage { request: view, proof, .. }) = slot.next_page() {
        order.push_str(proof.user());
        slot.take_group(&view).unwrap();
    }
    assert_eq!(order, "abcabaa");
}

#[test]
fn s45_a_login_with_fewer_views_displaces_the_newest_view_of_the_login_with_the_most() {
    let mut slot = Slot::default();
    let most = MAX_VIEWS as u64;
    let mut first: Vec<_> = (0..most)
        .map(|number| join_as("a", number, &mut slot, with_filter(number as usize)).unwrap().1)
        .collect();
    for number in 0..most / 2 {
        let (displaced, _) =
            join_as("b", most + number, &mut slot, with_filter(100 + number as usize)).unwrap();
        displaced.unwrap().answer(&Err(Problem::TooManyWaiters));
        let newest = first.pop().unwrap().try_recv();
        assert_eq!(newest, Ok(Some(Err(Problem::TooManyWaiters))));
    }
    assert!(join_as("b", 200, &mut slot, with_filter(200)).is_err(), "both have their share");
    assert!(join_as("a", 201, &mut slot, with_filter(201)).is_err());
    // A view that both logins want stays.
    assert!(join_as("b", 202, &mut slot, with_filter(0)).unwrap().0.is_none());
    assert!(join_as("c", 203, &mut slot, with_filter(203)).unwrap().0.is_some());
}
