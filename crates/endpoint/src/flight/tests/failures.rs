//! Collections that fail, are late, or must not start.

use super::super::breaker::{MAX_FAILURES, PAUSE};
use super::*;

#[tokio::test]
async fn s42_without_a_thread_the_answer_is_503_and_the_next_request_tries_again() {
    let refuse: Spawn = |_work| Err(io::Error::from(io::ErrorKind::WouldBlock));
    let control = Control::new(Limits::default());
    // The deadline is so long that the supervisor can end only because no request is left.
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
    assert_eq!(control.count_further_collections(), 0);

    control.order(Order::Return);
    control.flights.wait_until_idle();
    let next = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(next).await.contains("report 2"), "no request gets the late report");
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
async fn s43_the_configured_deadline_is_used() {
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
async fn s43_after_repeated_failures_nothing_is_collected_and_the_reply_names_the_kind() {
    let control = Control::new(Limits::default());
    fail(&control).await;
    let Err(Problem::BreakerOpen { kind, retry_after }) = control.join(stats()) else { panic!("open") };
    assert_eq!(kind, "statistics");
    assert!(retry_after <= PAUSE, "{retry_after:?}");
    assert_eq!(control.count_further_collections(), 0);
    // The other kind has its own breaker.
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
        let _ = waiter.await;
        control.flights.wait_until_idle();
    }
    assert!(control.join(stats()).is_ok());
    control.order(Order::Return);
}

#[tokio::test]
async fn s44_without_headroom_nothing_is_collected() {
    let control = Control::new(Limits::default());
    control.is_short.store(true, Ordering::SeqCst);
    // More often than the limit of failures, because a shortage of memory is not a failure.
    for _ in 0..2 * MAX_FAILURES {
        let waiter = control.join(view(Page::Types, Format::Text)).unwrap();
        assert_eq!(problem(waiter).await, Problem::InsufficientHeadroom(SHORTAGE));
        control.flights.wait_until_idle();
    }
    assert_eq!(control.count_further_collections(), 0);
    control.is_short.store(false, Ordering::SeqCst);
    let waiter = control.join(view(Page::Types, Format::Text)).unwrap();
    control.begun();
    control.order(Order::Return);
    text(waiter).await;
}

#[tokio::test]
async fn s44_a_forced_request_gets_the_page() {
    let control = Control::new(Limits::default());
    control.is_short.store(true, Ordering::SeqCst);
    let waiter = control.join(RenderRequest { force: true, ..view(Page::Types, Format::Json) }).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(waiter).await.contains("report 1"));
}

#[test]
fn s64_each_end_of_a_collection_has_a_name_in_audit_events() {
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
