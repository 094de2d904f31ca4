//! One collection for all requests, on its own thread.

use std::collections::BTreeSet;

use super::*;

#[tokio::test]
async fn s40_a_thousand_requests_share_one_collection_and_one_rendering() {
    let control = Control::new(Limits::default());
    let receivers: Vec<_> = (0..1000).map(|_| control.join(stats()).unwrap()).collect();
    control.begun();
    control.order(Order::Return);
    let mut addresses = BTreeSet::new();
    for receiver in receivers {
        let body = receiver.await.unwrap();
        addresses.insert(body.body.as_ptr());
    }
    assert_eq!(addresses.len(), 1, "the body is shared, not copied");
    control.flights.wait_until_idle();
    assert_eq!(control.count_further_collections(), 0);
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
    assert_eq!(control.count_further_collections(), 0);
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
    assert_eq!(control.count_further_collections(), 0);
    assert_eq!(control.most_running.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn s41_a_collection_without_requests_ends_and_frees_its_slot() {
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
async fn s49_no_thread_is_left_when_no_request_waits() {
    let control = Control::new(Limits::default());
    assert_eq!(Arc::strong_count(control.flights.shared()), 1, "building an endpoint starts nothing");
    let receiver = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    text(receiver).await;
    control.flights.wait_until_idle();
    assert!(!control.flights.shared().lock().supervised);
}
