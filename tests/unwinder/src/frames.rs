//! Cases in which the list of frames is wrong.

use std::ffi::{c_int, c_void};
use std::hint::black_box;

use crate::cases::{allocate, below};
use crate::foreign::Mapped;
use crate::judge::judged;

type Callback = extern "C-unwind" fn(*mut c_void);

mod c {
    use super::{Callback, c_int, c_void};

    unsafe extern "C-unwind" {
        pub fn plain(call: Callback, data: *mut c_void);
        pub fn nested(call: Callback, data: *mut c_void, depth: c_int);
        pub fn clobbering(call: Callback, data: *mut c_void, frame_pointer: usize);
    }
}

extern "C-unwind" fn callback(count: *mut c_void) {
    allocate(count as usize);
}

#[inline(never)]
pub fn through_c(count: usize) {
    // SAFETY: the callback takes the number as its data.
    black_box(unsafe { c::plain(callback, count as *mut c_void) });
}

/// Two callers, so that a frame that is left out would be seen.
pub fn plain() {
    #[inline(never)]
    fn other(count: usize) {
        black_box(through_c(count));
    }
    judged(|| {
        for _ in 0..40 {
            through_c(60);
            other(60);
            below(5, 60);
        }
    });
}

pub fn nested() {
    judged(|| {
        for depth in 0..40 {
            // SAFETY: the callback takes the number as its data.
            unsafe { c::nested(callback, 60 as *mut c_void, depth % 10) };
            below(5, 60);
        }
    });
}

#[inline(never)]
fn with_frame_pointer(value: usize) {
    // SAFETY: the function restores the register, and the callback saves it like any other value.
    black_box(unsafe { c::clobbering(callback, 100 as *mut c_void, value) });
}

/// Values that are no records: null, unaligned, outside of the address space, unreadable, unmapped, on the own stack.
///
/// The walk reads two words wherever a value leads to on the own stack. A sanitizer forbids this for variables, so
/// `SANITIZED` leaves these values out.
pub fn damaged() {
    let unreadable = Mapped::new(64 << 10);
    let local = [0_usize; 8];
    let here = local.as_ptr().addr();
    let values = [
        0,
        1,
        8,
        4096,
        usize::MAX,
        usize::MAX & !15,
        1 << 47,
        (1 << 47) - 16,
        unreadable.low().addr() - 4096,
        unreadable.low().addr() - 16,
        unreadable.low().addr(),
        unreadable.low().addr() + unreadable.bytes() - 8,
        unreadable.low().addr() + unreadable.bytes(),
        here - (1 << 14),
        here & !4095,
        here,
        here + 1,
        here + 8,
        here + 4096,
        here + (1 << 15),
        here + (1 << 16),
        here + (1 << 20),
        here + (16 << 20),
        (damaged as fn()) as usize,
        std::ptr::from_ref(&Box::new(7)).addr(),
    ];
    let is_sanitized = std::env::var_os("SANITIZED").is_some();
    let is_own = |value: usize| value.abs_diff(here) < 8 << 20;
    judged(|| {
        for _ in 0..4 {
            for value in values.into_iter().filter(|value| !(is_sanitized && is_own(*value))) {
                with_frame_pointer(value);
                below(3, 30);
            }
        }
    });
    black_box(local);
}

/// Records on the thread's own stack that lead to themselves, downwards, and to return addresses of data.
pub fn forged() {
    judged(|| {
        for round in 0..60_usize {
            let mut records = black_box([0_usize; 16]);
            let start = records.as_ptr().addr();
            records[0] = start + 32;
            records[1] = (forged as fn()) as usize + round;
            records[4] = [start, start + 32, start + 64, 0][round % 4];
            records[5] = start;
            records[8] = start + 16;
            records[9] = usize::MAX;
            with_frame_pointer(black_box(&records).as_ptr().addr());
        }
    });
}
