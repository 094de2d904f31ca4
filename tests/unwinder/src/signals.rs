//! Cases in handlers of signals. The signals are raised where a handler may allocate.

use std::ffi::c_int;
use std::ptr;

use crate::cases::below;
use crate::foreign::Mapped;
use crate::judge::judged;

extern "C" fn handler(_: c_int) {
    judged(|| below(3, 60));
}

fn handle(flags: c_int) {
    // SAFETY: all zeros are a good action; the handler has the type that the flags say.
    unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = (handler as extern "C" fn(c_int)) as usize;
        action.sa_flags = flags;
        assert_eq!(libc::sigaction(libc::SIGUSR1, &raw const action, ptr::null_mut()), 0);
    }
}

#[inline(never)]
fn raise() {
    for _ in 0..60 {
        // SAFETY: runs the handler.
        assert_eq!(unsafe { libc::raise(libc::SIGUSR1) }, 0);
        judged(|| below(3, 60));
    }
}

pub fn same_stack() {
    handle(0);
    raise();
}

pub fn other_stack() {
    let stack = Mapped::new(64 << 10);
    let other = libc::stack_t { ss_sp: stack.low(), ss_flags: 0, ss_size: stack.bytes() };
    // SAFETY: the stack stays until it is turned off.
    assert_eq!(unsafe { libc::sigaltstack(&raw const other, ptr::null_mut()) }, 0);
    handle(libc::SA_ONSTACK);
    raise();
    let off = libc::stack_t { ss_flags: libc::SS_DISABLE, ..other };
    // SAFETY: no handler runs now.
    assert_eq!(unsafe { libc::sigaltstack(&raw const off, ptr::null_mut()) }, 0);
}
