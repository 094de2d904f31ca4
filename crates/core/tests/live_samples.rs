//! Live samples of a program whose allocator is jemalloc: they equal jemalloc's own dump, and follow what it does.
//!
//! Each test has a process of its own, because there is one table and one pair of hooks.
#![cfg(all(feature = "jemalloc", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the functions here are parts of tests")]

#[macro_use]
mod child;

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ffi::{CString, c_uint, c_void};
use std::fs;
use std::hint::black_box;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use memory_debug_core::__private::RouteLabel;
use memory_debug_core::__private::live_samples::{self, recording};
use memory_debug_core::{Collected, Collector, ProfilingChange, Scope, spawn_collecting};
use memory_debug_profile::{LiveSample, StackHash};
use tikv_jemalloc_ctl::raw;

memory_debug_core::install!(lg_prof_sample = 12);

/// Everything is sampled, from the start. A dump has the plain sums, and no corrected ones (`prof_unbias`).
const ALL: &str = "prof:true,prof_active:true,lg_prof_sample:0,prof_unbias:false";

/// Everything is sampled from the moment at which the test turns sampling on.
const LATER: &str = "prof:true,prof_active:false,lg_prof_sample:0,prof_unbias:false";

/// Objects and bytes by stack.
type Sums = BTreeMap<StackHash, (u64, u64)>;

fn set_sampling(active: bool) {
    // SAFETY: the manual gives `prof.active` the type bool.
    unsafe { raw::write(b"prof.active\0", active) }.unwrap();
}

fn reset(lg_sample: usize) {
    // SAFETY: the manual gives `prof.reset` the type size_t.
    unsafe { raw::write(b"prof.reset\0", lg_sample) }.unwrap();
}

/// What jemalloc itself says about its samples: the lines `@ 0x… 0x…` with their counts.
fn dumped() -> Sums {
    let path = std::env::temp_dir().join(format!("memory-debug-live-samples-{}.heap", std::process::id()));
    let name: &'static [u8] = CString::new(path.to_str().unwrap()).unwrap().into_bytes_with_nul().leak();
    raw::write_str(b"prof.dump\0", name).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    let mut sums = Sums::new();
    let mut stack = None;
    for line in text.lines() {
        if let Some(addresses) = line.strip_prefix('@') {
            let address = |text: &str| u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap();
            let addresses: Vec<_> = addresses.split_whitespace().map(address).collect();
            stack = Some(StackHash::of(addresses.into_iter()));
        } else if let (Some(stack), Some(counts)) = (stack, line.trim().strip_prefix("t*:")) {
            let mut numbers = counts.split_whitespace().map(|number| number.trim_end_matches(':').parse());
            let (objects, bytes): (u64, u64) =
                (numbers.next().unwrap().unwrap(), numbers.next().unwrap().unwrap());
            if objects > 0 {
                let sum = sums.entry(stack).or_default();
                *sum = (sum.0 + objects, sum.1 + bytes);
            }
        }
    }
    sums
}

fn read() -> Vec<LiveSample> {
    live_samples::read().unwrap().samples
}

fn recorded() -> Sums {
    let mut sums = Sums::new();
    for sample in read() {
        let sum = sums.entry(sample.stack).or_default();
        *sum = (sum.0 + 1, sum.1 + sample.usable);
    }
    sums
}

/// Compares the table with a dump while nothing is sampled. Returns the number of live samples.
#[track_caller]
fn assert_equal_to_dump() -> u64 {
    set_sampling(false);
    let (ours, theirs) = (recorded(), dumped());
    let different: Vec<_> = theirs.iter().filter(|(stack, sum)| ours.get(stack) != Some(sum)).collect();
    assert!(different.is_empty(), "{} of {} stacks differ: {different:?}", different.len(), theirs.len());
    assert_eq!(ours.len(), theirs.len());
    set_sampling(true);
    ours.values().map(|(objects, _)| objects).sum()
}

