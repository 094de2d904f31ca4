//! The transitions that threads reach only by chance.

use bytes::Bytes;

use super::super::breaker::MAX_FAILURES;
use super::*;

const LIMIT: Duration = Duration::from_secs(30);

fn join(slot: &mut Slot, view: View) -> oneshot::Receiver<Answer> {
    let (sender, receiver) = oneshot::channel();
    slot.join(view, sender, &proof(), Instant::now(), LIMIT).unwrap();
    receiver
}

#[test]
fn who_comes_while_rendering_gets_the_next_report() {
    let mut slot = Slot::default();
    let (early, late_view) = (join(&mut slot, stats()), stats());
    slot.collected();
    let mut late = join(&mut slot, late_view);

    slot.take_group(&stats()).unwrap().answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"first"))));
    assert!(slot.next_view().is_none());
    assert_eq!(late.try_recv(), Ok(None));
    let finished = slot.finish(End::Collected, Instant::now(), LIMIT);
    assert!(finished.unanswered.is_empty() && finished.goes_on, "collects again");

    slot.collected();
    slot.take_group(&stats()).unwrap().answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"second"))));
    assert_eq!(late.try_recv(), Ok(Some(Ok(Reply::page(Format::Text, Bytes::from_static(b"second"))))));
    assert!(!slot.finish(End::Collected, Instant::now(), LIMIT).goes_on);
    assert!(slot.is_idle());
    drop(early);
}

#[test]
fn s43_the_deadline_covers_rendering_and_those_who_came_late() {
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
    let (sender, _receiver) = oneshot::channel();
    let refused = slot.join(stats(), sender, &proof(), now, LIMIT);
    assert_eq!(refused, Err(Problem::CollectorOverdue { retry_after: LIMIT }));
    let finished = slot.finish(End::Collected, now, LIMIT);
    assert!(finished.was_overdue && !finished.goes_on);
    assert!(slot.is_idle());
}

#[test]
fn s44_who_comes_while_others_are_refused_waits_for_another_try() {
    let mut slot = Slot::default();
    let _early = join(&mut slot, stats());
    assert_eq!(slot.refuse().unwrap().len(), 1);
    let mut late = join(&mut slot, stats());
    let finished = slot.finish(End::Refused, Instant::now(), LIMIT);
    assert!(finished.unanswered.is_empty() && finished.goes_on);
    assert_eq!(late.try_recv(), Ok(None));
}

#[test]
fn s44_nobody_is_refused_if_one_of_them_forces_it() {
    let mut slot = Slot::default();
    let _waiters = [join(&mut slot, stats()), join(&mut slot, View { force: true, ..stats() })];
    assert!(slot.refuse().is_none());
}

#[test]
fn s43_latecomers_do_not_make_an_open_breaker_collect() {
    let mut slot = Slot::default();
    let now = Instant::now();
    for failure in 1..=MAX_FAILURES {
        let _early = join(&mut slot, stats());
        slot.collected();
        let _late = join(&mut slot, stats());
        let finished = slot.finish(End::Panicked, now, LIMIT);
        assert_eq!(finished.goes_on, failure < MAX_FAILURES);
        assert_eq!(finished.unanswered.len(), if finished.goes_on { 1 } else { 2 });
        slot.abandon();
    }
    let (sender, _receiver) = oneshot::channel();
    let refused = slot.join(stats(), sender, &proof(), now, LIMIT);
    assert!(matches!(refused, Err(Problem::BreakerOpen { .. })));
}

#[test]
fn a_new_collection_for_latecomers_has_its_own_deadline() {
    let mut slot = Slot::default();
    let _early = join(&mut slot, stats());
    slot.collected();
    let _late = join(&mut slot, stats());
    let later = Instant::now() + 20 * LIMIT;
    let finished = slot.finish(End::Panicked, later, LIMIT);
    assert!(finished.unanswered.len() == 1 && finished.goes_on);
    assert_eq!(slot.deadline(), Some(later + LIMIT));
}
