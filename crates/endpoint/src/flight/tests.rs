//! The collector here is under the test's control: it says when it begins and ends when told, so nothing sleeps.

mod growth;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::Poll;
use std::thread::{self, ThreadId};
use std::time::Duration;

use bytes::Bytes;
use memory_debug_core::{MemoryReport, Page, Scope, TypesView};
use serde_json::json;

use super::breaker::{MAX_FAILURES, PAUSE};
use super::slot::MAX_VIEWS;
use super::*;
use crate::authenticate::authenticate;
use crate::collect::Shortage;
use crate::credentials::Credentials;
use crate::format::Format;
use crate::wanted::Wanted;

fn proof() -> Authorized {
    authenticate(&Credentials::allow_weak("ops", "x").unwrap(), [&b"Basic b3BzOng="[..]]).unwrap()
}

fn view(page: Page, format: Format) -> View {
    let wanted = Wanted::Page { page, types: TypesView::default() };
    View { wanted, format, force: false, shows_host: true }
}

fn stats() -> View {
    view(Page::Stats, Format::Text)
}

fn with_filter(filter: usize) -> View {
    let types = TypesView { filter: Some(filter.to_string()), ..TypesView::default() };
    View { wanted: Wanted::Page { page: Page::Types, types }, ..view(Page::Types, Format::Text) }
}

fn report(number: usize) -> MemoryReport {
    serde_json::from_value(json!({
        "schema": "memory-debug/v1", "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        "collected_at": format!("report {number}"), "duration_us": 0, "unavailable": {},
    }))
    .unwrap()
}

/// What the collector under test does when it is released.
enum Order {
    Return,
    Panic,
}

const SHORTAGE: Shortage = Shortage { needed_bytes: 100, available_bytes: 1 };

/// Announces each collection and then waits for an order. Counts how many run at once.
struct Gate {
    begun: Mutex<Sender<(Scope, ThreadId)>>,
    orders: Mutex<Receiver<Order>>,
    runs: AtomicUsize,
    running: Arc<AtomicUsize>,
    most_running: Arc<AtomicUsize>,
    is_short: Arc<AtomicBool>,
}

/// The test's end of the gate.
struct Control {
    flights: Flights,
    begun: Receiver<(Scope, ThreadId)>,
    orders: Sender<Order>,
    most_running: Arc<AtomicUsize>,
    is_short: Arc<AtomicBool>,
}

impl Collect for Gate {
    fn collect(&self, scope: Scope) -> MemoryReport {
        self.most_running.fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let number = self.runs.fetch_add(1, Ordering::SeqCst) + 1;
        self.begun.lock().unwrap().send((scope, thread::current().id())).unwrap();
        let order = self.orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        self.running.fetch_sub(1, Ordering::SeqCst);
        match order {
            Ok(Order::Panic) => panic!("the secret reason"),
            _ => report(number),
        }
    }

    fn headroom(&self, _scope: Scope) -> Result<(), Shortage> {
        if self.is_short.load(Ordering::SeqCst) { Err(SHORTAGE) } else { Ok(()) }
    }
}

impl Control {
    /// Each request is for a new report.
    fn new(limits: Limits) -> Self {
        Self::keeping_stats(limits.stats_age(Duration::ZERO))
    }

    fn keeping_stats(limits: Limits) -> Self {
        let ((begun_sender, begun), (orders, orders_receiver)) = (channel(), channel());
        let (most_running, is_short) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let gate = Gate {
            begun: Mutex::new(begun_sender),
            orders: Mutex::new(orders_receiver),
            runs: AtomicUsize::new(0),
            running: Arc::default(),
            most_running: Arc::clone(&most_running),
            is_short: Arc::clone(&is_short),
        };
        Self { flights: Flights::new(Arc::new(gate), limits), begun, orders, most_running, is_short }
    }

    fn join(&self, view: View) -> Result<oneshot::Receiver<Answer>, Problem> {
        self.flights.join(view, &proof())
    }

    /// Waits until a collection has begun.
    fn begun(&self) -> (Scope, ThreadId) {
        self.begun.recv().unwrap()
    }

