//! Prints what a sample costs: `unwinders` runs libgcc and the walk along frame pointers in turns.
//!
//! A line has the frames of a sample, log2 of the bytes per sample, and nanoseconds of processor time: libgcc alone, the
//! walk alone (without jemalloc's frames), a sample with libgcc, a sample with the walk, and both again for each MiB that is allocated. A sample
//! contains all that jemalloc does for it. Each number is the least of all rounds.

use std::ffi::{CStr, c_uint, c_void};
use std::hint::black_box;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

memory_debug_core::install!();

const ROUNDS: usize = 7;
const OBJECT_BYTES: u64 = 3008;
const OBJECTS: u64 = 400_000;
const CALLS: u64 = 20_000;

/// The number of frames of the last sample.
static FRAMES: AtomicU32 = AtomicU32::new(0);

type Hook = unsafe extern "C" fn(*mut *mut c_void, *mut c_uint, c_uint);

fn main() {
    let libgcc: Hook = read(c"experimental.hooks.prof_backtrace");
    memory_debug_core::__private::start_unwinder();
    let walk: Hook = read(c"experimental.hooks.prof_backtrace");
    assert_ne!(libgcc as usize, walk as usize, "the walk was refused: is this built with frame pointers?");
    let others = other_frames();
    for frames in [20, 50] {
        let depth = frames - others;
        for lg in [19_usize, 17, 16] {
            let (mut alone, mut samples) = ([f64::MAX; 2], [f64::MAX; 3]);
            for _ in 0..ROUNDS {
                for (number, hook) in [libgcc, walk].into_iter().enumerate() {
                    let time = below(depth, &|| call(hook));
                    alone[number] = alone[number].min(time / CALLS as f64);
                }
                for (number, hook) in [None, Some(libgcc), Some(walk)].into_iter().enumerate() {
                    write(c"prof.active", false);
                    if let Some(hook) = hook {
                        write(c"experimental.hooks.prof_backtrace", hook);
                        write(c"prof.reset", lg);
                        write(c"prof.active", true);
                    }
                    let time = below(depth, &allocate);
                    samples[number] = samples[number].min(time);
                }
            }
            let bytes = (OBJECTS * OBJECT_BYTES) as f64;
            let taken = bytes / (1_u64 << lg) as f64;
            let [without, libgcc, walk] = samples;
            let each = [libgcc, walk].map(|time| (time - without) / taken);
            let mib = [libgcc, walk].map(|time| (time - without) / bytes * f64::from(1 << 20));
            println!(
                "{frames} {lg} {:.0} {:.0} {:.0} {:.0} {:.0} {:.0}",
                alone[0], alone[1], each[0], each[1], mib[0], mib[1]
            );
        }
    }
}

/// The frames of a sample without recursion: of jemalloc, of std and of the C library.
fn other_frames() -> usize {
    type SampleHook = unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, c_uint, usize);
    unsafe extern "C" fn count(_: *const c_void, _: usize, _: *mut *mut c_void, length: c_uint, _: usize) {
        FRAMES.store(length, Ordering::Relaxed);
    }
    write::<Option<SampleHook>>(c"experimental.hooks.prof_sample", Some(count));
    below(0, &allocate);
    write::<Option<SampleHook>>(c"experimental.hooks.prof_sample", None);
    let frames = FRAMES.load(Ordering::Relaxed) as usize;
    assert!(frames > 5, "no sample was taken");
    frames
}

/// Runs `work` in a deep stack.
#[inline(never)]
fn below(depth: usize, work: &dyn Fn() -> f64) -> f64 {
    if depth == 0 { work() } else { black_box(below(depth - 1, work)) }
}

/// Processor time of many allocations. Each is freed at once, so the heap does not grow.
fn allocate() -> f64 {
    let begin = now();
    for _ in 0..OBJECTS {
        drop(black_box(Vec::<u8>::with_capacity(black_box(OBJECT_BYTES as usize))));
    }
    now() - begin
}

/// Processor time of the unwinder alone.
fn call(hook: Hook) -> f64 {
    let mut stack = [ptr::null_mut(); 128];
    let begin = now();
    for _ in 0..CALLS {
        let mut length = 0;
        // SAFETY: the array has room for as many addresses.
        unsafe { hook(stack.as_mut_ptr(), &raw mut length, 128) };
        black_box(&stack);
        assert!(length > 10);
    }
    now() - begin
}

/// Processor time of this thread, in nanoseconds.
fn now() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clock writes to the value.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn read(name: &CStr) -> Hook {
    let (mut value, mut bytes) = (None::<Hook>, size_of::<Hook>());
    // SAFETY: the key has a function pointer of this type, which may be null.
    let error = unsafe {
        tikv_jemalloc_sys::mallctl(name.as_ptr(), (&raw mut value).cast(), &raw mut bytes, ptr::null_mut(), 0)
    };
    assert_eq!(error, 0, "{name:?}");
    value.expect("an unwinder")
}

/// `T` is the type of the key.
fn write<T>(name: &CStr, mut value: T) {
    // SAFETY: jemalloc checks the size of the value, and the callers above give the types of its manual and `ctl.c`.
    let error = unsafe {
        tikv_jemalloc_sys::mallctl(
            name.as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            (&raw mut value).cast(),
            size_of::<T>(),
        )
    };
    assert_eq!(error, 0, "{name:?}");
}
