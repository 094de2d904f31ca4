//! The part of a thread's own stack that is known to be readable.
//!
//! `pthread_getattr_np` knows the bounds of a stack, but it locks and allocates, and for the first thread it reads
//! `/proc/self/maps`. So this module starts at an address that surely lies near the top of the thread's own stack, and
//! goes down page by page to the stack pointer, asking the kernel whether each page is readable. Stacks have a guard
//! page at their low end, so a stack pointer that such a path reaches is on the same stack. The pages above a stack
//! pointer stay readable as long as the function runs, so no page is asked for twice.
//!
//! If a program made a stack without a guard page itself, the path can lead on into other memory. A coroutine's stack
//! right below would then count as a part of the thread's stack. A walk there still needs libgcc's confirmation.

use std::cell::Cell;
use std::ops::Range;

/// The smallest page of all supported systems. Larger pages are asked for several times.
const PAGE_BYTES: usize = 4096;

/// The most pages that one sample asks for: about 5 µs. The next sample goes on from there.
const MOST_PAGES: usize = 64;

/// A stack pointer further below the known part is taken to be on another stack, such as a coroutine's. Each page asked
/// for on the way would cost time, and the first thread's stack would grow.
const REACH_BYTES: usize = 1 << 20;

/// What is known of one thread's stack.
#[derive(Debug)]
pub(super) struct OwnStack {
    /// The end, exclusive. 0 until it is known.
    top: Cell<usize>,
    /// The lowest address that is known to be readable.
    low: Cell<usize>,
    /// No byte below this address is on the stack: the guard page is there.
    least: Cell<usize>,
}

impl OwnStack {
    pub(super) const fn unknown() -> Self {
        Self { top: Cell::new(0), low: Cell::new(0), least: Cell::new(0) }
    }

    /// Learns that `address` is on this stack, in a frame of the function that called `main` or runs beside it.
    ///
    /// The first thread needs this, because its control block is not on its stack.
    pub(super) fn learn(&self, address: usize, is_readable: impl Fn(usize) -> bool) {
        let page = address & !(PAGE_BYTES - 1);
        let Some(end) = page.checked_add(PAGE_BYTES) else { return };
        // The frame of `main` may lie on the next page.
        let top = end.checked_add(PAGE_BYTES).filter(|_| is_readable(end)).unwrap_or(end);
        self.low.set(page);
        self.top.set(top);
    }

    /// The stack from `stack_pointer` up, all of it readable. `None` if the pointer is not known to be on this stack.
    ///
    /// `control_block` is the address of the thread's control block. The C library keeps it at the top of the stack of
    /// each thread that it starts (glibc: `allocate_stack` in `nptl/allocatestack.c`; musl: `pthread_create.c`).
    #[inline]
    pub(super) fn above(
        &self,
        stack_pointer: usize,
        control_block: usize,
        is_readable: impl Fn(usize) -> bool,
    ) -> Option<Range<usize>> {
        if self.top.get() == 0 {
            self.low.set(control_block & !(PAGE_BYTES - 1));
            self.top.set(control_block);
        }
        let top = self.top.get();
        let known = stack_pointer >= self.low.get() && stack_pointer < top;
        (known || self.extend(stack_pointer, is_readable)).then_some(stack_pointer..top)
    }

    /// Extends the known part down to `stack_pointer`, if it is on this stack.
    #[cold]
    fn extend(&self, stack_pointer: usize, is_readable: impl Fn(usize) -> bool) -> bool {
        if stack_pointer >= self.top.get() || stack_pointer < self.least.get() {
            return false;
        }
        if self.low.get().saturating_sub(stack_pointer) > REACH_BYTES {
            return false;
        }
        for _ in 0..MOST_PAGES {
            let low = self.low.get();
            if low <= stack_pointer {
                return true;
            }
            let Some(page) = low.checked_sub(PAGE_BYTES).filter(|page| is_readable(*page)) else {
                self.least.set(low);
                return false;
            };
            self.low.set(page);
        }
        self.low.get() <= stack_pointer
    }
}

/// The address of the current thread's control block.
pub(super) fn control_block() -> usize {
    // SAFETY: returns a register, and always succeeds.
    unsafe { libc::pthread_self() as usize }
}

/// Whether a byte at `address`, a multiple of 8, can be read. Does not change `errno`.
///
/// `rt_sigprocmask` copies the set before it looks at what to do with it, so an unknown action changes nothing, and the
/// error tells whether the set was readable. Abseil's unwinder asks in the same way (`address_is_readable.cc`). If the
/// kernel answers in another way, the page counts as unreadable, and libgcc reads the stack.
pub(super) fn is_readable(address: usize) -> bool {
    const NO_ACTION: libc::c_int = !0;
    /// The size of the kernel's signal set, on all architectures but MIPS.
    const SET_BYTES: usize = 8;
    // SAFETY: returns the address of a thread-local number.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the address is valid, and only this thread uses the number.
    let before = unsafe { errno.read() };
    let no_set = std::ptr::null::<libc::c_void>();
    // SAFETY: the kernel checks the address of the set, writes nothing, and knows no such action.
    let result = unsafe { libc::syscall(libc::SYS_rt_sigprocmask, NO_ACTION, address, no_set, SET_BYTES) };
    // SAFETY: as above.
    let error = unsafe { errno.read() };
    // SAFETY: as above.
    unsafe { errno.write(before) };
    result == -1 && error == libc::EINVAL
}

#[cfg(test)]
mod tests;
