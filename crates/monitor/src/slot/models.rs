//! A poll and a reader, in every order of their steps (`scripts/loom`).

use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::*;

#[test]
fn a_reader_never_takes_the_label_of_one_poll_for_another() {
    loom::model(|| {
        let cell = Arc::new(Cell { started: AtomicU64::new(0), label: AtomicU64::new(0) });
        let polled = Arc::clone(&cell);
        let worker = thread::spawn(move || {
            drop(polled.begin(Label(10), Duration::from_nanos(1)));
            drop(polled.begin(Label(20), Duration::from_nanos(2)));
        });
        if let Some((label, started)) = cell.read() {
            assert_eq!(u128::from(label.0), 10 * started.as_nanos());
        }
        worker.join().unwrap();
        assert_eq!(cell.read(), None);
    });
}

#[test]
fn an_inner_poll_keeps_the_time_of_the_outer_one() {
    loom::model(|| {
        let cell = Arc::new(Cell { started: AtomicU64::new(0), label: AtomicU64::new(0) });
        let polled = Arc::clone(&cell);
        let worker = thread::spawn(move || {
            let _outer = polled.begin(Label(10), Duration::from_nanos(1));
            let _inner = polled.begin(Label(20), Duration::from_nanos(2));
        });
        if let Some((label, started)) = cell.read() {
            assert!([10, 20].contains(&label.0));
            assert_eq!(started, Duration::from_nanos(1));
        }
        worker.join().unwrap();
        assert_eq!(cell.read(), None);
    });
}
