//! Measures snapshots of a heap with at least 5,000 distinct stacks: the time of a snapshot, its size, and the time
//! of a diff. The time is compared with `jemalloc_pprof::dump_pprof` with symbols, which writes the same format.
//!
//! Both sides are measured in turn, after both have cached all names. One heap does not change. In the other heap,
//! new allocations with new stacks replace a tenth of the allocations before each pair. `--test` asserts the results
//! and sizes, but not the times.

use std::collections::VecDeque;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;

use memory_debug_benches::many_stacks::{Held, fill};
use memory_debug_benches::side_by_side::{median, peer_profile, time};
use memory_debug_core::{Collected, Collector, Group, Scope, Snapshot, SnapshotDiff, spawn_collecting};

// Every allocation is recorded, so the profile has all stacks.
memory_debug_core::install!(lg_prof_sample = 0);

/// The least number of stacks of the heap.
const STACKS: u32 = 5 << 10;
/// The number of stacks that come and go in a round, a quarter of them for each kind of container.
const CHANGED: u32 = STACKS / 10;
/// The number of threads that share the stacks.
const THREADS: u32 = 4;
/// The number of rounds, of which each figure is the median.
const ROUNDS: usize = 15;

/// Target: the largest ratio of a snapshot's time to the peer's time.
const TIME_TARGET: f64 = 1.0 / 2.0;
/// Target: the most bytes of a snapshot for a thousand stacks.
const BYTES_TARGET: f64 = 65_536.0;

fn main() -> ExitCode {
    let test = std::env::args().any(|argument| argument == "--test");
    let rounds = if test { 1 } else { ROUNDS };
    let mut held: VecDeque<Vec<Held>> = blocks(0..STACKS);
    let collector = Arc::new(Collector::new());
    let base = snapshot(&collector);
    let peer_bytes = apart(|| peer_profile().len());
    assert!(base.info().stacks >= u64::from(STACKS), "{}", base.info().stacks);

    let still = Times::taken(rounds, &collector, |_| {});
    // The part of a snapshot before names are resolved and the profile is written: dump, profile and table of types.
    let collections: Vec<i64> = (0..rounds).map(|_| time(|| drop(collect(&collector)))).collect();
    let changing = Times::taken(rounds, &collector, |round| {
        held.pop_front();
        held.push_back(heap(numbers_of_round(round)));
    });

    let more = heap(numbers_of_round(rounds));
    let (base, target) = (Arc::new(base), Arc::new(snapshot(&collector)));
    assert_grown(&compare(&base, &target, Group::Container));
    let between =
        |group| (0..rounds).map(|_| time(|| drop(compare(&base, &target, group)))).collect::<Vec<i64>>();
    let (differences, tracebacks) = (between(Group::Container), between(Group::Traceback));
    drop((held, more));

    let stacks = base.info().stacks;
    let size = base.as_bytes().len();
    let bytes = size as f64 * 1000.0 / stacks as f64;
    println!("stacks: {stacks}");
    still.print("nothing changes");
    changing.print("a tenth changes");
    print("collection alone", &collections);
    print("diff by type", &differences);
    print("diff by traceback", &tracebacks);
    println!("bytes: {size}, the peer's {peer_bytes}");
    println!("a snapshot takes {bytes:.0} bytes for a thousand stacks (target {BYTES_TARGET:.0})");
    for (times, heap) in [(&still, "nothing changes"), (&changing, "a tenth changes")] {
        println!(
            "{heap}: a snapshot takes {:.3} of the peer's time (target {TIME_TARGET:.3})",
            times.ratio()
        );
    }
    if bytes <= BYTES_TARGET && (test || still.ratio() <= TIME_TARGET) {
        return ExitCode::SUCCESS;
    }
    eprintln!("a target was missed");
    ExitCode::FAILURE
}

/// The times of all rounds, in microseconds.
#[derive(Default)]
struct Times {
    ours: Vec<i64>,
    peer: Vec<i64>,
}

impl Times {
    /// Measures both in turn, so that other work on the machine affects both equally.
    fn taken(rounds: usize, collector: &Arc<Collector>, mut change: impl FnMut(usize)) -> Self {
        let mut times = Self::default();
        for round in 0..rounds {
            change(round);
            let ours = |times: &mut Self| times.ours.push(time(|| drop(snapshot(collector))));
            let peer = |times: &mut Self| times.peer.push(time(|| drop(apart(peer_profile))));
            if round % 2 == 0 {
                ours(&mut times);
                peer(&mut times);
            } else {
                peer(&mut times);
                ours(&mut times);
            }
        }
        times
    }

    fn ratio(&self) -> f64 {
        median(self.ours.clone()) as f64 / median(self.peer.clone()) as f64
    }

    fn print(&self, heap: &str) {
        print(&format!("{heap}: ours"), &self.ours);
        print(&format!("{heap}: peer"), &self.peer);
    }
}

fn print(name: &str, times: &[i64]) {
    println!("{name}, µs: {}   {times:?}", median(times.to_vec()));
}

/// The numbers of a round, which no other round has.
fn numbers_of_round(round: usize) -> Range<u32> {
    let start = STACKS + CHANGED * u32::try_from(round).expect("some dozens");
    start..start + CHANGED
}

/// A heap in parts that can be freed one after the other.
fn blocks(numbers: Range<u32>) -> VecDeque<Vec<Held>> {
    numbers.step_by(CHANGED as usize).map(|start| heap(start..start + CHANGED)).collect()
}

/// A heap whose stacks belong to several threads.
fn heap(numbers: Range<u32>) -> Vec<Held> {
    let part = |thread| {
        let numbers = numbers.clone().filter(move |number| number % THREADS == thread);
        std::thread::Builder::new().name(format!("worker-{thread}")).spawn(move || fill(numbers))
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| part(thread).expect("a thread")).collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

/// Takes a snapshot like a service.
fn snapshot(collector: &Arc<Collector>) -> Snapshot {
    let collector = Arc::clone(collector);
    apart(move || collector.collect(Scope::Types).snapshot(None).expect("a profile"))
}

fn collect(collector: &Arc<Collector>) -> Collected {
    let collector = Arc::clone(collector);
    apart(move || collector.collect(Scope::Types))
}

/// Runs work on a thread whose allocations are not recorded. The peer runs like this too: with every allocation
/// recorded it would take many times as long.
fn apart<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    spawn_collecting(work).expect("a thread").join().expect("no panic")
}

fn compare(base: &Arc<Snapshot>, target: &Arc<Snapshot>, group: Group) -> SnapshotDiff {
    let (base, target) = (Arc::clone(base), Arc::clone(target));
    apart(move || SnapshotDiff::between(&base, &target, &group.into()).expect("two snapshots"))
}

fn assert_grown(diff: &SnapshotDiff) {
    let row = diff.rows.iter().find(|row| row.type_name == "Box<Record>").expect("it has grown");
    assert_eq!((row.objects_change, row.is_significant), (i64::from(CHANGED / 4), true), "{diff}");
}
