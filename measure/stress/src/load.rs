//! The load: everything that is hard for a profiling allocator, on more threads than there are cores.

use std::backtrace::Backtrace;
use std::hint::black_box;
use std::panic;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{self, JoinHandle};

use tikv_jemalloc_ctl::raw;

/// The number of arenas besides the automatic arenas.
const ARENAS: usize = 16;

/// Libraries that come with the C library, and that no program loads at its start.
const LIBRARIES: [&[u8]; 3] = [b"libresolv.so.2\0", b"libanl.so.1\0", b"libBrokenLocale.so.1\0"];

/// Threads that allocate until they are stopped.
pub(crate) struct Load {
    counts: Arc<Counts>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Moments at which no thread of the load starts or ends, and none loads a library. A fork at another moment can leave a
/// lock of the C library held in the child.
#[derive(Clone, Default)]
pub(crate) struct SteadyThreads(Arc<RwLock<()>>);

#[derive(Default)]
struct Counts {
    stop: AtomicBool,
    allocations: AtomicU64,
    threads: AtomicU64,
    loads: AtomicU64,
    panics: AtomicU64,
}

impl Load {
    /// Starts the threads. Each that allocates keeps `kept` allocations alive.
    pub(crate) fn start(kept: usize, steady: SteadyThreads) -> Self {
        // Panics are part of the load. Their messages would be most of the output.
        panic::set_hook(Box::new(|_| {}));
        let counts = Arc::new(Counts::default());
        let cores = thread::available_parallelism().map_or(2, usize::from);
        let (sender, receiver) = sync_channel(1000);
        let receiver = Arc::new(Mutex::new(receiver));
        let arenas: Arc<Vec<u32>> = Arc::new((0..ARENAS).filter_map(|_| new_arena()).collect());
        let mut threads = Vec::new();
        for number in 0..2 * cores as u64 {
            let (counts, sender) = (Arc::clone(&counts), sender.clone());
            threads.push(thread::spawn(move || allocate(&counts, &sender, kept, number)));
        }
        drop(sender);
        for _ in 0..cores {
            let receiver = Arc::clone(&receiver);
            threads.push(thread::spawn(move || free_memory_of_other_threads(&receiver)));
        }
        let (of_short, steady_of_short) = (Arc::clone(&counts), steady.clone());
        threads.push(thread::spawn(move || short_threads(&of_short, &steady_of_short, &arenas)));
        let of_loads = Arc::clone(&counts);
        threads.push(thread::spawn(move || load_libraries(&of_loads, &steady)));
        Self { counts, threads: Mutex::new(threads) }
    }

    /// The numbers of allocations, short-lived threads, loaded libraries and caught panics so far.
    pub(crate) fn progress(&self) -> String {
        let counts = &self.counts;
        let [allocations, threads, loads, panics] =
            [&counts.allocations, &counts.threads, &counts.loads, &counts.panics]
                .map(|count| count.load(Ordering::Relaxed));
        format!("allocations={allocations} threads={threads} loads={loads} panics={panics}")
    }

    pub(crate) fn stop(&self) {
        self.counts.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.lock().expect("nothing panics while it is held").drain(..) {
            thread.join().expect("a thread of the load panicked");
        }
    }
}

impl SteadyThreads {
    pub(crate) fn while_no_thread_starts<R>(&self, work: impl FnOnce() -> R) -> R {
        let _held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        work()
    }

