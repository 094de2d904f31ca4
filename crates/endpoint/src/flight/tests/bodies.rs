//! Time limits of bodies, and the supervisor that they share with collections.

use super::*;

#[test]
fn s26_bodies_and_collections_share_a_supervisor_that_ends_with_the_last() {
    let control = Control::new(Limits::default());
    let body = control.flights.await_body(&proof()).unwrap();
    let receiver = control.join(stats()).unwrap();
    control.begun();
    drop(body);
    assert!(control.flights.shared().lock().supervised, "the collection still runs");
    control.order(Order::Return);
    assert!(tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(receiver).is_ok());
    control.flights.wait_until_idle();
}

#[test]
fn s26_the_time_limit_of_a_body_is_ten_seconds_or_the_deadline() {
    for (deadline, expected) in [(30, 10), (10, 10), (2, 2)] {
        let control = Control::new(Limits::default().deadline(Duration::from_secs(deadline)));
        assert_eq!(control.flights.await_body(&proof()).unwrap().limit(), Duration::from_secs(expected));
    }
}