    fn order(&self, order: Order) {
        self.orders.send(order).unwrap();
    }

    fn collections_begun_since(&self) -> usize {
        self.begun.try_iter().count()
    }
}

async fn text(receiver: oneshot::Receiver<Answer>) -> String {
    String::from_utf8(receiver.await.unwrap().unwrap().body.into()).unwrap()
}

async fn problem(receiver: oneshot::Receiver<Answer>) -> Problem {
    receiver.await.unwrap().unwrap_err()
}

#[tokio::test]
async fn s40_a_thousand_requests_share_one_collection_and_one_rendering() {
    let control = Control::new(Limits::default());
    let receivers: Vec<_> = (0..1000).map(|_| control.join(stats()).unwrap()).collect();
    control.begun();
    control.order(Order::Return);
    let mut addresses = BTreeSet::new();
    for receiver in receivers {
        let body = receiver.await.unwrap().unwrap();
        addresses.insert(body.body.as_ptr());
    }
    assert_eq!(addresses.len(), 1, "the body is shared, not copied");
    control.flights.wait_until_idle();
    assert_eq!(control.collections_begun_since(), 0);
}

#[tokio::test]
async fn s40_requests_from_many_threads_share_one_collection() {
    let control = Control::new(Limits::default());
    let join = || (0..50).map(|_| control.flights.join(stats(), &proof()).unwrap()).collect::<Vec<_>>();
    let receivers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(join)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    control.begun();
    control.order(Order::Return);
    for receiver in receivers {
        assert!(text(receiver).await.contains("report 1"));
    }
}

#[tokio::test]
async fn s40_different_views_share_one_collection() {
    let control = Control::new(Limits::default());
    let json = control.join(view(Page::Types, Format::Json)).unwrap();
    control.begun();
    let overview = control.join(view(Page::Overview, Format::Text)).unwrap();
    control.order(Order::Return);
    assert!(text(json).await.starts_with('{'));
    assert!(!text(overview).await.starts_with('{'));
    control.flights.wait_until_idle();
    assert_eq!(control.collections_begun_since(), 0);
}

#[tokio::test]
async fn s40_statistics_do_not_wait_for_types() {
    let control = Control::new(Limits::default());
    let types = control.join(view(Page::Types, Format::Text)).unwrap();
    let (types_scope, _) = control.begun();
    let stats = control.join(stats()).unwrap();
    let (stats_scope, _) = control.begun();
    assert_eq!((types_scope, stats_scope), (Scope::Everything, Scope::Stats));
    control.order(Order::Return);
    control.order(Order::Return);
    text(types).await;
    text(stats).await;
}

#[tokio::test]
async fn a_request_after_the_end_gets_a_new_report_on_a_new_thread() {
    let control = Control::new(Limits::default());
    let mut threads = BTreeSet::new();
    for number in 1..=3 {
        let receiver = control.join(stats()).unwrap();
        threads.insert(format!("{:?}", control.begun().1));
        control.order(Order::Return);
        assert!(text(receiver).await.contains(&format!("report {number}")));
        control.flights.wait_until_idle();
    }
    assert_eq!(threads.len(), 3);
}

