//! Populations that only a thread holds: on its stack or in a thread-local variable. The threads wait for ever.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hint::black_box;
use std::rc::{Rc, Weak};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

use crate::element::*;
use crate::ledger::own;
use crate::scale::count;

thread_local! {
    static LOCALS: RefCell<Vec<Vec<LocalWord>>> = const { RefCell::new(Vec::new()) };
}

/// A trait for trait objects.
pub(crate) trait Job: Send {
    fn go(&self) -> u64;
}

struct MailJob {
    head: MailHead,
    body: Vec<MailWord>,
}

struct PayJob {
    card: PayJobCard,
}

impl Job for MailJob {
    fn go(&self) -> u64 {
        self.head.first() ^ self.body[0].first()
    }
}

impl Job for PayJob {
    fn go(&self) -> u64 {
        self.card.first()
    }
}

/// The queue of the thread `consumer`. Threads that churn have it, too.
pub(crate) type JobQueue = Arc<Mutex<VecDeque<Box<dyn Job>>>>;

type Node = Rc<RefCell<TreeNode>>;

struct TreeNode {
    body: TreeBody,
    parent: Weak<RefCell<TreeNode>>,
    children: Vec<Node>,
}

/// Shared by a static and by the thread `consumer`.
static SHARED: LazyLock<Arc<Mutex<Vec<Box<SharedItem>>>>> = LazyLock::new(Default::default);

/// Adds a job, and does the first one if `replace`.
pub(crate) fn put_job(queue: &JobQueue, n: u64, replace: bool) -> u64 {
    let job: Box<dyn Job> = if n.is_multiple_of(2) {
        let body = own("jobs: bodies", || vec![MailWord::nth(n)]);
        own("jobs: mail", || Box::new(MailJob { head: MailHead::nth(n), body }))
    } else {
        own("jobs: pay", || Box::new(PayJob { card: PayJobCard::nth(n) }))
    };
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    own("jobs: queue", || queue.push_back(job));
    let first = if replace { queue.pop_front() } else { None };
    drop(queue);
    first.map_or(0, |job| job.go())
}

/// Starts the threads, and returns the queue of the consumer when all populations are complete.
pub(crate) fn populate() -> JobQueue {
    let queue = JobQueue::default();
    for n in 0..count(120_000) {
        black_box(put_job(&queue, n, false));
    }
    own("shared: vector", || {
        let mut shared = SHARED.lock().expect("not poisoned");
        (0..count(40_000)).for_each(|n| shared.push(own("shared: boxes", || Box::new(SharedItem::nth(n)))));
    });
    let (ready, complete) = channel();
    let of_consumer = (Arc::clone(&queue), Arc::clone(&SHARED));
    on_thread("consumer", &ready, move |ready| {
        wait(ready, || {
            of_consumer.0.lock().map_or(0, |jobs| jobs.len())
                + of_consumer.1.lock().map_or(0, |shared| shared.len())
        });
    });
    on_thread("locals", &ready, |ready| {
        own("thread_local: outer", || {
            let vector = |n| own("thread_local: inner", || elements::<LocalWord>(2 + n % 2));
            LOCALS.with_borrow_mut(|locals| (0..count(40_000)).for_each(|n| locals.push(vector(n))));
        });
        wait(ready, || LOCALS.with_borrow(Vec::len));
    });
    on_thread("parked", &ready, |ready| {
        let parked: Vec<Box<Parked>> = own("stack: vector", || {
            (0..count(40_000)).map(|n| own("stack: boxes", || Box::new(Parked::nth(n)))).collect()
        });
        wait(ready, || parked.len());
    });
    on_thread("tree", &ready, |ready| {
        let root = own("tree: nodes", || tree(&Weak::new(), 5));
        wait(ready, || weight(&root));
    });
    drop(ready);
    assert_eq!(complete.iter().count(), 4);
    queue
}

fn on_thread(name: &str, ready: &Sender<()>, run: impl FnOnce(Sender<()>) + Send + 'static) {
    let ready = ready.clone();
    thread::Builder::new().name(name.to_owned()).spawn(move || run(ready)).expect("a thread");
}

/// Waits for ever. `used` keeps the population alive.
fn wait(ready: Sender<()>, used: impl Fn() -> usize) {
    let _ = ready.send(());
    drop(ready);
    loop {
        thread::park();
        black_box(used());
    }
}

/// A node with ten children on each of `levels` levels.
fn tree(parent: &Weak<RefCell<TreeNode>>, levels: u32) -> Node {
    let body = TreeBody::nth(levels.into());
    let node = Rc::new(RefCell::new(TreeNode { body, parent: parent.clone(), children: Vec::new() }));
    if levels > 0 {
        let children = || (0..10).map(|_| own("tree: nodes", || tree(&Rc::downgrade(&node), levels - 1)));
        let children = own("tree: children", || children().collect());
        node.borrow_mut().children = children;
    }
    node
}

fn weight(node: &Node) -> usize {
    let node = node.borrow();
    usize::from(node.parent.upgrade().is_some())
        + node.body.first() as usize
        + node.children.iter().map(weight).sum::<usize>()
}
