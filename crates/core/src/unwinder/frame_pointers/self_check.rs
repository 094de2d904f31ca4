//! Compares the walk with libgcc on stacks that are known, before the walk is used.

use std::ffi::{c_uint, c_void};
use std::hint::black_box;
use std::ptr;

use super::hook::own_frames;
use super::registers::Registers;
use crate::mallctl::BacktraceHook;

/// Calls of each of the two functions below.
const DEPTH: usize = 4;

/// Frames of the known part of the stack: `innermost` was called by `inner`, which was called by `outer`, and so on.
const KNOWN: usize = 2 * DEPTH;

/// Room for the frames of the unwinder and of the start of the program.
const MOST: usize = KNOWN + 32;

/// Why the walk cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NoFramePointers,
    NoAnswer,
    StackUnknown,
}

impl Refusal {
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::NoFramePointers => {
                "the program was compiled without frame pointers: a walk along them missed frames that libgcc found; \
                 build it with `RUSTFLAGS=\"-C force-frame-pointers=yes\"`"
            }
            Self::NoAnswer => {
                "jemalloc's own unwinder did not find the functions of a known stack, so nothing can confirm a walk; \
                 build the program with unwind tables (`-C force-unwind-tables=yes`)"
            }
            Self::StackUnknown => {
                "the bounds of the first thread's stack were not found, because the kernel did not say which of its \
                 pages are readable; allow the system call `rt_sigprocmask`"
            }
        }
    }
}

/// Checks that the walk and `previous` find the same frames of this crate.
///
/// # Errors
///
/// The reason if they do not.
pub(super) fn self_check(previous: BacktraceHook) -> Result<(), Refusal> {
    outer(previous, DEPTH)
}

#[inline(never)]
fn outer(previous: BacktraceHook, depth: usize) -> Result<(), Refusal> {
    // The result passes through `black_box`, so that the call is no tail call, which would have no frame.
    black_box(inner(previous, black_box(depth)))
}

#[inline(never)]
fn inner(previous: BacktraceHook, depth: usize) -> Result<(), Refusal> {
    black_box(match depth {
        0 | 1 => innermost(previous),
        _ => outer(previous, depth - 1),
    })
}

#[inline(never)]
fn innermost(previous: BacktraceHook) -> Result<(), Refusal> {
    let frames = own_frames(Registers::read()).ok_or(Refusal::StackUnknown)?;
    let (mut found, mut length) = ([ptr::null_mut::<c_void>(); MOST], 0);
    // SAFETY: the array has room for as many addresses as its length says.
    unsafe { previous(found.as_mut_ptr(), &raw mut length, MOST as c_uint) };
    let found = found.iter().take(length as usize).map(|address| address.addr());
    // libgcc finds its own caller and this function first.
    let known = frames.map(|frame| frame.return_address).take(KNOWN);
    judge(&found.collect::<Vec<_>>(), &known.collect::<Vec<_>>())
}

/// Compares what libgcc found with the walk.
fn judge(found: &[usize], walked: &[usize]) -> Result<(), Refusal> {
    if found.len() < KNOWN {
        return Err(Refusal::NoAnswer);
    }
    let agrees = walked.len() == KNOWN && found.windows(KNOWN).any(|found| found == walked);
    if agrees { Ok(()) } else { Err(Refusal::NoFramePointers) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_must_have_all_known_frames_in_order() {
        let found: Vec<usize> = (100..100 + KNOWN + 5).collect();
        let walked: Vec<usize> = (102..102 + KNOWN).collect();
        assert_eq!(judge(&found, &walked), Ok(()));
        assert_eq!(judge(&found, &walked[1..]), Err(Refusal::NoFramePointers));
        assert_eq!(judge(&found, &[]), Err(Refusal::NoFramePointers));
        let mut skipped = walked.clone();
        skipped.remove(3);
        skipped.push(102 + KNOWN);
        assert_eq!(judge(&found, &skipped), Err(Refusal::NoFramePointers));
        assert_eq!(judge(&found[..KNOWN - 1], &walked), Err(Refusal::NoAnswer));
        assert_eq!(judge(&[], &[]), Err(Refusal::NoAnswer));
    }
}
