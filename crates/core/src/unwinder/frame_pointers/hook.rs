//! The function that jemalloc calls for each sample.

use std::ffi::{c_uint, c_void};
use std::mem::MaybeUninit;
use std::slice;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use super::edges::Edges;
use super::frames::Frames;
use super::outermost::Outermost;
use super::own_stack::{self, OwnStack};
use super::registers::Registers;
use super::walk::{learn, walk};
use crate::mallctl::{self, BacktraceHook, Error};

/// Each sample has a few dozen pairs, most of them shared with others: a large service has thousands. 256 KiB, of which
/// unused pages are never touched.
static EDGES: Edges<{ 1 << 15 }> = Edges::new();

thread_local! {
    // None of them has a destructor, so an access neither allocates nor fails, also while the thread ends.
    static STACK: OwnStack = const { OwnStack::unknown() };
    static OUTERMOST: Outermost = const { Outermost::unknown() };
}

/// The unwinder that jemalloc had before.
static PREVIOUS: OnceLock<BacktraceHook> = OnceLock::new();

/// Frames of the previous unwinder and of [`hook`] on top of its answer.
static ABOVE: AtomicUsize = AtomicUsize::new(0);

static WALKED: AtomicU64 = AtomicU64::new(0);
static FELL_BACK: AtomicU64 = AtomicU64::new(0);
static COMPARED: AtomicU64 = AtomicU64::new(0);
static AGREED: AtomicU64 = AtomicU64::new(0);
static HAS_GIVEN_UP: AtomicBool = AtomicBool::new(false);

/// After this many comparisons with libgcc, the walk goes on only if enough stacks could be walked by then.
pub(super) const TRIAL: u64 = 1024;
const LEAST_RIGHT: u64 = TRIAL / 8;

/// A frame of [`hook`] is smaller. A larger distance means that it has no frame pointer.
const MOST_FRAME_BYTES: usize = 2048;

/// Stacks that the hook has read since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) walked: u64,
    pub(super) fell_back: u64,
    /// The first [`TRIAL`] answers of libgcc showed that too few stacks can be walked, so none is walked any more.
    pub(super) has_given_up: bool,
}

pub(super) fn counts() -> Counts {
    Counts {
        walked: WALKED.load(Ordering::Relaxed),
        fell_back: FELL_BACK.load(Ordering::Relaxed),
        has_given_up: HAS_GIVEN_UP.load(Ordering::Relaxed),
    }
}

/// Makes jemalloc call [`hook`], which calls `previous` for stacks that it cannot walk. Only the first call has effects.
///
/// # Errors
///
/// If jemalloc refuses the hook.
pub(super) fn install(previous: BacktraceHook) -> Result<(), Error> {
    PREVIOUS.get_or_init(|| previous);
    // SAFETY: the hook has the type that jemalloc calls, keeps within the vector that it gets, and stays in memory.
    unsafe { mallctl::set_backtrace_hook(hook) }
}

/// Whether jemalloc calls [`hook`] now.
pub(super) fn is_installed() -> Result<bool, Error> {
    let hook: BacktraceHook = hook;
    Ok(mallctl::read_backtrace_hook()?.is_some_and(|installed| installed as usize == hook as usize))
}

/// The part of the current thread's own stack that lies above the stack pointer. `None` on another stack.
pub(super) fn own_frames(registers: Registers) -> Option<Frames> {
    let (control_block, readable) = (own_stack::control_block(), own_stack::is_readable);
    let stack = STACK.with(|stack| stack.above(registers.stack, control_block, readable))?;
    // SAFETY: `above` gives the readable part of this thread's stack above the stack pointer of a function that has not
    // returned.
    Some(unsafe { Frames::new(stack, registers.frame) })
}

/// Learns that the calling function is on the stack of the first thread, near its top.
pub(super) fn learn_first_thread(registers: Registers) {
    STACK.with(|stack| stack.learn(registers.stack, own_stack::is_readable));
}

