//! Snapshots of a heap with 5,000 distinct stacks: how long one takes beside `jemalloc_pprof::dump_pprof` with symbols,
//! which writes the same format, how many bytes are kept of it, and how long comparing two takes.
//!
//! Names are known to both before the first figure. `-- --test` asserts results and sizes, and no times.

use std::process::ExitCode;
use std::sync::Arc;

use memory_debug_benches::many_stacks::{Held, fill};
use memory_debug_benches::side_by_side::{median, peer, time};
use memory_debug_core::{Collector, Group, MemoryReport, Scope, Snapshot, SnapshotDiff, spawn_collecting};

// Every allocation is recorded, so each of them has its stack in the profile.
memory_debug_core::install!(lg_prof_sample = 0);

/// Stacks that the heap has at least.
const STACKS: u32 = 5 << 10;
/// Stacks that are there in the second snapshot only, a quarter of them for each kind of container.
const MORE: u32 = 1 << 10;
/// Threads that share them.
const THREADS: u32 = 4;
/// Of each figure the median of so many is taken.
const ROUNDS: usize = 15;

/// A snapshot takes at most this share of the peer's time.
const TIME_TARGET: f64 = 1.0 / 2.0;
/// A thousand stacks take at most so many bytes.
const BYTES_TARGET: f64 = 65_536.0;

fn main() -> ExitCode {
    let test = std::env::args().any(|argument| argument == "--test");
    let held = heap(0..STACKS);
    let collector = Arc::new(Collector::new());
    let base = snapshot(&collector);
    assert!(base.info().stacks >= u64::from(STACKS), "{}", base.info().stacks);
    let rounds = if test { 1 } else { ROUNDS };
    let ours: Vec<i64> = (0..rounds).map(|_| time(|| drop(snapshot(&collector)))).collect();
    // Of that: the profile and the table of types, before anything is named or written.
    let collections: Vec<i64> = (0..rounds).map(|_| time(|| drop(collect(&collector)))).collect();
    let more = heap(STACKS..STACKS + MORE);
    let target = snapshot(&collector);
    let (base, target) = (Arc::new(base), Arc::new(target));
    let compare = |group: Group| {
        let (base, target) = (Arc::clone(&base), Arc::clone(&target));
        apart(move || SnapshotDiff::between(&base, &target, &group.into()).expect("two snapshots"))
    };
    let differences: Vec<i64> =
        (0..rounds).map(|_| time(|| assert_grown(&compare(Group::Container)))).collect();
    let tracebacks: Vec<i64> = (0..rounds).map(|_| time(|| drop(compare(Group::Traceback)))).collect();
    apart(peer);
    let peers: Vec<i64> = (0..rounds).map(|_| time(|| apart(peer))).collect();
    drop((held, more));

    let stacks = base.info().stacks;
    let bytes = base.as_bytes().len() as f64 * 1000.0 / stacks as f64;
    let ratio = median(ours.clone()) as f64 / median(peers.clone()) as f64;
    println!("stacks: {stacks}");
    println!("snapshot, µs: {}   {ours:?}", median(ours.clone()));
    println!("collection alone, µs: {}   {collections:?}", median(collections.clone()));
    println!("peer, µs: {}   {peers:?}", median(peers.clone()));
    println!("difference by type, µs: {}   {differences:?}", median(differences.clone()));
    println!("difference by traceback, µs: {}   {tracebacks:?}", median(tracebacks.clone()));
    println!("a snapshot takes {ratio:.3} of the peer's time (target {TIME_TARGET:.3})");
    println!("a thousand stacks take {bytes:.0} bytes (target {BYTES_TARGET:.0})");
    if bytes <= BYTES_TARGET && (test || ratio <= TIME_TARGET) {
        return ExitCode::SUCCESS;
    }
    eprintln!("a target was missed");
    ExitCode::FAILURE
}

/// A heap whose stacks are of several threads.
fn heap(numbers: std::ops::Range<u32>) -> Vec<Held> {
    let part = |thread| {
        let numbers = numbers.clone().filter(move |number| number % THREADS == thread);
        std::thread::Builder::new().name(format!("worker-{thread}")).spawn(move || fill(numbers))
    };
    let threads: Vec<_> = (0..THREADS).map(|thread| part(thread).expect("a thread")).collect();
    threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
}

/// What a service does that keeps one.
fn snapshot(collector: &Arc<Collector>) -> Snapshot {
    let collector = Arc::clone(collector);
    apart(move || Snapshot::of(&collector.collect(Scope::Types), None).expect("a profile"))
}

fn collect(collector: &Arc<Collector>) -> MemoryReport {
    let collector = Arc::clone(collector);
    apart(move || collector.collect(Scope::Types))
}

/// On a thread whose allocations are not recorded. The peer, too: with every one recorded it would take many times as
/// long.
fn apart<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    spawn_collecting(work).expect("a thread").join().expect("no panic")
}

fn assert_grown(diff: &SnapshotDiff) {
    let row = diff.rows.iter().find(|row| row.type_name == "Box<Record>").expect("it has grown");
    assert_eq!((row.objects_change, row.is_significant), (i64::from(MORE / 4), true), "{diff}");
}
