use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use super::*;

/// The poll of the thread `tid`, as the monitor sees it.
fn poll_of(tid: u32) -> Option<Poll> {
    let mut found = None;
    polls(|poll| {
        if poll.tid == tid {
            found = Some(poll);
        }
    });
    found
}

#[test]
fn a_poll_is_seen_while_it_runs_and_not_after_it() {
    let label = Label::route("GET", Some("/slot"));
    let before = now();
    let poll = poll_as(label, || poll_of(thread_id()).unwrap());
    assert_eq!(poll.label, label);
    assert!(before <= poll.started && poll.started <= now());
    assert_eq!(poll_of(thread_id()), None);
}

#[test]
fn an_inner_poll_changes_the_label_and_not_the_time() {
    let (outer, inner) = (Label::task(1), Label::task(2));
    poll_as(outer, || {
        let first = poll_of(thread_id()).unwrap();
        let within = poll_as(inner, || poll_of(thread_id()).unwrap());
        assert_eq!((within.label, within.started), (inner, first.started));
        assert_eq!(poll_of(thread_id()), Some(first));
    });
}

#[test]
fn a_poll_that_panics_has_ended() {
    let result = catch_unwind(AssertUnwindSafe(|| poll_as(Label::task(3), || panic!("of the application"))));
    assert!(result.is_err());
    assert_eq!(poll_of(thread_id()), None);
}

#[test]
fn threads_give_their_slots_back() {
    let count = || {
        let mut slots = 0;
        let mut next = first();
        while let Some(slot) = next {
            slots += 1;
            next = slot.next.get().map(Box::as_ref);
        }
        slots
    };
    let round = || {
        let barrier = Barrier::new(8);
        thread::scope(|scope| {
            for number in 0..8 {
                let barrier = &barrier;
                scope.spawn(move || {
                    poll_as(Label::task(number), || {
                        barrier.wait();
                        assert_eq!(poll_of(thread_id()).unwrap().label, Label::task(number));
                        barrier.wait();
                    });
                });
            }
        });
    };
    for _ in 0..20 {
        round();
    }
    // Other tests run beside this one.
    assert!(count() < 80, "{} slots", count());
}