/// A random number of a known sequence (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// Memory without a type, so that it can be reallocated to any size. Freed when dropped.
struct Memory(*mut u8, Layout);

// SAFETY: nothing else has the pointer.
unsafe impl Send for Memory {}

impl Memory {
    fn new(bytes: u64) -> Self {
        let layout = Layout::from_size_align(usize::try_from(bytes).unwrap(), 8).unwrap();
        // SAFETY: the size is not zero.
        Self(unsafe { alloc(layout) }, layout)
    }

    fn resize(&mut self, bytes: u64) {
        let layout = Layout::from_size_align(usize::try_from(bytes).unwrap(), 8).unwrap();
        // SAFETY: the pointer has the layout, and the new size is not zero.
        self.0 = unsafe { realloc(self.0, self.1, layout.size()) };
        self.1 = layout;
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: the pointer has the layout.
        unsafe { dealloc(self.0, self.1) };
    }
}

/// Sizes of all kinds: small, page-sized and large.
fn size(random: &mut Random) -> u64 {
    match random.below(20) {
        0..14 => 8 + random.below(500),
        14..18 => 512 + random.below(8000),
        18 => 8192 + random.below(60_000),
        _ => 65_536 + random.below(600_000),
    }
}

/// Threads that allocate, reallocate and free the memory of each other. Returns what is live afterwards.
fn churn(threads: u64, steps: u32) -> Vec<Memory> {
    let places: Vec<Mutex<Option<Memory>>> = (0..4096).map(|_| Mutex::default()).collect();
    thread::scope(|scope| {
        let run = |number| {
            let places = &places;
            scope.spawn(move || {
                let mut random = Random(number * 0x9e37_79b9);
                for _ in 0..steps {
                    let place = &places[random.below(4096) as usize];
                    let taken = place.lock().unwrap().take();
                    let next = match (taken, random.below(10)) {
                        (None, _) => Some(Memory::new(size(&mut random))),
                        (Some(mut memory), choice @ 0..6) => {
                            let bytes = memory.1.size() as u64;
                            memory.resize(match choice {
                                0 => bytes,
                                1 => bytes + 1 + random.below(16),
                                2 => (bytes * 2).min(4 << 20),
                                3 => (bytes / 2).max(8),
                                _ => (bytes + random.below(20_000)).min(4 << 20),
                            });
                            Some(memory)
                        }
                        (Some(_), 6..8) => None,
                        (Some(memory), _) => {
                            drop(memory);
                            Some(Memory::new(size(&mut random)))
                        }
                    };
                    // What another thread has put there meanwhile is freed here.
                    *place.lock().unwrap() = next;
                }
            })
        };
        let handles: Vec<_> = (1..=threads).map(run).collect();
        // The end of the scope would not wait for what threads free after their function.
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
    places.into_iter().filter_map(|place| place.into_inner().unwrap()).collect()
}

/// Records from the first sample on, and compares with a dump after the churn.
fn assert_equal_after_churn(steps: u32, least: u64) {
    live_samples::install().unwrap();
    for _ in 0..3 {
        set_sampling(true);
        let kept = churn(4, steps);
        let live = assert_equal_to_dump();
        assert!(live >= least, "only {live} live samples");
        drop(kept);
        assert_equal_to_dump();
    }
    let status = live_samples::status().unwrap();
    assert_eq!((status.dropped, status.orphan_frees), (0, 0), "{status:?}");
}

/// Objects of `bytes` among the live samples.
fn live_of(bytes: u64) -> usize {
    read().iter().filter(|sample| sample.requested == bytes).count()
}

/// A size that nothing else here requests.
const DISTINCTIVE: u64 = 5_000_011;

static CALLS: AtomicU64 = AtomicU64::new(0);

/// A hook of other code.
unsafe extern "C" fn foreign(_: *const c_void, _: usize, _: *mut *mut c_void, _: c_uint, _: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
}

type Hook = Option<unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, c_uint, usize)>;

fn set_foreign_hook() {
    // SAFETY: `prof_hook.h` gives the key this type, and the function stays.
    unsafe { raw::write::<Hook>(b"experimental.hooks.prof_sample\0", Some(foreign)) }.unwrap();
}

fn collect(scope: Scope) -> Collected {
    spawn_collecting(move || Collector::new().collect(scope)).unwrap().join().unwrap()
}

/// Holds memory until the thread-locals of its thread are destroyed.
struct UntilExit(Cell<Option<Memory>>);

impl Drop for UntilExit {
    fn drop(&mut self) {
        drop(self.0.take());
        // A sample and a free on a thread that ends.
        drop(black_box(Memory::new(DISTINCTIVE)));
    }
}

thread_local! {
    static UNTIL_EXIT: UntilExit = const { UntilExit(Cell::new(None)) };
}

alone! {
    counts_and_bytes_equal_the_dump_after_churn("prof:true,prof_active:false,lg_prof_sample:12,prof_unbias:false") {
        assert_equal_after_churn(30_000, 1000);
    }

    at_the_default_rate_they_do_too("prof:true,prof_active:false,lg_prof_sample:19,prof_unbias:false") {
        assert_equal_after_churn(30_000, 20);
    }

    if_everything_is_sampled_they_do_too(LATER) {
        assert_equal_after_churn(5_000, 1000);
    }

    nothing_is_recorded_before_the_first_collection(ALL) {
        assert!(!recording());
        let reason = live_samples::read().unwrap_err();
        assert!(reason.contains("live_samples_from_start"), "{reason}");
        collect(Scope::Stats);
        assert!(recording());
        let memory = Memory::new(DISTINCTIVE);
        let objects = live_samples::read_objects().unwrap();
        let address = memory.0.addr() as u64;
        let (place, sample) = objects.into_iter().find(|(place, _)| place.address() == address).unwrap();
        assert_eq!(sample.requested, DISTINCTIVE);
        assert!(sample.usable >= DISTINCTIVE && sample.usable < DISTINCTIVE + 8192, "{sample:?}");
        assert!(live_samples::still_live(place, sample.sequence));
        drop(memory);
        assert!(!live_samples::still_live(place, sample.sequence));
        let after = Memory::new(DISTINCTIVE);
        assert!(!live_samples::still_live(place, sample.sequence), "{:p}", after.0);
    }

    s60_no_debug_text_of_a_live_sample_has_its_address(ALL) {
        live_samples::install().unwrap();
        let memory = Memory::new(DISTINCTIVE);
        let address = memory.0.addr();
        let text = format!(
            "{:?} {:?} {:?} {:?}",
            live_samples::read(),
            live_samples::read_objects(),
            live_samples::excluded_ranges(),
            live_samples::status()
        );
        assert!(text.contains(&DISTINCTIVE.to_string()));
        for number in [address, address >> 12] {
            assert!(!text.contains(&number.to_string()) && !text.contains(&format!("{number:x}")));
        }
    }

    the_table_of_a_small_heap_takes_little_memory("prof:true,prof_active:false,lg_prof_sample:12,prof_unbias:false") {
        live_samples::install().unwrap();
        let resident = || {
            let mut bytes = 0;
            for range in live_samples::excluded_ranges() {
                let start = range.start.address() / 4096 * 4096;
                let length = usize::try_from(range.start.address() + range.bytes - start).unwrap();
                let mut pages = vec![0_u8; length.div_ceil(4096)];
                let address = std::ptr::with_exposed_provenance_mut(usize::try_from(start).unwrap());
                // SAFETY: the range is a static, and there is a byte for each page.
                assert_eq!(unsafe { libc::mincore(address, length, pages.as_mut_ptr()) }, 0);
                bytes += 4096 * pages.iter().filter(|page| **page & 1 == 1).count();
            }
            bytes
        };
        let before = resident();
        set_sampling(true);
        let kept: Vec<_> = (0..20_000).map(|_| Memory::new(64)).collect();
        set_sampling(false);
        assert!((100..1000).contains(&live_of(64)), "{}", live_of(64));
        let after = resident();
        assert!(after > before && after <= 256 << 10, "{before} bytes before, {after} after");
        drop(kept);
    }

    threads_that_install_together_record_once(LATER) {
        let at_once = Barrier::new(8);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    at_once.wait();
                    live_samples::install().unwrap();
                });
            }
        });
        set_sampling(true);
        let kept = churn(2, 500);
        assert_equal_to_dump();
        drop(kept);
    }

    hooks_of_other_code_are_left_alone(ALL) {
        set_foreign_hook();
        let reason = live_samples::install().unwrap_err();
        assert!(reason.contains("another part of the program"), "{reason}");
        assert!(collect(Scope::Types).report.types.is_some());
        assert!(!recording());
        let before = CALLS.load(Ordering::Relaxed);
        drop(black_box(Memory::new(DISTINCTIVE)));
        assert!(CALLS.load(Ordering::Relaxed) > before, "the hook was removed");
        // SAFETY: `prof_hook.h` gives the key this type.
        let free = unsafe { raw::read::<usize>(b"experimental.hooks.prof_sample_free\0") }.unwrap();
        assert_eq!(free, 0, "half of the hooks was set");
    }

    other_code_that_takes_the_hooks_ends_recording(ALL) {
        live_samples::install().unwrap();
        set_foreign_hook();
        for _ in 0..2 {
            let reason = live_samples::read().unwrap_err();
            assert!(reason.contains("has replaced"), "{reason}");
            assert!(!recording());
        }
        assert!(live_samples::install().unwrap_err().contains("has replaced"));
    }

    without_a_profiler_the_reason_says_how_to_get_one("prof:false") {
        let reason = live_samples::install().unwrap_err();
        assert!(reason.contains("install!()"), "{reason}");
        assert!(!recording());
    }

    a_change_of_the_rate_begins_again(ALL) {
        live_samples::install().unwrap();
        let old = Memory::new(DISTINCTIVE);
        assert_eq!(live_of(DISTINCTIVE), 1);
        let before = live_samples::status().unwrap();
        let other_rate = ProfilingChange::activate(600, Some(4096)).unwrap();
        let collector = Collector::new();
        let collector = spawn_collecting(move || {
            collector.set_profiling(other_rate, None).unwrap();
            collector
        });
        let collector = collector.unwrap().join().unwrap();
        assert_eq!(live_of(DISTINCTIVE), 0, "jemalloc has discarded it");
        let new = Memory::new(DISTINCTIVE);
        assert_eq!(live_of(DISTINCTIVE), 1);
        assert!(live_samples::status().unwrap().since > before.since);
        // The end of a discarded sample frees its slot, and nothing else.
        drop(old);
        assert_eq!(live_of(DISTINCTIVE), 1);
        assert_equal_to_dump();
        let off = move || collector.set_profiling(ProfilingChange::deactivate(), None).map(drop).unwrap();
        spawn_collecting(off).unwrap().join().unwrap();
        assert_eq!(live_of(DISTINCTIVE), 0);
        drop(new);
    }

    a_change_of_the_rate_by_other_code_is_noticed(ALL) {
        live_samples::install().unwrap();
        let old = Memory::new(DISTINCTIVE);
        reset(1);
        assert_eq!(live_of(DISTINCTIVE), 0);
        drop(old);
        let new = Memory::new(DISTINCTIVE);
        assert_eq!(live_of(DISTINCTIVE), 1);
        drop(new);
    }

    a_pause_of_sampling_keeps_what_was_recorded(ALL) {
        live_samples::install().unwrap();
        let kept = Memory::new(DISTINCTIVE);
        let freed = Memory::new(DISTINCTIVE);
        set_sampling(false);
        let unseen = Memory::new(DISTINCTIVE);
        drop(freed);
        assert_eq!(live_of(DISTINCTIVE), 1);
        set_sampling(true);
        drop(unseen);
        assert_eq!(live_of(DISTINCTIVE), 1);
        drop(kept);
        assert_eq!(live_of(DISTINCTIVE), 0);
    }

    memory_freed_after_the_thread_locals_of_its_thread_is_forgotten(ALL) {
        live_samples::install().unwrap();
        let label = RouteLabel::of("GET /items/{id}").unwrap();
        for _ in 0..20 {
            let thread = thread::spawn(move || {
                let _label = label.enter();
                UNTIL_EXIT.with(|memory| memory.0.set(Some(Memory::new(DISTINCTIVE))));
                let samples = live_samples::read().unwrap();
                let own = samples.samples.iter().find(|sample| sample.requested == DISTINCTIVE).unwrap();
                assert_eq!(samples.labels[own.label as usize], "GET /items/{id}");
            });
            thread.join().unwrap();
            assert_eq!(live_of(DISTINCTIVE), 0);
        }
        assert_eq!(live_samples::status().unwrap().dropped, 0);
    }

    a_forked_child_has_a_table_of_its_own(LATER) {
        live_samples::install().unwrap();
        set_sampling(true);
        let inherited = Memory::new(DISTINCTIVE);
        let before = live_samples::status().unwrap();
        // SAFETY: this process has no other thread that works; jemalloc prepares its locks.
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
            unsafe { libc::alarm(60) };
            let result = catch_unwind(AssertUnwindSafe(|| {
                assert_eq!(live_of(DISTINCTIVE), 1);
                let own = Memory::new(DISTINCTIVE);
                assert_eq!(live_of(DISTINCTIVE), 2);
                drop(inherited);
                assert_eq!(live_of(DISTINCTIVE), 1);
                assert_eq!(live_samples::status().unwrap().since, before.since);
                drop(own);
                assert_equal_to_dump();
            }));
            // SAFETY: ends the child without running the exit handlers of its parent.
            unsafe { libc::_exit(if result.is_ok() { 7 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: reads the status of the child, which no other code waits for.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(libc::WEXITSTATUS(status), 7);
        assert_eq!(live_of(DISTINCTIVE), 1, "the child changed the table of its parent");
        drop(inherited);
    }

    children_forked_in_the_middle_of_churn_can_go_on(LATER) {
        live_samples::install().unwrap();
        set_sampling(true);
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            let handles = [7, 8].map(|seed| {
                let stop = &stop;
                scope.spawn(move || {
                    let mut random = Random(seed);
                    while !stop.load(Ordering::Relaxed) {
                        drop(black_box(Memory::new(size(&mut random))));
                    }
                })
            });
            for _ in 0..50 {
                // SAFETY: on Linux, glibc and jemalloc prepare their locks for a fork of a process with threads.
                let child = unsafe { libc::fork() };
                if child == 0 {
                    // SAFETY: sets a timer of the child, whose signal kills it if it hangs.
                    unsafe { libc::alarm(60) };
                    let result = catch_unwind(|| {
                        let own = Memory::new(DISTINCTIVE);
                        assert_eq!(live_of(DISTINCTIVE), 1);
                        drop(own);
                        assert_eq!(live_of(DISTINCTIVE), 0);
                    });
                    // SAFETY: ends the child without running the exit handlers of its parent.
                    unsafe { libc::_exit(if result.is_ok() { 7 } else { 1 }) };
                }
                let mut status = 0;
                // SAFETY: reads the status of the child, which no other code waits for.
                assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
                assert_eq!(libc::WEXITSTATUS(status), 7, "{status}");
            }
            stop.store(true, Ordering::Relaxed);
            handles.into_iter().for_each(|handle| handle.join().unwrap());
        });
        assert_equal_to_dump();
    }
}
