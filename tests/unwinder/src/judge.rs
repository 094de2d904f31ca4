//! Compares the stack of each sample with libgcc's answer.

use std::cell::Cell;
use std::ffi::{c_int, c_uint, c_void};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use memory_debug_core::{Collector, spawn_collecting};

/// jemalloc's `opt.prof_bt_max`.
const MOST: usize = 128;

/// Frames of jemalloc and of unwinders on top of a sample, which differ between the two hooks.
const MOST_ON_TOP: usize = 8;

static JUDGED: AtomicU64 = AtomicU64::new(0);
static WRONG: AtomicU64 = AtomicU64::new(0);
static SHOWN: AtomicBool = AtomicBool::new(false);
static TRUTH: Mutex<[usize; 8192]> = Mutex::new([0; 8192]);

thread_local! {
    static IS_JUDGED: Cell<bool> = const { Cell::new(false) };
}

unsafe extern "C" {
    fn _Unwind_Backtrace(step: extern "C" fn(*mut c_void, *mut c_void) -> c_int, data: *mut c_void) -> c_int;
    fn _Unwind_GetIP(context: *mut c_void) -> usize;
}

/// What must have read most stacks of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Walked,
    FellBack,
    Any,
}

/// The samples of a case.
#[derive(Debug)]
pub struct Judge {
    walked: u64,
    fell_back: u64,
}

impl Judge {
    pub fn begin() -> Self {
        let (walked, fell_back) = counts();
        set_hook();
        Self { walked, fell_back }
    }

    pub fn end(self, expected: Expected) -> ExitCode {
        let (walked, fell_back) = counts();
        let (walked, fell_back) = (walked - self.walked, fell_back - self.fell_back);
        let (judged, wrong) = (JUDGED.load(Ordering::Relaxed), WRONG.load(Ordering::Relaxed));
        let as_expected = match expected {
            Expected::Walked => walked > 4 * fell_back,
            Expected::FellBack => fell_back > 50,
            Expected::Any => true,
        };
        println!("{judged} judged, {wrong} wrong; {walked} walked, {fell_back} read by libgcc");
        if !as_expected {
            println!("expected most of them {expected:?}");
        }
        ExitCode::from(u8::from(wrong > 0 || judged < 50 || !as_expected))
    }
}

/// Judges the samples of `work` on this thread.
pub fn judged<T>(work: impl FnOnce() -> T) -> T {
    let before = IS_JUDGED.replace(true);
    let result = work();
    IS_JUDGED.set(before);
    result
}

/// The state of the unwinder, as JSON.
pub fn state() -> String {
    let report =
        spawn_collecting(|| Collector::new().profiling()).expect("a thread").join().expect("no panic");
    let state = serde_json::to_value(&report.profiling.unwinder).expect("plain values");
    serde_json::json!({ "unwinder": state, "unavailable": report.unavailable }).to_string()
}

fn counts() -> (u64, u64) {
    let report =
        spawn_collecting(|| Collector::new().profiling()).expect("a thread").join().expect("no panic");
    report.profiling.unwinder.map_or((0, 0), |state| (state.walked, state.fell_back))
}

fn set_hook() {
    type Hook = unsafe extern "C" fn(*const c_void, usize, *mut *mut c_void, c_uint, usize);
    let mut hook: Hook = on_sample;
    // SAFETY: jemalloc copies a pointer of this size from the address.
    let error = unsafe {
        tikv_jemalloc_sys::mallctl(
            c"experimental.hooks.prof_sample".as_ptr(),
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            (&raw mut hook).cast(),
            size_of::<Hook>(),
        )
    };
    assert_eq!(error, 0);
}

unsafe extern "C" fn on_sample(
    _address: *const c_void,
    _size: usize,
    stack: *mut *mut c_void,
    length: c_uint,
    _usable: usize,
) {
    if !IS_JUDGED.replace(false) {
        return;
    }
    let mut truth = TRUTH.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: jemalloc gives as many addresses.
    let stack = unsafe { std::slice::from_raw_parts(stack.cast::<usize>(), length as usize) };
    let length = read_truth(&mut *truth);
    JUDGED.fetch_add(1, Ordering::Relaxed);
    if !is_right(stack, &truth[..length]) {
        WRONG.fetch_add(1, Ordering::Relaxed);
        if !SHOWN.swap(true, Ordering::Relaxed) {
            eprintln!("sampled:   {stack:x?}\nby libgcc: {:x?}", &truth[..length]);
        }
    }
    drop(truth);
    IS_JUDGED.set(true);
}

/// Whether both have the same frames, apart from those on top. A stack that is not cut must also end like the truth.
fn is_right(stack: &[usize], truth: &[usize]) -> bool {
    (0..=MOST_ON_TOP.min(stack.len().saturating_sub(2))).any(|top| {
        let frames = &stack[top..];
        let is_cut = stack.len() + MOST_ON_TOP >= MOST;
        if is_cut {
            let begin = 2 * MOST_ON_TOP;
            (0..begin).any(|skipped| truth.get(skipped..).is_some_and(|truth| truth.starts_with(frames)))
        } else {
            truth.ends_with(frames) && truth.len() - frames.len() <= 2 * MOST_ON_TOP
        }
    })
}

struct Answer<'t> {
    addresses: &'t mut [usize],
    length: usize,
}

fn read_truth(addresses: &mut [usize]) -> usize {
    extern "C" fn step(context: *mut c_void, answer: *mut c_void) -> c_int {
        // SAFETY: the pointer that `read_truth` passed.
        let answer = unsafe { &mut *answer.cast::<Answer<'_>>() };
        // SAFETY: libgcc's own context.
        let address = unsafe { _Unwind_GetIP(context) };
        match answer.addresses.get_mut(answer.length) {
            Some(place) if address != 0 => *place = address,
            _ => return 5,
        }
        answer.length += 1;
        0
    }
    let mut answer = Answer { addresses, length: 0 };
    // SAFETY: the function and its data have the types that it expects.
    unsafe { _Unwind_Backtrace(step, (&raw mut answer).cast()) };
    answer.length
}