#[tokio::test]
async fn s41_requests_that_go_away_do_not_admit_a_second_collection() {
    let control = Control::new(Limits::default());
    drop(control.join(stats()).unwrap());
    control.begun();
    for _ in 0..100 {
        drop(control.join(stats()).unwrap());
    }
    let stays = control.join(stats()).unwrap();
    control.order(Order::Return);
    assert!(text(stays).await.contains("report 1"));
    control.flights.wait_until_idle();
    assert_eq!(control.collections_begun_since(), 0);
    assert_eq!(control.most_running.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s41_a_collection_nobody_waits_for_ends_and_frees_its_slot() {
    let control = Control::new(Limits::default());
    drop(control.join(stats()).unwrap());
    control.begun();
    control.order(Order::Return);
    control.flights.wait_until_idle();
    let next = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(next).await.contains("report 2"));
}

#[tokio::test]
async fn s42_the_collector_never_runs_on_the_thread_of_a_request() {
    let control = Control::new(Limits::default());
    let receiver = control.join(stats()).unwrap();
    assert_ne!(control.begun().1, thread::current().id());
    control.order(Order::Return);
    text(receiver).await;
}

#[tokio::test]
async fn s42_without_a_thread_the_answer_is_503_and_the_next_request_tries_again() {
    let refuse: Spawn = |_work| Err(io::Error::from(io::ErrorKind::WouldBlock));
    let control = Control::new(Limits::default());
    // With a deadline this far away, the supervisor ends only because it is told to.
    let limits = Limits::default().deadline(Duration::MAX);
    let flights = Flights::with_spawn(Arc::clone(&control.flights.shared().collect), limits, refuse);
    for _ in 0..2 {
        let receiver = flights.join(stats(), &proof()).unwrap();
        assert_eq!(problem(receiver).await, Problem::NoThread);
        flights.wait_until_idle();
    }
}

#[tokio::test]
async fn s43_after_the_deadline_waiters_get_504_and_others_503_until_the_thread_returns() {
    let control = Control::new(Limits::default());
    let waiters = [control.join(stats()).unwrap(), control.join(view(Page::Stats, Format::Json)).unwrap()];
    control.begun();
    control.flights.pass_deadline();
    for waiter in waiters {
        assert!(matches!(problem(waiter).await, Problem::DeadlineExceeded { .. }));
    }
    for _ in 0..3 {
        assert!(matches!(control.join(stats()), Err(Problem::CollectorOverdue { .. })));
    }
    assert_eq!(control.collections_begun_since(), 0);

    control.order(Order::Return);
    control.flights.wait_until_idle();
    let next = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(next).await.contains("report 2"), "the late report goes to nobody");
}

#[tokio::test]
async fn s43_a_stuck_kind_leaves_the_other_working() {
    let control = Control::new(Limits::default());
    let stuck = control.join(view(Page::Types, Format::Text)).unwrap();
    control.begun();
    control.flights.pass_deadline();
    problem(stuck).await;
    let stats = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    control.order(Order::Return);
    assert!(text(stats).await.contains("report 2"));
}

#[tokio::test]
async fn s43_the_configured_deadline_is_kept() {
    let control = Control::new(Limits::default().deadline(Duration::ZERO));
    let receiver = control.join(stats()).unwrap();
    control.begun();
    assert_eq!(problem(receiver).await, Problem::DeadlineExceeded { deadline: Duration::ZERO });
    control.order(Order::Return);
}

#[tokio::test]
async fn s43_a_panic_after_the_deadline_frees_the_slot() {
    let control = Control::new(Limits::default());
    let late = control.join(stats()).unwrap();
    control.begun();
    control.flights.pass_deadline();
    problem(late).await;
    control.order(Order::Panic);
    control.flights.wait_until_idle();
    let next = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    text(next).await;
}

#[tokio::test]
async fn s47_a_panic_is_answered_generically_and_the_next_request_works() {
    let control = Control::new(Limits::default());
    for _ in 0..3 {
        let waiters =
            [control.join(stats()).unwrap(), control.join(view(Page::Stats, Format::Json)).unwrap()];
        control.begun();
        control.order(Order::Panic);
        for waiter in waiters {
            let problem = problem(waiter).await;
            assert_eq!(problem, Problem::CollectorPanicked);
            assert!(!problem.render(Format::Json).contains("secret reason"));
        }
        control.flights.wait_until_idle();
    }
    let next = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    text(next).await;
}

#[tokio::test]
async fn s45_waiters_are_bounded_over_both_kinds() {
    let control = Control::new(Limits::default().max_waiters(3));
    let waiters = [stats(), stats(), view(Page::Types, Format::Text)].map(|view| control.join(view).unwrap());
    control.begun();
    control.begun();
    for view in [stats(), view(Page::Types, Format::Text)] {
        assert_eq!(control.join(view).unwrap_err(), Problem::TooManyWaiters);
    }
    control.order(Order::Return);
    control.order(Order::Return);
    for waiter in waiters {
        text(waiter).await;
    }
}

