//! A known heap, and the rows of the table about it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hint::black_box;
use std::sync::Arc;
use std::thread;

use memory_debug_core::{Collector, Scope, spawn_collecting};

#[derive(Clone, Debug)]
struct Session {
    _user: String,
    _history: Vec<u64>,
}

fn session(number: u64) -> Session {
    Session { _user: format!("user {number}"), _history: (0..number % 9).collect() }
}

/// Prints the types, their objects and bytes, and then the stacks with their bytes. With `lg_prof_sample:0` all are
/// exact. Rows of other code are left out: its thread names and buffers differ between runs.
pub fn print() {
    let sessions: HashMap<u64, Arc<Session>> =
        (0..2000).map(|number| (number, Arc::new(session(number)))).collect();
    let tree: BTreeMap<u64, String> = (0..2000).map(|number| (number, number.to_string())).collect();
    let queue: VecDeque<Box<Session>> = (0..500).map(|number| Box::new(session(number))).collect();
    let elsewhere = thread::spawn(|| (0..500).map(session).collect::<Vec<_>>()).join().expect("no panic");
    let deep = recursive(200);
    let kept = black_box((sessions, tree, queue, elsewhere, deep));
    let report = spawn_collecting(|| Collector::new().collect(Scope::Types).report);
    let report = report.expect("a thread").join().expect("no panic");
    for row in report.types.expect("types").rows {
        println!("{} {:?} {:?}", row.full_type, row.objects, row.bytes);
    }
    drop(kept);
}

#[inline(never)]
fn recursive(depth: u64) -> Vec<Box<[u64]>> {
    let mut below = if depth == 0 { Vec::new() } else { black_box(recursive(depth - 1)) };
    below.push(vec![depth; 10].into_boxed_slice());
    below
}
