//! Two threads share a lane one after the other, and a third one reads it, in every order of their steps: `scripts/loom`.

use std::sync::Arc;

use loom::thread;

use super::{Lane, NODES};
use crate::adding::Adding;
use crate::node::NodeId;
use crate::numbers::{NumbersSum, Outcome};

const NODE: NodeId = 0;

/// It has the same place as [`NODE`].
const OTHER: NodeId = NODES as u32;

fn end_call(lane: &Lane, node: NodeId) -> bool {
    let numbers = lane.numbers(node);
    numbers.inspect(|numbers| numbers.end(Adding::Alone, 0, Outcome::Completed, false)).is_some()
}

fn ended(lane: &Lane, node: NodeId) -> u64 {
    let mut sum = NumbersSum::default();
    lane.add_to(node, &mut sum);
    sum.completed
}

/// A thread that takes the lane once it is free, ends a call, and says whether it could.
fn next_thread(lane: &Arc<Lane>, node: NodeId) -> thread::JoinHandle<Option<bool>> {
    let lane = Arc::clone(lane);
    thread::spawn(move || lane.take().then(|| end_call(&lane, node)))
}

#[test]
fn the_next_thread_loses_nothing_of_the_last() {
    loom::model(|| {
        let lane = Arc::new(Lane::taken());
        let next = next_thread(&lane, NODE);
        assert!(end_call(&lane, NODE) && end_call(&lane, NODE));
        lane.give_back();
        let calls = match next.join().unwrap() {
            Some(could) => {
                assert!(could, "the place has the same node");
                3
            }
            None => 2,
        };
        assert_eq!(ended(&lane, NODE), calls);
    });
}

#[test]
fn the_next_thread_leaves_the_place_of_a_node_alone() {
    loom::model(|| {
        let lane = Arc::new(Lane::taken());
        let next = next_thread(&lane, OTHER);
        assert!(end_call(&lane, NODE));
        lane.give_back();
        assert_ne!(next.join().unwrap(), Some(true), "the place has another node");
        assert_eq!((ended(&lane, NODE), ended(&lane, OTHER)), (1, 0));
    });
}

#[test]
fn one_of_two_threads_takes_a_lane() {
    loom::model(|| {
        let lane = Arc::new(Lane::taken());
        lane.give_back();
        let other = next_thread(&lane, NODE);
        let own = lane.take().then(|| end_call(&lane, NODE));
        assert!(own.is_some() != other.join().unwrap().is_some());
        assert_eq!(ended(&lane, NODE), 1);
    });
}

/// A reader of a number that only grows never sees it shrink, and never more than there is.
#[test]
fn a_reader_sees_each_call_once() {
    loom::model(|| {
        let lane = Arc::new(Lane::taken());
        let worker = thread::spawn({
            let lane = Arc::clone(&lane);
            move || (0..2).for_each(|_| assert!(end_call(&lane, NODE)))
        });
        let (first, second) = (ended(&lane, NODE), ended(&lane, NODE));
        assert!(first <= second && second <= 2, "{first} {second}");
        worker.join().unwrap();
        assert_eq!(ended(&lane, NODE), 2);
    });
}