#[tokio::test]
async fn s45_requests_that_have_gone_away_make_room() {
    let control = Control::new(Limits::default().max_waiters(2));
    drop([control.join(stats()).unwrap(), control.join(stats()).unwrap()]);
    control.begun();
    let waiter = control.join(stats()).unwrap();
    assert_eq!(control.flights.waiting(), 1);
    control.order(Order::Return);
    text(waiter).await;
}

#[tokio::test]
async fn s45_without_room_nothing_starts() {
    let control = Control::new(Limits::default().max_waiters(0));
    assert_eq!(control.join(stats()).unwrap_err(), Problem::TooManyWaiters);
    control.flights.wait_until_idle();
    assert_eq!(control.collections_begun_since(), 0);
}

#[tokio::test]
async fn s45_different_views_of_one_report_are_bounded() {
    let control = Control::new(Limits::default());
    let waiters: Vec<_> = (0..MAX_VIEWS).map(|filter| control.join(with_filter(filter)).unwrap()).collect();
    control.begun();
    assert_eq!(control.join(with_filter(MAX_VIEWS)).unwrap_err(), Problem::TooManyWaiters);
    let known_view = control.join(with_filter(0)).unwrap();
    control.order(Order::Return);
    for waiter in waiters {
        text(waiter).await;
    }
    text(known_view).await;
}

#[tokio::test]
async fn s49_no_thread_is_left_when_nobody_waits() {
    let control = Control::new(Limits::default());
    assert_eq!(Arc::strong_count(control.flights.shared()), 1, "building starts nothing");
    let receiver = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    text(receiver).await;
    control.flights.wait_until_idle();
    assert!(!control.flights.shared().lock().supervised);
}

/// Lets collections fail until the breaker opens.
async fn fail(control: &Control) {
    for _ in 0..MAX_FAILURES {
        let waiter = control.join(stats()).unwrap();
        control.begun();
        control.order(Order::Panic);
        assert_eq!(problem(waiter).await, Problem::CollectorPanicked);
        control.flights.wait_until_idle();
    }
}

#[tokio::test]
async fn s43_after_failures_in_a_row_nothing_is_collected_and_the_reply_names_what() {
    let control = Control::new(Limits::default());
    fail(&control).await;
    let Err(Problem::BreakerOpen { kind, retry_after }) = control.join(stats()) else { panic!("open") };
    assert_eq!(kind, "statistics");
    assert!(retry_after <= PAUSE, "{retry_after:?}");
    assert_eq!(control.collections_begun_since(), 0);
    // The other kind has a breaker of its own.
    let types = control.join(view(Page::Types, Format::Text)).unwrap();
    control.begun();
    control.order(Order::Return);
    text(types).await;
}

#[tokio::test]
async fn s43_missed_deadlines_open_the_breaker_too() {
    let control = Control::new(Limits::default());
    for _ in 0..MAX_FAILURES {
        let waiter = control.join(stats()).unwrap();
        control.begun();
        control.flights.pass_deadline();
        assert!(matches!(problem(waiter).await, Problem::DeadlineExceeded { .. }));
        control.order(Order::Return);
        control.flights.wait_until_idle();
    }
    assert!(matches!(control.join(stats()), Err(Problem::BreakerOpen { .. })));
}

#[tokio::test]
async fn s43_a_success_in_between_keeps_the_breaker_closed() {
    let control = Control::new(Limits::default());
    for number in 0..3 * MAX_FAILURES {
        let waiter = control.join(stats()).unwrap();
        control.begun();
        control.order(if number % MAX_FAILURES == 0 { Order::Return } else { Order::Panic });
        let _ = waiter.await.unwrap();
        control.flights.wait_until_idle();
    }
    assert!(control.join(stats()).is_ok());
    control.order(Order::Return);
}

