//! A program of one page: generic functions, inlined ones, and names in all their forms.

#![no_std]
#![no_main]

use core::hint::black_box;

pub struct Session(u64);

mod store {
    #[inline(never)]
    pub fn keep<T, const N: usize>(all: &[T; N]) -> usize {
        all.iter().map(|one| core::hint::black_box(core::mem::size_of_val(one))).sum()
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}

#[unsafe(no_mangle)]
pub extern "C" fn _start() -> ! {
    loop {
        black_box(store::keep(&black_box([Session(1), Session(2)])) + store::keep(&black_box([Some(3_u8); 4])));
    }
}
