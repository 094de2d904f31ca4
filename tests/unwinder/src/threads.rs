//! Cases about the stacks of threads.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::thread;

use crate::cases::{allocate, below};
use crate::foreign::Mapped;
use crate::judge::judged;

pub fn usual() {
    let threads: Vec<_> = (0..4)
        .map(|number| thread::spawn(move || judged(|| (0..20).for_each(|depth| below(depth + number, 600)))))
        .collect();
    threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
}

pub fn many_short() {
    for number in 0..400 {
        thread::spawn(move || judged(|| below(number % 10, 40))).join().expect("no panic");
    }
}

/// The smallest stacks that the C library permits: 16 KiB, of which its own data takes a part. A sanitizer needs more.
pub fn small_stacks() {
    let least = std::env::var("LEAST_STACK").ok().and_then(|bytes| bytes.parse().ok()).unwrap_or(16 << 10);
    for bytes in [least, 2 * least, 4 * least] {
        let thread = thread::Builder::new().stack_size(bytes).spawn(|| judged(|| allocate(6000)));
        thread.expect("a thread").join().expect("no panic");
    }
}

/// A stack that the program mapped itself, between two unreadable pages.
pub fn stack_of_the_caller() {
    extern "C" fn run(_: *mut c_void) -> *mut c_void {
        judged(|| (0..10).for_each(|depth| below(depth, 600)));
        ptr::null_mut()
    }
    let stack = Mapped::new(256 << 10);
    // SAFETY: all zeros are good until `pthread_attr_init` sets them.
    let (mut attributes, mut thread) = unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    // SAFETY: the stack stays mapped until the thread has been joined.
    unsafe {
        assert_eq!(libc::pthread_attr_init(&raw mut attributes), 0);
        assert_eq!(libc::pthread_attr_setstack(&raw mut attributes, stack.low(), stack.bytes()), 0);
        assert_eq!(libc::pthread_create(&raw mut thread, &raw const attributes, run, ptr::null_mut()), 0);
        assert_eq!(libc::pthread_join(thread, ptr::null_mut()), 0);
    }
}

/// Destructors of thread-locals run below other functions than the thread did.
pub fn destructors() {
    struct Allocates;
    impl Drop for Allocates {
        fn drop(&mut self) {
            judged(|| allocate(300));
        }
    }
    thread_local! { static LOCAL: RefCell<Option<Allocates>> = const { RefCell::new(None) }; }
    for _ in 0..20 {
        let thread = thread::spawn(|| {
            judged(|| allocate(300));
            LOCAL.set(Some(Allocates));
        });
        thread.join().expect("no panic");
    }
}
