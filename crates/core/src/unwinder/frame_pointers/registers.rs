//! The registers that say where a stack is.

use std::arch::asm;

/// The frame pointer and the stack pointer of a function.
#[derive(Clone, Copy, Debug)]
pub(super) struct Registers {
    /// Where the function's record is, if it has one. Otherwise any number.
    pub(super) frame: usize,
    pub(super) stack: usize,
}

impl Registers {
    /// The registers of the function that this is inlined into. That function must not be inlined itself.
    #[inline(always)]
    pub(super) fn read() -> Self {
        let (frame, stack);
        // SAFETY: copies two registers, and touches neither memory nor flags.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            asm!("mov {}, rbp", "mov {}, rsp", out(reg) frame, out(reg) stack, options(nomem, nostack, preserves_flags));
        }
        // SAFETY: copies two registers, and touches neither memory nor flags.
        #[cfg(target_arch = "aarch64")]
        unsafe {
            asm!("mov {}, x29", "mov {}, sp", out(reg) frame, out(reg) stack, options(nomem, nostack, preserves_flags));
        }
        Self { frame, stack }
    }
}
