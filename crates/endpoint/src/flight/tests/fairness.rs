//! Requests that go away, and logins that want more than their share.

use super::super::alarms::{MAX_BODIES, MAX_GROWTHS, Permit, Wait};
use super::super::slot::MAX_VIEWS;
use super::*;
use crate::view::TakeSnapshot;

fn join_as(control: &Control, login: &str, view: RenderRequest) -> Result<Waiting, Problem> {
    control.flights.join(view, &proof_of(login))
}

#[tokio::test]
async fn s45_views_of_requests_that_have_gone_away_are_freed_at_once_and_not_rendered() {
    let control = Control::new(Limits::default());
    let snapshot = view(Page::Types, Format::Json).for_page(Arc::new(TakeSnapshot { label: None }));
    let gone: Vec<_> = (0..MAX_VIEWS).map(|filter| control.join(with_filter(filter)).unwrap()).collect();
    control.begun();
    drop(gone);
    assert_eq!(control.flights.waiting(), 0);
    drop(control.join(snapshot).unwrap());
    let stays: Vec<_> =
        (0..MAX_VIEWS).map(|filter| control.join(with_filter(100 + filter)).unwrap()).collect();
    control.order(Order::Return);
    for waiting in stays {
        text(waiting).await;
    }
    control.flights.wait_until_idle();
    assert_eq!(control.flights.shared().snapshots.list().len(), 0, "no request waited for the snapshot");
    assert_eq!(control.count_further_collections(), 0);
}

#[test]
fn s44_a_forced_request_that_has_gone_away_forces_nothing() {
    let mut slot = Slot::default();
    let (sender, _receiver) = oneshot::channel();
    let waiter = Waiter { number: 1, login: "ops".into(), sender, neighbours: None };
    let force = RenderRequest { force: true, ..stats() };
    slot.join(force, waiter, &proof(), Instant::now(), Duration::from_secs(1)).unwrap();
    slot.leave(1).unwrap();
    assert_eq!(slot.refuse().map(|groups| groups.len()), Some(0));
}

#[tokio::test]
async fn s45_a_login_with_many_views_leaves_room_for_another() {
    let control = Control::new(Limits::default());
    let mut many: Vec<_> =
        (0..MAX_VIEWS).map(|filter| join_as(&control, "many", with_filter(filter)).unwrap()).collect();
    control.begun();
    assert_eq!(join_as(&control, "many", with_filter(99)).unwrap_err(), Problem::TooManyWaiters);
    let one = join_as(&control, "one", with_filter(100)).unwrap();
    assert_eq!(problem(many.pop().unwrap()).await, Problem::TooManyWaiters, "the newest view gives way");
    control.order(Order::Return);
    text(one).await;
    for waiting in many {
        text(waiting).await;
    }
}

#[tokio::test]
async fn s45_a_login_with_many_waiters_leaves_room_for_another() {
    let control = Control::new(Limits::default().max_waiters(4));
    let mut many: Vec<_> = (0..4).map(|_| join_as(&control, "many", stats()).unwrap()).collect();
    control.begun();
    assert_eq!(join_as(&control, "many", stats()).unwrap_err(), Problem::TooManyWaiters);
    // Requests of another kind count towards the same limit.
    let ones = [stats(), view(Page::Types, Format::Text)].map(|view| join_as(&control, "one", view).unwrap());
    control.begun();
    assert_eq!(join_as(&control, "one", stats()).unwrap_err(), Problem::TooManyWaiters, "two each");
    for _ in 0..2 {
        assert_eq!(problem(many.pop().unwrap()).await, Problem::TooManyWaiters);
    }
    control.order(Order::Return);
    control.order(Order::Return);
    for waiting in many.into_iter().chain(ones) {
        text(waiting).await;
    }
}

#[test]
fn s45_permits_for_bodies_and_growths_are_shared_between_logins() {
    let control = Control::new(Limits::default());
    let shared = control.flights.shared();
    for (wait, most) in [(Wait::Body, MAX_BODIES), (Wait::Growth, MAX_GROWTHS)] {
        let take = |login: &str| Permit::take(shared, wait, &proof_of(login));
        let mut many: Vec<_> = (0..most).map(|_| take("many").unwrap()).collect();
        assert!(take("many").is_err());
        let ones: Vec<_> = (0..most / 2).map(|_| take("one").unwrap()).collect();
        assert!(take("one").is_err() && take("many").is_err(), "half each");
        assert_eq!(shared.lock().alarms.len(), most);
        // A displaced permit is already removed, so dropping it changes nothing.
        many.truncate(most / 2);
        assert_eq!(shared.lock().alarms.len(), most);
        drop((many, ones));
        assert_eq!(shared.lock().alarms.len(), 0);
    }
}

#[tokio::test]
async fn s26_a_displaced_body_is_answered_at_once() {
    let control = Control::new(Limits::default());
    let await_body = |login: &str| control.flights.await_body(&proof_of(login));
    let mut many: Vec<_> = (0..MAX_BODIES).map(|_| await_body("many").unwrap()).collect();
    let one = await_body("one").unwrap();
    let mut newest = many.pop().unwrap();
    let problem = std::future::poll_fn(|context| newest.poll_over(context)).await;
    assert_eq!(problem, Problem::TooManyBodies);
    drop((many, one, newest));
    control.flights.wait_until_idle();
}

#[tokio::test]
async fn s40_a_displaced_growth_is_answered() {
    let control = Control::new(Limits::default());
    let take = |login: &str| Permit::take(control.flights.shared(), Wait::Growth, &proof_of(login)).unwrap();
    let far = Instant::now() + Duration::from_secs(60 * 60);
    let permits: Vec<_> = (0..MAX_GROWTHS).map(|_| take("many")).collect();
    let waiting = permits[MAX_GROWTHS - 1].ring_at(far).unwrap();
    let _one = take("one");
    assert!(waiting.await.is_err());
    // The same happens if the wait starts after the permit was displaced.
    let _two = take("one");
    let problem = permits[MAX_GROWTHS - 2].wait_until(far).await;
    assert_eq!(problem, Err(Problem::TooManyGrowths { retry_after: Duration::ZERO }));
}

#[tokio::test]
async fn s45_bodies_of_all_kinds_of_replies_are_counted_until_they_are_dropped() {
    let control = Control::keeping_stats(Limits::default());
    let unread = &control.flights.shared().unread;
    for view in [view(Page::Types, Format::Json), with_filter(1), view(Page::Doctor, Format::Text)] {
        let waiting = control.join(view).unwrap();
        control.begun();
        control.order(Order::Return);
        let reply = waiting.await.unwrap();
        assert_eq!(unread.bytes(), reply.body.len());
        drop(reply);
        // The collecting thread has dropped it, too.
        control.flights.wait_until_idle();
        assert_eq!(unread.bytes(), 0);
    }
    let waiting = [control.join(stats()).unwrap(), control.join(stats()).unwrap()];
    control.begun();
    control.order(Order::Return);
    let [one, other] = waiting;
    let bytes = text(one).await.len();
    assert_eq!(unread.bytes(), bytes, "one page, kept for reuse");
    assert_eq!(text(other).await.len(), bytes);
    assert_eq!(unread.bytes(), bytes);
}
