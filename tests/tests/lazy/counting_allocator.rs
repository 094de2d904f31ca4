//! jemalloc with a count of all allocations.

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

use memory_debug_core::__private::Jemalloc;

/// Allocations of one thread. The allocations of other threads depend on the test harness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Allocations {
    /// The number of allocations. Growing an allocation counts as another one.
    pub(crate) count: u64,
    /// The number of bytes requested, including bytes freed later.
    pub(crate) bytes: u64,
}

impl Allocations {
    /// The allocations of the calling thread while `work` runs.
    pub(crate) fn of(work: impl FnOnce()) -> Self {
        let before = ALLOCATED.get();
        work();
        let after = ALLOCATED.get();
        Self { count: after.count - before.count, bytes: after.bytes - before.bytes }
    }
}

thread_local! {
    /// Neither initialised lazily nor dropped, so an allocator can use it.
    static ALLOCATED: Cell<Allocations> = const { Cell::new(Allocations { count: 0, bytes: 0 }) };
}

fn add(bytes: usize) {
    let Allocations { count, bytes: sum } = ALLOCATED.get();
    ALLOCATED.set(Allocations { count: count + 1, bytes: sum + bytes as u64 });
}

/// The allocator of `install!`, with counters per thread.
pub(crate) struct CountingAllocator;

// SAFETY: each call passes the caller's arguments to jemalloc. Counting does not allocate.
unsafe impl GlobalAlloc for CountingAllocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's contract is jemalloc's.
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        add(layout.size());
        // SAFETY: the caller's contract is jemalloc's.
        unsafe { Jemalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(new_size);
        // SAFETY: the caller's contract is jemalloc's.
        unsafe { Jemalloc.realloc(pointer, layout, new_size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is jemalloc's.
        unsafe { Jemalloc.dealloc(pointer, layout) }
    }
}
