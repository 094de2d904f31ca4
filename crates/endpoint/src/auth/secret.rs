//! Text that must not be shown and must not outlive its use.

use std::fmt;
use std::hint::black_box;

use zeroize::{Zeroize as _, Zeroizing};

/// A password on its way to its digest. Wiped on drop; has neither `Display` nor `PartialEq`.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself. The name makes each use stand out in review.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// The number of stack words to wipe, more than decoding and hashing use. The tests of S16 search for remnants.
const STACK_WORDS: usize = 16 * 1024 / size_of::<u64>();

/// Calls `work`, then overwrites the stack that it used. Decoders and hash functions copy their input into
/// local variables and do not wipe them.
pub(crate) fn wiping_the_stack<T>(work: impl FnOnce() -> T) -> T {
    let done = below(work);
    wipe_below();
    done
}

/// Calls `work` in a separate stack frame, below the caller's.
#[inline(never)]
fn below<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Overwrites the stack where the frames of [`below`] were.
#[inline(never)]
fn wipe_below() {
    let mut stack = [0_u64; STACK_WORDS];
    stack.zeroize();
    black_box(&stack);
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_debug_does_not_show_the_text() {
        let shown = format!("{:?} {:#?}", Secret::new("hunter2hunter2"), Secret::new("hunter2hunter2"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
