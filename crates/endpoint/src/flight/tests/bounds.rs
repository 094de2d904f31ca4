//! Limits of waiting requests, views and kept pages.

use super::super::slot::MAX_VIEWS;
use super::*;

#[tokio::test]
async fn s45_waiting_requests_of_both_kinds_share_one_limit() {
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
async fn s45_a_refused_request_starts_nothing() {
    let control = Control::new(Limits::default().max_waiters(0));
    assert_eq!(control.join(stats()).unwrap_err(), Problem::TooManyWaiters);
    control.flights.wait_until_idle();
    assert_eq!(control.count_further_collections(), 0);
}

#[tokio::test]
async fn s45_the_number_of_views_of_one_report_is_limited() {
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
async fn s46_a_recent_page_of_statistics_is_reused() {
    let control = Control::keeping_stats(Limits::default().cache_stats_for(Duration::MAX));
    let first = control.join(stats()).unwrap();
    control.begun();
    control.order(Order::Return);
    let first = first.await.unwrap();
    control.flights.wait_until_idle();
    for _ in 0..1000 {
        let again = control.join(stats()).unwrap().await.unwrap();
        assert_eq!(again.body.as_ptr(), first.body.as_ptr());
    }
    assert_eq!(control.count_further_collections(), 0);
    // Another format needs another report, which then replaces this one.
    let json = control.join(view(Page::Stats, Format::Json)).unwrap();
    control.begun();
    control.order(Order::Return);
    assert!(text(json).await.starts_with('{'));
}

#[tokio::test]
async fn s46_types_are_collected_for_each_request() {
    let control = Control::keeping_stats(Limits::default().cache_stats_for(Duration::MAX));
    for number in 1..=3 {
        let waiter = control.join(view(Page::Types, Format::Json)).unwrap();
        control.begun();
        control.order(Order::Return);
        assert!(text(waiter).await.contains(&format!("report {number}")));
        control.flights.wait_until_idle();
    }
}

#[tokio::test]
async fn s45_a_page_is_truncated_to_the_limit_of_unread_bytes() {
    let control = Control::new(Limits::default().max_unread_bytes(100));
    let waiting = control.join(view(Page::Types, Format::Json)).unwrap();
    control.begun();
    control.order(Order::Return);
    // The page is too long even without rows.
    assert_eq!(problem(waiting).await, Problem::ReplyTooLarge);
    control.flights.wait_until_idle();
    assert_eq!(control.flights.shared().unread.bytes(), 0);
}

#[tokio::test]
async fn s45_kept_pages_make_room_for_requested_pages() {
    let limits = Limits::default().cache_stats_for(Duration::MAX);
    let control = Control::keeping_stats(limits.clone());
    let page = async |control: &Control, view: RenderRequest| {
        let waiting = control.join(view).unwrap();
        control.begun();
        control.order(Order::Return);
        let answer = waiting.await;
        control.flights.wait_until_idle();
        answer.map(|reply| reply.body.len())
    };
    let statistics = page(&control, stats()).await.unwrap();
    let types = page(&control, view(Page::Types, Format::Json)).await.unwrap();
    assert_eq!(control.flights.shared().unread.bytes(), statistics, "kept");
    // There is room for either page but not for both.
    let control = Control::keeping_stats(limits.max_unread_bytes(statistics.max(types) + 1));
    assert_eq!(page(&control, stats()).await, Ok(statistics));
    assert_eq!(page(&control, view(Page::Types, Format::Json)).await, Ok(types));
    assert_eq!(control.flights.shared().unread.bytes(), 0);
}