#[tokio::test]
async fn s44_without_headroom_nothing_is_collected() {
    let control = Control::new(Limits::default());
    control.is_short.store(true, Ordering::SeqCst);
    // More often than failures are allowed: a shortage is none.
    for _ in 0..2 * MAX_FAILURES {
        let waiter = control.join(view(Page::Types, Format::Text)).unwrap();
        assert_eq!(problem(waiter).await, Problem::InsufficientHeadroom(SHORTAGE));
        control.flights.wait_until_idle();
    }
    assert_eq!(control.collections_begun_since(), 0);
    control.is_short.store(false, Ordering::SeqCst);
    let waiter = control.join(view(Page::Types, Format::Text)).unwrap();
    control.begun();
    control.order(Order::Return);
    text(waiter).await;
}

#[tokio::test]
async fn s44_who_forces_it_gets_the_page() {
    let control = Control::new(Limits::default());
    control.is_short.store(true, Ordering::SeqCst);
    let waiter = control.join(View { force: true, ..view(Page::Types, Format::Json) }).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(waiter).await.contains("report 1"));
}

#[tokio::test]
async fn s46_a_page_of_statistics_is_given_out_again_while_it_is_young() {
    let control = Control::keeping_stats(Limits::default().stats_age(Duration::MAX));
    let first = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    let first = first.await.unwrap().unwrap();
    control.flights.wait_until_idle();
    for _ in 0..1000 {
        let again = control.join(stats()).unwrap().await.unwrap().unwrap();
        assert_eq!(again.body.as_ptr(), first.body.as_ptr());
    }
    assert_eq!(control.collections_begun_since(), 0);
    // Another way to write it takes another report, which then replaces this one.
    let json = control.join(view(Page::Stats, Format::Json)).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(json).await.starts_with('{'));
}

#[tokio::test]
async fn s46_types_are_always_collected_anew() {
    let control = Control::keeping_stats(Limits::default().stats_age(Duration::MAX));
    for number in 1..=3 {
        let waiter = control.join(view(Page::Types, Format::Json)).unwrap();
        control.begun();
        control.order(Order::Return);
        assert!(text(waiter).await.contains(&format!("report {number}")));
        control.flights.wait_until_idle();
    }
}

#[test]
fn s64_each_end_of_a_collection_has_its_name_in_the_audit() {
    for (end, was_overdue, name) in [
        (End::Collected, false, "collected"),
        (End::Collected, true, "late"),
        (End::Refused, false, "insufficient-headroom"),
        (End::Panicked, false, "panicked"),
        (End::Panicked, true, "panicked"),
    ] {
        assert_eq!(outcome(end, was_overdue), name);
    }
}

mod slots {
    //! The transitions that threads reach only by chance.

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

        slot.take_group(&stats())
            .unwrap()
            .answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"first"))));
        assert!(slot.next_view().is_none());
        assert_eq!(late.try_recv(), Ok(None));
        let finished = slot.finish(End::Collected, Instant::now(), LIMIT);
        assert!(finished.unanswered.is_empty() && finished.goes_on, "collects again");

        slot.collected();
        slot.take_group(&stats())
            .unwrap()
            .answer(&Ok(Reply::page(Format::Text, Bytes::from_static(b"second"))));
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
}

#[test]
fn s26_bodies_and_collections_share_a_supervisor_that_ends_with_the_last() {
    let control = Control::new(Limits::default());
    let body = control.flights.await_body().unwrap();
    let receiver = control.join(stats()).unwrap();
    control.begun();
    drop(body);
    assert!(control.flights.shared().lock().supervised, "the collection still runs");
    control.order(Order::Return);
    assert!(
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(receiver).unwrap().is_ok()
    );
    control.flights.wait_until_idle();
}

#[test]
fn s26_the_time_of_a_body_is_ten_seconds_or_the_deadline() {
    for (deadline, expected) in [(30, 10), (10, 10), (2, 2)] {
        let control = Control::new(Limits::default().deadline(Duration::from_secs(deadline)));
        assert_eq!(control.flights.await_body().unwrap().limit(), Duration::from_secs(expected));
    }
}