/// Writes the return addresses of the current stack to `vector`, the innermost first, and their number to `length`. The
/// first is the address in the caller.
///
/// # Safety
///
/// `vector` has room for `max` addresses, and `length` is valid. Nothing else uses them meanwhile.
#[inline(never)]
unsafe extern "C" fn hook(vector: *mut *mut c_void, length: *mut c_uint, max: c_uint) {
    let registers = Registers::read();
    let room = (max as usize).saturating_sub(ABOVE.load(Ordering::Relaxed));
    let mut frames = None;
    if !HAS_GIVEN_UP.load(Ordering::Relaxed) {
        frames = own_frames(registers);
        if let Some(frames) = frames.clone() {
            // SAFETY: the caller gives room for more addresses than that, and any bits are good for them.
            let stack = unsafe { slice::from_raw_parts_mut(vector.cast::<MaybeUninit<usize>>(), room) };
            let walked = OUTERMOST.with(|outermost| walk(frames, &EDGES, outermost, stack));
            if let Some(number) = walked.and_then(|number| c_uint::try_from(number).ok()) {
                // SAFETY: the caller says that `length` is valid.
                unsafe { length.write(number) };
                WALKED.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
    // SAFETY: the caller's promises are passed on.
    unsafe { fall_back(vector, length, max, registers, frames) };
}

/// Lets the previous unwinder read the stack, removes the frames of unwinders, and learns from its answer. `registers`
/// and `frames` belong to [`hook`].
///
/// # Safety
///
/// As for [`hook`].
#[cold]
unsafe fn fall_back(
    vector: *mut *mut c_void,
    length: *mut c_uint,
    max: c_uint,
    registers: Registers,
    frames: Option<Frames>,
) {
    FELL_BACK.fetch_add(1, Ordering::Relaxed);
    let Some(previous) = PREVIOUS.get() else { return };
    // SAFETY: the caller says that `length` is valid. jemalloc's own unwinder adds to it.
    unsafe { length.write(0) };
    // SAFETY: the caller's promises are those that jemalloc gives to its own unwinder.
    unsafe { previous(vector, length, max) };
    // SAFETY: the caller says that `length` is valid.
    let found = unsafe { length.read() }.min(max);
    // SAFETY: the previous unwinder has written this many addresses to `vector`.
    let stack = unsafe { slice::from_raw_parts_mut(vector.cast::<usize>(), found as usize) };
    let Some(caller) = caller(registers) else { return };
    let Some(above) = stack.iter().position(|address| *address == caller) else { return };
    stack.copy_within(above.., 0);
    let (truth, _) = stack.split_at(stack.len() - above);
    let Ok(number) = c_uint::try_from(truth.len()) else { return };
    // SAFETY: the caller says that `length` is valid.
    unsafe { length.write(number) };
    ABOVE.store(above, Ordering::Relaxed);
    let agrees = OUTERMOST.with(|outermost| learn(frames.clone(), &EDGES, outermost, truth, found == max));
    if frames.is_some() {
        judge(agrees);
    }
}

/// The address that [`hook`] returns to.
fn caller(registers: Registers) -> Option<usize> {
    let size = registers.frame.checked_sub(registers.stack)?;
    let end = registers.frame.checked_add(2 * size_of::<usize>())?;
    if size > MOST_FRAME_BYTES {
        return None;
    }
    // SAFETY: the frame of `hook` ends with its record, and `hook` has not returned. It has a frame pointer, because
    // `self_check` found frame pointers in this crate before the hook was installed.
    let mut frames = unsafe { Frames::new(registers.stack..end, registers.frame) };
    frames.next().map(|frame| frame.return_address)
}

/// Counts a comparison, and gives up at the end of the trial if too few stacks could be walked.
fn judge(agrees: bool) {
    let agreed = AGREED.fetch_add(u64::from(agrees), Ordering::Relaxed) + u64::from(agrees);
    let compared = COMPARED.fetch_add(1, Ordering::Relaxed) + 1;
    if compared == TRIAL && agreed + WALKED.load(Ordering::Relaxed) < LEAST_RIGHT {
        HAS_GIVEN_UP.store(true, Ordering::Relaxed);
    }
}
