//! Growth requests: their waits hold neither threads nor slots, and few are allowed at once.

use std::future::poll_fn;
use std::pin::pin;

use memory_debug_core::PprofSymbols;

use super::super::alarms::{MAX_GROWTHS, Permit, Wait};
use super::*;
use crate::view::{Heap, PageRequest as _, ProfileOptions};

/// Longer than any test, so a test that waited for its end would hang.
const SPAN: Duration = Duration::from_secs(60 * 60);

fn grow(flights: &Arc<Flights>) -> Result<Growth, Problem> {
    let heap = Heap {
        options: ProfileOptions { symbols: PprofSymbols::default(), top: 50, prefers_allocated: false },
        span: Some(SPAN),
    };
    let watch = heap.watch().unwrap();
    flights.grow(&view(Page::Types, Format::Pprof).for_page(Arc::new(heap)), watch, &proof())
}

fn permit(flights: &Flights) -> Result<Permit, Problem> {
    Permit::take(flights.shared(), Wait::Growth, &proof())
}

fn measured(flights: &Flights) -> usize {
    flights.shared().lock().alarms.len()
}

/// Polls once, which sets the alarm.
async fn begin(wait: Pin<&mut impl Future<Output = Result<(), Problem>>>) {
    let mut wait = Some(wait);
    poll_fn(|context| {
        let wait = wait.take().expect("one poll").poll(context);
        assert!(wait.is_pending());
        Poll::Ready(())
    })
    .await;
}

#[tokio::test]
async fn s40_few_growths_are_measured_at_once_and_a_dropped_one_makes_room() {
    let control = Control::new(Limits::default());
    let flights = Arc::new(control.flights);
    let mut growths: Vec<_> = (0..MAX_GROWTHS).map(|_| grow(&flights).unwrap()).collect();
    assert_eq!(control.begun.recv().unwrap().0, Scope::Everything);
    let refused = grow(&flights).unwrap_err();
    assert_eq!((refused.status(), refused.retry_after_s()), (429, Some(1)));
    growths.pop();
    growths.push(grow(&flights).unwrap());
    assert_eq!(measured(&flights), MAX_GROWTHS);
    control.orders.send(Order::Return).unwrap();
    // These reports have no profile, so the first collection ends every measurement.
    for growth in growths {
        assert_eq!(growth.await.unwrap_err().status(), 501);
    }
    assert_eq!(
        (measured(&flights), control.begun.try_iter().count()),
        (0, 0),
        "one collection for all of them"
    );
}

#[tokio::test]
async fn s43_a_growth_reports_why_its_collection_failed() {
    let control = Control::new(Limits::default());
    let flights = Arc::new(control.flights);
    let panics = grow(&flights).unwrap();
    control.begun.recv().unwrap();
    control.orders.send(Order::Panic).unwrap();
    assert_eq!(panics.await, Err(Problem::CollectorPanicked));
    flights.wait_until_idle();
    let overdue = grow(&flights).unwrap();
    control.begun.recv().unwrap();
    flights.pass_deadline();
    assert_eq!(overdue.await.unwrap_err().status(), 504);
    assert_eq!(grow(&flights).unwrap_err().status(), 503, "the collection is still running");
    assert_eq!(measured(&flights), 0);
    control.orders.send(Order::Return).unwrap();
}

#[tokio::test]
async fn s40_a_wait_holds_no_slot_and_no_collecting_thread() {
    let control = Control::new(Limits::default());
    let permit = permit(&control.flights).unwrap();
    let mut wait = pin!(permit.wait_until(Instant::now() + SPAN));
    begin(wait.as_mut()).await;
    for page in [Page::Stats, Page::Types] {
        let other = control.join(view(page, Format::Json)).unwrap();
        control.begun();
        control.order(Order::Return);
        assert!(text(other).await.contains("report "));
    }
    control.flights.pass_waits();
    assert_eq!(wait.await, Ok(()));
}

#[tokio::test]
async fn s41_an_abandoned_wait_leaves_no_thread_and_no_alarm() {
    let control = Control::new(Limits::default());
    {
        let permit = permit(&control.flights).unwrap();
        let mut wait = pin!(permit.wait_until(Instant::now() + SPAN));
        begin(wait.as_mut()).await;
        assert!(control.flights.shared().lock().supervised);
    }
    control.flights.wait_until_idle();
    assert_eq!(measured(&control.flights), 0);
}

#[tokio::test]
async fn s40_a_refused_growth_gets_the_time_until_the_next_wait_ends() {
    let control = Control::new(Limits::default());
    let permits: Vec<_> = (0..MAX_GROWTHS).map(|_| permit(&control.flights).unwrap()).collect();
    let (mut sooner, mut later) = (
        pin!(permits[0].wait_until(Instant::now() + SPAN / 2)),
        pin!(permits[1].wait_until(Instant::now() + SPAN)),
    );
    begin(later.as_mut()).await;
    begin(sooner.as_mut()).await;
    let Err(Problem::TooManyGrowths { retry_after }) = permit(&control.flights) else {
        panic!("there is room")
    };
    assert!(retry_after > Duration::ZERO && retry_after <= SPAN / 2, "{retry_after:?}");
    control.flights.pass_waits();
    assert_eq!((sooner.await, later.await), (Ok(()), Ok(())));
}
