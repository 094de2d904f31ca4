//! Calls begin and end on two threads in every order of their steps: `scripts/loom`.

use std::sync::Arc;

use loom::thread;

use super::Slots;

fn slots(most: u32) -> Arc<Slots> {
    Arc::new(Slots::new(most))
}

#[test]
fn a_time_with_children_ends_once_if_parent_and_child_end_together() {
    loom::model(|| {
        let slots = slots(1);
        let parent = slots.take().unwrap();
        assert!(slots.child_begins(parent));
        let child = thread::spawn({
            let slots = Arc::clone(&slots);
            move || slots.child_ends(parent)
        });
        let parent_ended_it = slots.give_back(parent);
        // The next call has the same slot, and the child of the last one leaves it alone.
        let next = slots.take().unwrap();
        assert!(slots.child_begins(next));
        let child_ended_it = child.join().unwrap();
        assert!(parent_ended_it != child_ended_it);
        assert!(slots.give_back(next), "its child is still open");
    });
}

#[test]
fn a_request_that_ends_without_an_exchange_misses_no_child() {
    loom::model(|| {
        let slots = slots(1);
        let request = slots.take().unwrap();
        assert!(slots.child_begins(request));
        let child = thread::spawn({
            let slots = Arc::clone(&slots);
            move || slots.child_ends(request)
        });
        let closed = slots.close(request, true);
        let next = closed.next;
        assert!(slots.child_begins(next) && slots.child_ends(next));
        let child_ended_it = child.join().unwrap();
        assert!(closed.has_children != child_ended_it);
        assert!(!slots.close(next, true).has_children);
    });
}

#[test]
fn a_time_with_children_ends_as_often_as_it_begins() {
    loom::model(|| {
        let slots = slots(1);
        let parent = slots.take().unwrap();
        let child = thread::spawn({
            let slots = Arc::clone(&slots);
            move || (slots.child_begins(parent), slots.child_ends(parent))
        });
        let own = (slots.child_begins(parent), slots.child_ends(parent));
        let other = child.join().unwrap();
        let at_the_end = slots.give_back(parent);
        let begins = i32::from(own.0) + i32::from(other.0);
        let ends = i32::from(own.1) + i32::from(other.1) + i32::from(at_the_end);
        assert_eq!(begins, ends);
        assert!(begins >= 1 && !at_the_end);
    });
}

#[test]
fn no_slot_is_taken_twice() {
    loom::model(|| {
        let slots = slots(2);
        let first = slots.take().unwrap();
        slots.give_back(first);
        let other = thread::spawn({
            let slots = Arc::clone(&slots);
            move || {
                let taken = slots.take().unwrap();
                assert!(slots.child_begins(taken), "another call has this slot, too");
                assert!(slots.give_back(taken));
            }
        });
        let taken = slots.take().unwrap();
        assert!(slots.child_begins(taken), "another call has this slot, too");
        assert!(slots.give_back(taken));
        other.join().unwrap();
    });
}

#[test]
fn a_slot_that_is_freed_between_two_steps_of_a_thread_is_not_given_out_twice() {
    loom::model(|| {
        let slots = slots(2);
        let both = [slots.take().unwrap(), slots.take().unwrap()];
        for slot in both {
            slots.give_back(slot);
        }
        let other = thread::spawn({
            let slots = Arc::clone(&slots);
            move || {
                let (first, second) = (slots.take(), slots.take());
                if let Some(first) = first {
                    slots.give_back(first);
                }
                second
            }
        });
        let own = slots.take();
        let mut taken = vec![own, other.join().unwrap()];
        taken.push(slots.take());
        for slot in taken.into_iter().flatten() {
            assert!(slots.child_begins(slot), "another call has this slot, too");
        }
    });
}
