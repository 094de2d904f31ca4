//! Planted leaks, and memory that only dead parts of the heap point to.

use std::cell::RefCell;
use std::hint::black_box;
use std::mem::forget;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

static STALE: Mutex<Vec<Box<Stale>>> = Mutex::new(Vec::new());

/// Two of them hold each other.
struct CycleNode {
    body: CycleBody,
    next: Mutex<Option<Arc<CycleNode>>>,
    data: Vec<CycleWord>,
}

/// Holds itself.
struct RcNode {
    body: RcBody,
    next: RefCell<Option<Rc<RcNode>>>,
}

struct LostRoot {
    head: LostHead,
    children: Vec<Box<LostChild>>,
}

/// Runs on a thread that ends, so that no stack points to what is lost.
pub(crate) fn populate() {
    (0..count(25_000)).for_each(cycle);
    for n in 0..count(40_000) {
        let node = own("leak: Rc that holds itself", || {
            Rc::new(RcNode { body: RcBody::nth(n), next: RefCell::default() })
        });
        *node.next.borrow_mut() = Some(Rc::clone(&node));
        black_box(node.body.first());
    }
    for n in 0..count(3_000) {
        forget(black_box(own("leak: forgotten vectors", || elements::<ForgottenWord>(13 + n % 2))));
    }
    (0..count(8_000)).for_each(lost_tree);
    own("spare capacity: vector", || {
        let mut stale = STALE.lock().expect("not poisoned");
        (0..count(30_000)).for_each(|n| stale.push(own("spare capacity: boxes", || Box::new(Stale::nth(n)))));
        // The vector is empty, but its memory still has all pointers.
        while let Some(item) = stale.pop() {
            black_box(item.first());
            forget(item);
        }
    });
}

fn cycle(n: u64) {
    let node = |n, next, data| {
        own("leak: Arc cycle", || {
            Arc::new(CycleNode { body: CycleBody::nth(n), next: Mutex::new(next), data })
        })
    };
    let data = own("leak: held by a cycle", || vec![CycleWord::nth(n)]);
    let first = node(n, None, data);
    let second = node(n, Some(Arc::clone(&first)), Vec::new());
    black_box(second.body.first() + second.data.len() as u64);
    *first.next.lock().expect("not poisoned") = Some(second);
    black_box(first.data.len());
}

fn lost_tree(n: u64) {
    let child = |n| own("leak: children", || Box::new(LostChild::nth(n)));
    let children = own("leak: vector of children", || (0..6 + n % 2).map(child).collect());
    let root = own("leak: forgotten tree", || Box::new(LostRoot { head: LostHead::nth(n), children }));
    black_box(root.head.first() + root.children[0].first());
    forget(root);
}