    fn start(&self) -> impl Drop {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// The unwinder with which jemalloc takes the stack of a sampled allocation.
pub(crate) fn unwinder() -> &'static str {
    // SAFETY: both are a `bool` according to jemalloc's manual.
    let has = |name: &[u8]| unsafe { raw::read::<bool>(name) } == Ok(true);
    match (has(b"config.prof_libunwind\0"), has(b"config.prof_libgcc\0")) {
        (true, _) => "libunwind",
        (_, true) => "libgcc",
        _ => "another",
    }
}

/// Allocates from many stacks, in all sizes. Keeps some allocations, gives some to other threads, grows and shrinks
/// some.
fn allocate(counts: &Counts, others: &SyncSender<Vec<u8>>, most: usize, seed: u64) {
    let mut random = Random(seed.wrapping_mul(2).wrapping_add(1));
    let mut kept: Vec<Vec<u8>> = vec![Vec::new(); most];
    while counts.goes_on() {
        for _ in 0..1000 {
            let number = random.next();
            let size = match number % 64 {
                0 => 100_000,
                1..8 => 5_000,
                _ => 8 + number as usize % 500,
            };
            let mut bytes = descend(number >> 8, 12, size);
            match number >> 32 & 15 {
                // If the channel is full, the allocation is freed here.
                0..3 => drop(others.try_send(bytes)),
                3 => bytes.resize(4 * size, 1),
                4 => bytes.shrink_to(size / 2),
                _ => kept[(number >> 40) as usize % most] = bytes,
            }
        }
        counts.allocations.fetch_add(1000, Ordering::Relaxed);
    }
}

/// Allocates at the end of one of 2^`depth` ways through these functions. The bits of `way` choose the way, and each
/// way is a different stack.
fn descend(way: u64, depth: u32, size: usize) -> Vec<u8> {
    match (depth, way & 1) {
        (0, _) => black_box(vec![0; size]),
        (_, 0) => left(way >> 1, depth - 1, size),
        _ => right(way >> 1, depth - 1, size),
    }
}

#[inline(never)]
fn left(way: u64, depth: u32, size: usize) -> Vec<u8> {
    black_box(descend(way, depth, size))
}

#[inline(never)]
fn right(way: u64, depth: u32, size: usize) -> Vec<u8> {
    let mut bytes = descend(way, depth, size);
    black_box(&mut bytes);
    bytes
}

fn free_memory_of_other_threads(receiver: &Mutex<Receiver<Vec<u8>>>) {
    while let Ok(bytes) = { receiver.lock().expect("nothing panics while it is held").recv() } {
        drop(bytes);
    }
}

/// Starts short-lived threads. Each allocates from an arena of its choice, and leaves memory for another thread to
/// free.
fn short_threads(counts: &Counts, steady: &SteadyThreads, arenas: &[u32]) {
    let mut random = Random(99);
    while counts.goes_on() {
        let _starting = steady.start();
        let numbers: [u64; 4] = std::array::from_fn(|_| random.next());
        let threads = numbers.map(|number| {
            let arena = arenas.get(number as usize % (2 * ARENAS)).copied();
            thread::Builder::new().spawn(move || {
                arena.into_iter().for_each(use_arena);
                let kept: Vec<_> =
                    (0..200).map(|step| descend(number ^ step, 12, 64 + step as usize)).collect();
                if number % 8 == 0 {
                    panic!("a part of the load");
                }
                kept
            })
        });
        for thread in threads.into_iter().flatten() {
            counts.threads.fetch_add(1, Ordering::Relaxed);
            match thread.join() {
                Ok(left_behind) => drop(left_behind),
                Err(_panic) => drop(counts.panics.fetch_add(1, Ordering::Relaxed)),
            }
        }
        arenas.iter().for_each(|arena| purge(*arena));
    }
}

/// Loads and unloads libraries and takes backtraces, so that the unwinder's tables change meanwhile.
fn load_libraries(counts: &Counts, steady: &SteadyThreads) {
    while counts.goes_on() {
        let _loading = steady.start();
        for name in LIBRARIES {
            // SAFETY: the names end in NUL, and the C library's own initialisers may run at any time.
            let handle = unsafe { libc::dlopen(name.as_ptr().cast(), libc::RTLD_NOW) };
            if handle.is_null() {
                continue;
            }
            drop(black_box(Backtrace::force_capture()));
            counts.loads.fetch_add(1, Ordering::Relaxed);
            // SAFETY: the handle comes from `dlopen` and is closed once, and the library is not in use.
            unsafe { libc::dlclose(handle) };
        }
        // Resolves names, which reads debug information.
        black_box(Backtrace::force_capture().to_string());
    }
}

fn new_arena() -> Option<u32> {
    // SAFETY: reading `arenas.create` gives an `unsigned` according to jemalloc's manual.
    unsafe { raw::read(b"arenas.create\0") }.ok()
}

fn use_arena(arena: u32) {
    // SAFETY: `thread.arena` is an `unsigned` according to jemalloc's manual.
    unsafe { raw::write(b"thread.arena\0", arena) }.expect("an arena that was made");
}

fn purge(arena: u32) {
    let name = format!("arena.{arena}.dirty_decay_ms\0");
    for milliseconds in [0_isize, 10_000] {
        // SAFETY: `arena.<i>.dirty_decay_ms` is an `ssize_t` according to jemalloc's manual.
        unsafe { raw::write(name.as_bytes(), milliseconds) }.expect("an arena that was made");
    }
}

/// Marsaglia's xorshift. It needs no quality, but must be fast and must not allocate.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
