//! Cases on the thread's own stack.

use std::hint::black_box;

use crate::judge::judged;

/// Allocates `count` times, from several places. The sizes differ, so that they are sampled in no rhythm.
#[inline(never)]
pub fn allocate(count: usize) {
    for number in 0..count {
        match number % 3 {
            0 => drop(black_box(Vec::<u8>::with_capacity(black_box(700 + number % 97)))),
            1 => drop(black_box(String::with_capacity(black_box(300 + number % 89)))),
            _ => drop(black_box(Box::new([number as u8; 512]))),
        }
    }
}

/// Allocates below `depth` calls of this function.
#[inline(never)]
pub fn below(depth: usize, count: usize) {
    if depth == 0 {
        allocate(count);
    } else {
        black_box(below(depth - 1, count));
    }
}

pub fn first_thread() {
    judged(|| (0..20).for_each(|depth| below(depth, 600)));
}

/// Deeper than a sample can hold, and beyond the first megabyte of the stack.
pub fn deep_recursion() {
    #[inline(never)]
    fn with_large_frames(depth: usize) {
        let frame = black_box([depth as u8; 4000]);
        if depth > 0 {
            allocate(2);
            with_large_frames(depth - 1);
        }
        black_box(frame);
    }
    judged(|| {
        below(20_000, 2000);
        (0..20).for_each(|_| with_large_frames(400));
    });
}

/// Destructors allocate while a panic unwinds.
pub fn panics() {
    struct Allocates;
    impl Drop for Allocates {
        fn drop(&mut self) {
            allocate(60);
        }
    }
    #[inline(never)]
    fn fall(depth: usize) {
        let _guard = Allocates;
        match depth {
            0 => std::panic::resume_unwind(Box::new(0)),
            _ => fall(depth - 1),
        }
    }
    judged(|| (0..60).for_each(|_| drop(std::panic::catch_unwind(|| fall(4)))));
}

/// The child goes on with what its parent knew.
pub fn fork() {
    first_thread();
    // SAFETY: the process has one thread, so the child can do everything.
    let child = unsafe { libc::fork() };
    first_thread();
    if child != 0 {
        let mut status = 0;
        // SAFETY: waits for the child.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "the child: {status}");
    }
}

/// Many different stacks over the same calls.
pub fn many_stacks() {
    #[inline(never)]
    fn left(path: u32, length: u32) {
        black_box(next(path, length));
    }
    #[inline(never)]
    fn right(path: u32, length: u32) {
        black_box(next(path, length));
    }
    #[inline(never)]
    fn next(path: u32, length: u32) {
        match length {
            0 => allocate(30),
            _ if path & 1 == 0 => black_box(left(path >> 1, length - 1)),
            _ => black_box(right(path >> 1, length - 1)),
        }
    }
    judged(|| (0..1024).for_each(|path| next(path, 10)));
}
