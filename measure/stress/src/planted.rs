//! Memory whose holder is known: what is in use, on all kinds of roots, and what is lost. Scans are judged by it.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use memory_debug_axum::memory_debug_core::HoldersReport;

/// Objects of each kind.
const OBJECTS: u64 = 10_000;

/// Part of the names of all types that are in use.
const IN_USE: &str = "InUse";

/// Part of the names of all types that nothing holds.
const LOST: &str = "Lost";

struct InUseByMap(#[expect(dead_code, reason = "only its size matters")] [u64; 20]);
struct InUseByQueue(#[expect(dead_code, reason = "only its size matters")] [u64; 30]);
struct InUseByStack(#[expect(dead_code, reason = "only its size matters")] [u64; 25]);
struct InUseByThread(#[expect(dead_code, reason = "only its size matters")] [u64; 40]);
struct LostBox(#[expect(dead_code, reason = "only its size matters")] [u64; 50]);

/// A list whose ends hold each other, so a cycle that is in use.
struct InUseByRing {
    next: Mutex<Option<Arc<InUseByRing>>>,
    _numbers: [u64; 12],
}

struct LostNode {
    next: Mutex<Option<Arc<LostNode>>>,
    _numbers: [u64; 30],
}

static MAP: Mutex<Option<HashMap<u64, Arc<InUseByMap>>>> = Mutex::new(None);
static QUEUE: Mutex<VecDeque<Box<InUseByQueue>>> = Mutex::new(VecDeque::new());
static RINGS: Mutex<Vec<Arc<InUseByRing>>> = Mutex::new(Vec::new());

thread_local! {
    static OF_THREAD: RefCell<Vec<Box<InUseByThread>>> = const { RefCell::new(Vec::new()) };
}

/// The objects, and the threads that hold or replace some of them.
pub(crate) struct Planted {
    end_of_holder: mpsc::Sender<()>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
}

/// What scans said about the objects.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    /// Scans that read everything that they found.
    whole: AtomicU64,
    /// Scans that read a part, and said why.
    partial: AtomicU64,
    /// Scans that did not run, and said why.
    refused: AtomicU64,
    /// Scans without a result and without a reason.
    without_reason: AtomicU64,
    /// Types in use that were called unreachable.
    wrongly_lost: AtomicU64,
    /// Lost types that were called unreachable.
    rightly_lost: AtomicU64,
    /// Whole scans that missed a planted type.
    missed: AtomicU64,
}

impl Planted {
    /// Makes the objects.
    pub(crate) fn make() -> Self {
        let entry = |number| (number, Arc::new(InUseByMap(black_box([number; 20]))));
        *lock(&MAP) = Some((0..OBJECTS).map(entry).collect());
        lock(&QUEUE).extend((0..OBJECTS).map(|number| Box::new(InUseByQueue(black_box([number; 30])))));
        lock(&RINGS).extend((0..OBJECTS / 2).map(ring));
        lose();
        let (end_of_holder, has_ended) = mpsc::channel();
        let (ready, is_ready) = mpsc::channel();
        let hold = move || {
            let on_stack = (0..OBJECTS).map(|number| Box::new(InUseByStack(black_box([number; 25]))));
            let on_stack: Vec<_> = on_stack.collect();
            OF_THREAD.with_borrow_mut(|held| {
                held.extend((0..OBJECTS / 2).map(|number| Box::new(InUseByThread(black_box([number; 40])))));
            });
            ready.send(()).expect("the maker waits");
            let _ = has_ended.recv();
            drop(black_box(on_stack));
        };
        let stop = Arc::new(AtomicBool::new(false));
        let of_replacer = Arc::clone(&stop);
        let threads = vec![thread::spawn(hold), thread::spawn(move || replace(&of_replacer))];
        is_ready.recv().expect("the holder runs");
        Self { end_of_holder, threads, stop }
    }

    pub(crate) fn stop(self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.end_of_holder);
        self.threads.into_iter().for_each(|thread| thread.join().expect("a thread of the objects panicked"));
    }
}

fn ring(number: u64) -> Arc<InUseByRing> {
    let one = Arc::new(InUseByRing { next: Mutex::new(None), _numbers: black_box([number; 12]) });
    let other = InUseByRing { next: Mutex::new(Some(Arc::clone(&one))), _numbers: [number; 12] };
    *lock(&one.next) = Some(Arc::new(other));
    one
}

/// Has a stack frame of its own, so that no pointer to what is lost stays on the stack.
#[inline(never)]
fn lose() {
    for number in 0..OBJECTS / 4 {
        std::mem::forget(black_box(Box::new(LostBox([number; 50]))));
        let one = Arc::new(LostNode { next: Mutex::new(None), _numbers: [number; 30] });
        let other = LostNode { next: Mutex::new(Some(Arc::clone(&one))), _numbers: [number; 30] };
        *lock(&one.next) = Some(Arc::new(other));
    }
}

/// Replaces some objects, and lets their containers move.
fn replace(stop: &AtomicBool) {
    let mut number: u64 = 0;
    while !stop.load(Ordering::Relaxed) {
        if let Some(map) = &mut *lock(&MAP) {
            for _ in 0..20 {
                number += 1;
                map.insert(number * 7919 % (OBJECTS / 10), Arc::new(InUseByMap([number; 20])));
            }
            if number % 1000 == 0 {
                map.reserve(4 * OBJECTS as usize);
            } else if number % 1000 == 500 {
                map.shrink_to_fit();
            }
        }
        let mut queue = lock(&QUEUE);
        for _ in 0..20 {
            queue.pop_front();
            queue.push_back(Box::new(InUseByQueue([number; 30])));
        }
        // Half of the queue stays where it is.
        queue.rotate_left(10);
        drop(queue);
        thread::yield_now();
    }
}

impl Judged {
    /// Judges a report about at least one scan of the process.
    pub(crate) fn add(&self, report: &HoldersReport) {
        let Some(coverage) = &report.coverage else {
            let has_reason = report.unavailable.get("coverage").is_some_and(|reason| !reason.is_empty());
            let counter = if has_reason { &self.refused } else { &self.without_reason };
            counter.fetch_add(1, Ordering::Relaxed);
            println!("no scan: {:?}", report.unavailable.get("coverage"));
            return;
        };
        let counter = if coverage.ended_early.is_none() { &self.whole } else { &self.partial };
        counter.fetch_add(1, Ordering::Relaxed);
        for (held, memory) in report.unreachable() {
            if held.type_name.contains(IN_USE) {
                self.wrongly_lost.fetch_add(1, Ordering::Relaxed);
                println!("{} is in use: {memory:?}", held.type_name);
            } else if held.type_name.contains(LOST) {
                self.rightly_lost.fetch_add(1, Ordering::Relaxed);
            }
        }
        if coverage.ended_early.is_none() {
            let names = ["InUseByMap", "InUseByQueue", "InUseByStack", "InUseByThread", "InUseByRing"];
            let is_there = |name: &&str| report.types.iter().any(|held| held.type_name.contains(name));
            if !names.iter().all(|name| is_there(&name)) {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The number of reports of each kind so far.
    pub(crate) fn progress(&self) -> String {
        let Self { whole, partial, refused, without_reason, wrongly_lost, rightly_lost, missed } = self;
        let [whole, partial, refused, without_reason, wrongly_lost, rightly_lost, missed] =
            [whole, partial, refused, without_reason, wrongly_lost, rightly_lost, missed]
                .map(|count| count.load(Ordering::Relaxed));
        let scans = whole + partial + refused + without_reason;
        format!(
            "scans={scans} whole={whole} partial={partial} refused={refused} without_reason={without_reason} \
             wrongly_lost={wrongly_lost} rightly_lost={rightly_lost} missed={missed}"
        )
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().expect("nothing panics while it is held")
}
