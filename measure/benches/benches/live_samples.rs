//! Measures what live samples cost: the two hooks by themselves, and a sampled allocation with and without them, in turns.

use std::ffi::{c_uint, c_void};
use std::hint::black_box;
use std::process::ExitCode;
use std::ptr;
use std::time::{Duration, Instant};

use memory_debug_benches::side_by_side::median;
use memory_debug_core::record_live_samples;
use tikv_jemalloc_ctl::raw;

memory_debug_core::install!();

/// Target: the most nanoseconds that a sample and its free take with [`TARGET_FRAMES`] frames.
const TARGET_NS: i64 = 300;
const TARGET_FRAMES: usize = 30;

/// The numbers of frames of a stack.
const FRAMES: [usize; 3] = [10, TARGET_FRAMES, 100];

/// Live samples beside which the hooks are measured, as many as a heap of 2 GiB has.
const LIVE: usize = 4096;

/// Calls between two looks at the clock.
const CALLS: usize = 1000;

/// How often each kind has its turn.
const TURNS: usize = 301;

const PAGE: usize = 4096;

type Sample = unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, c_uint, usize);
type Free = unsafe extern "C" fn(*const c_void, usize);

/// The hooks as jemalloc has them.
#[derive(Clone, Copy)]
struct Hooks {
    sample: Option<Sample>,
    free: Option<Free>,
}

impl Hooks {
    const NONE: Self = Self { sample: None, free: None };

    fn installed() -> Self {
        // SAFETY: the types are from jemalloc's `prof_hook.h`; a null pointer is `None`.
        let sample = unsafe { raw::read::<Option<Sample>>(b"experimental.hooks.prof_sample\0") };
        // SAFETY: as above.
        let free = unsafe { raw::read::<Option<Free>>(b"experimental.hooks.prof_sample_free\0") };
        Self { sample: sample.expect("jemalloc answers"), free: free.expect("jemalloc answers") }
    }

    fn install(self) {
        // SAFETY: the types are from jemalloc's `prof_hook.h`, and the functions stay.
        unsafe { raw::write(b"experimental.hooks.prof_sample_free\0", self.free) }.expect("it profiles");
        // SAFETY: as above.
        unsafe { raw::write(b"experimental.hooks.prof_sample\0", self.sample) }.expect("it profiles");
    }

    /// Calls both for made-up addresses, each with `frames`. Returns the time of one pair.
    fn pair(self, frames: &mut [*mut c_void]) -> Duration {
        let (Some(sample), Some(free)) = (self.sample, self.free) else { panic!("nothing is recorded") };
        let count = c_uint::try_from(frames.len()).expect("a few");
        let begin = Instant::now();
        for call in 0..CALLS {
            let address = address(LIVE + call);
            // SAFETY: the hook reads the frames, and never what is at the address.
            unsafe { sample(address, 64, frames.as_mut_ptr(), count, 64) };
            // SAFETY: the hook does not use what is at the address.
            unsafe { free(address, 64) };
        }
        begin.elapsed() / CALLS as u32
    }
}

/// A made-up address at the start of a page. Nothing is there.
fn address(number: usize) -> *const c_void {
    ptr::without_provenance(0x6f00_0000_0000 + number * 5 * PAGE)
}

/// The time of one allocation and its free.
fn allocations() -> Duration {
    let begin = Instant::now();
    for _ in 0..CALLS {
        drop(black_box(vec![0_u8; 64]));
    }
    begin.elapsed() / CALLS as u32
}

/// The medians of allocations without and with the hooks, in nanoseconds, measured in turns at this rate.
fn in_turn(hooks: Hooks, lg_sample: usize) -> (i64, i64) {
    // SAFETY: the manual gives `prof.reset` the type size_t.
    unsafe { raw::write(b"prof.reset\0", lg_sample) }.expect("it profiles");
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..TURNS {
        for (hooks, times) in [Hooks::NONE, hooks].into_iter().zip(&mut times) {
            hooks.install();
            allocations();
            times.push(nanoseconds(allocations()));
        }
    }
    let [without, with] = times.map(median);
    (without, with)
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).expect("less than a century")
}

fn main() -> ExitCode {
    record_live_samples().expect("jemalloc is the allocator, and profiles");
    let hooks = Hooks::installed();
    let sample = hooks.sample.expect("it records");
    for number in 0..LIVE {
        // SAFETY: no frames, and the hook never reads what is at the address.
        unsafe { sample(address(number), 64, ptr::null_mut(), 0, 64) };
    }
    let mut is_met = true;
    for count in FRAMES {
        let frame = |number| ptr::without_provenance_mut(0x5555_5555_0000 + number * 77);
        let mut frames: Vec<_> = (0..count).map(frame).collect();
        let pair = median((0..TURNS).map(|_| nanoseconds(hooks.pair(&mut frames))).collect());
        println!("sample and free, {count:>3} frames: {pair:>5} ns");
        is_met &= count != TARGET_FRAMES || pair <= TARGET_NS;
    }
    for (what, lg_sample) in [("each allocation sampled", 0), ("one sample per 512 KiB", 19)] {
        let (without, with) = in_turn(hooks, lg_sample);
        let ratio = with as f64 / without as f64;
        println!("{what}: {without} ns without hooks, {with} ns with them, ratio {ratio:.3}");
    }
    // `--test` does not assert times.
    if is_met || std::env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    eprintln!("the target of {TARGET_NS} ns with {TARGET_FRAMES} frames was missed");
    ExitCode::FAILURE
}
