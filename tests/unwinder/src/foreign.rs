//! Cases on stacks that no thread was started with.

use std::cell::Cell;
use std::ffi::c_void;
use std::mem::MaybeUninit;
use std::ptr;

use crate::cases::{allocate, below};
use crate::judge::judged;

const PAGE_BYTES: usize = 4096;

/// Mapped memory between two unreadable pages.
#[derive(Debug)]
pub struct Mapped {
    low: *mut c_void,
    bytes: usize,
}

impl Mapped {
    pub fn new(bytes: usize) -> Self {
        Self::at(ptr::null_mut(), bytes)
    }

    /// Maps it there again.
    fn at(low: *mut c_void, bytes: usize) -> Self {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let begin = if low.is_null() { low } else { low.wrapping_byte_sub(PAGE_BYTES) };
        // SAFETY: maps new pages, and makes those in the middle usable.
        let low = unsafe {
            let begin = libc::mmap(begin, bytes + 2 * PAGE_BYTES, libc::PROT_NONE, flags, -1, 0);
            assert_ne!(begin, libc::MAP_FAILED);
            let low = begin.byte_add(PAGE_BYTES);
            assert_eq!(libc::mprotect(low, bytes, libc::PROT_READ | libc::PROT_WRITE), 0);
            low
        };
        Self { low, bytes }
    }

    pub fn low(&self) -> *mut c_void {
        self.low
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Mapped {
    fn drop(&mut self) {
        // SAFETY: the pages belong to this value.
        unsafe { libc::munmap(self.low.byte_sub(PAGE_BYTES), self.bytes + 2 * PAGE_BYTES) };
    }
}

thread_local! {
    static WORK: Cell<fn()> = const { Cell::new(|| ()) };
}

/// Runs `work` on another stack, and comes back.
#[inline(never)]
fn on(low: *mut c_void, bytes: usize, work: fn()) {
    extern "C" fn begin() {
        (WORK.get())();
    }
    WORK.set(work);
    let (mut there, mut here) =
        (MaybeUninit::<libc::ucontext_t>::uninit(), MaybeUninit::<libc::ucontext_t>::uninit());
    // SAFETY: `getcontext` makes the context whole. The stack stays until the work is done, which continues `here`.
    unsafe {
        assert_eq!(libc::getcontext(there.as_mut_ptr()), 0);
        let context = there.as_mut_ptr();
        (*context).uc_stack.ss_sp = low;
        (*context).uc_stack.ss_size = bytes;
        (*context).uc_link = here.as_mut_ptr();
        libc::makecontext(context, begin, 0);
        assert_eq!(libc::swapcontext(here.as_mut_ptr(), context), 0);
    }
}

pub fn stacks() {
    for kibibytes in [32, 64, 1024] {
        let stack = Mapped::new(kibibytes << 10);
        for _ in 0..10 {
            on(stack.low(), stack.bytes(), || judged(|| below(4, 300)));
            judged(|| below(4, 300));
        }
    }
    // A stack on the heap, which other memory surrounds.
    let mut heap = vec![0_u8; 64 << 10];
    on(heap.as_mut_ptr().cast(), heap.len(), || judged(|| below(4, 300)));
}

/// A thread whose first samples are on a foreign stack, which then goes away and comes back smaller.
pub fn first_and_unmapped() {
    let thread = std::thread::spawn(|| {
        let stack = Mapped::new(128 << 10);
        let low = stack.low();
        on(stack.low(), stack.bytes(), || judged(|| below(4, 300)));
        drop(stack);
        judged(|| below(4, 300));
        let again = Mapped::at(low, 32 << 10);
        on(again.low(), again.bytes(), || judged(|| below(4, 300)));
        judged(|| below(4, 300));
    });
    thread.join().expect("no panic");
}

/// A foreign stack inside the thread's own stack.
pub fn in_a_frame() {
    let mut frame = [0_u128; 4096];
    for _ in 0..10 {
        on(frame.as_mut_ptr().cast(), size_of_val(&frame), || judged(|| allocate(300)));
    }
}
