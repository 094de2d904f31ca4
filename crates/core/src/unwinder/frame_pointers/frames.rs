//! The frames of a stack, along its frame pointers.

use std::ops::Range;

/// A saved frame pointer and a return address: the record that x86-64 (System V ABI 3.2.2) and aarch64 (AAPCS64,
/// "frame pointer") have in common.
const RECORD_BYTES: usize = 2 * WORD_BYTES;
const WORD_BYTES: usize = size_of::<usize>();

/// One frame: where its record is, and where the function returns to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) record: usize,
    pub(super) return_address: usize,
}

/// Iterates over frames from the inside. It ends before the first record that is not aligned, not above the record
/// before it, or not wholly inside the stack, and at a return address of 0.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    /// The part of the stack that may still hold a record.
    stack: Range<usize>,
    record: usize,
}

impl Frames {
    /// The frames from the record at `record` on. It need not be the address of a record.
    ///
    /// # Safety
    ///
    /// All bytes of `stack` stay readable while this value is in use.
    pub(super) unsafe fn new(stack: Range<usize>, record: usize) -> Self {
        Self { stack, record }
    }
}

impl Iterator for Frames {
    type Item = Frame;

    #[inline]
    fn next(&mut self) -> Option<Frame> {
        let record = self.record;
        let end = record.checked_add(RECORD_BYTES)?;
        if !record.is_multiple_of(WORD_BYTES) || record < self.stack.start || end > self.stack.end {
            return None;
        }
        // SAFETY: the word is aligned, and lies in the part of the stack that the caller of `new` promised.
        let saved = unsafe { read_word(record) };
        // SAFETY: as above.
        let return_address = without_signature(unsafe { read_word(record + WORD_BYTES) });
        // Records only lie further up, so the iteration ends, however they are linked.
        (self.stack.start, self.record) = (end, saved);
        (return_address != 0).then_some(Frame { record, return_address })
    }
}

/// # Safety
///
/// `address` is aligned, and the word there is readable.
#[inline]
unsafe fn read_word(address: usize) -> usize {
    // Volatile, because the word belongs to no object that the compiler knows.
    // SAFETY: the caller promises it.
    unsafe { std::ptr::with_exposed_provenance::<usize>(address).read_volatile() }
}

/// Removes the signature of a return address. C code has it if the compiler protects branches
/// (`-mbranch-protection=standard`, the default of some distributions). libgcc removes it too.
#[cfg(target_arch = "aarch64")]
#[inline]
fn without_signature(address: usize) -> usize {
    let without;
    // SAFETY: `hint #7` is `xpaclri`, which changes x30 only, and nothing on processors without signatures.
    unsafe {
        std::arch::asm!("hint #7", inlateout("x30") address => without, options(nomem, nostack, preserves_flags));
    }
    without
}

/// Return addresses have no signature here.
#[cfg(not(target_arch = "aarch64"))]
#[inline]
fn without_signature(address: usize) -> usize {
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The return addresses of frames in `words`, whose first record is at index `first`. `link` makes a word from the
    /// address of the words.
    fn walk(length: usize, first: usize, link: impl Fn(usize, usize) -> usize) -> Vec<usize> {
        let mut words = vec![0_usize; length].into_boxed_slice();
        let start = words.as_ptr().expose_provenance();
        for (index, word) in words.iter_mut().enumerate() {
            *word = link(start, index);
        }
        let stack = start..start + length * WORD_BYTES;
        // SAFETY: the words stay until the end of this function.
        let frames = unsafe { Frames::new(stack, start + first * WORD_BYTES) };
        frames.map(|frame| frame.return_address).collect()
    }

    #[test]
    fn follows_the_records_up_to_the_end_of_the_stack() {
        // Each record is three words: saved frame pointer, return address, a local variable.
        let chain = |start, index| match index % 3 {
            0 => start + (index + 3) * WORD_BYTES,
            1 => 1000 + index,
            _ => 77,
        };
        assert_eq!(walk(12, 0, chain), [1001, 1004, 1007, 1010]);
        assert_eq!(walk(12, 6, chain), [1007, 1010]);
        assert_eq!(walk(11, 0, chain), [1001, 1004, 1007, 1010], "the local variable is outside");
        assert_eq!(walk(10, 0, chain), [1001, 1004, 1007], "the return address is outside");
    }

    #[cfg(target_arch = "aarch64")]
    #[test]
    fn a_signed_return_address_loses_its_signature() {
        let address = 0x40_1234_usize;
        let signed: usize;
        // SAFETY: `hint #25` is `paciasp`, which signs x30, and changes nothing on processors without signatures.
        unsafe {
            std::arch::asm!("hint #25", inlateout("x30") address => signed, options(nomem, nostack, preserves_flags));
        }
        println!("signed: {}", signed != address);
        assert_eq!(without_signature(signed), address);
        assert_eq!(without_signature(address), address);
    }

    #[test]
    fn ends_at_the_first_implausible_record() {
        let broken = |saved: fn(usize) -> usize| {
            walk(12, 0, move |start, index| match index {
                0 => start + 2 * WORD_BYTES,
                2 => saved(start),
                _ => 5,
            })
        };
        assert_eq!(broken(|start| start + 4 * WORD_BYTES), [5, 5, 5], "a good record");
        assert_eq!(broken(|start| start), [5, 5], "downwards");
        assert_eq!(broken(|start| start + 2 * WORD_BYTES), [5, 5], "itself");
        assert_eq!(broken(|start| start + 3 * WORD_BYTES), [5, 5], "overlapping");
        assert_eq!(broken(|start| start + 4 * WORD_BYTES + 1), [5, 5], "not aligned");
        assert_eq!(broken(|_| 0), [5, 5], "null");
        assert_eq!(broken(|_| usize::MAX & !15), [5, 5], "the end of the address space");
        assert_eq!(walk(4, 0, |_, _| 0), [0; 0], "a return address of 0");
    }

    #[test]
    fn reads_only_inside_and_ends_for_any_words() {
        // Marsaglia's xorshift, so that every run has the same words.
        let mut random = 88_172_645_463_325_252_u64;
        let mut next = move |range: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            (random % range) as usize
        };
        let mut frames_found = 0;
        for _ in 0..20_000 {
            let length = 1 + next(31);
            let mut words = vec![0_usize; length].into_boxed_slice();
            let start = words.as_ptr().expose_provenance();
            // Links to anywhere from 16 words before the words to 16 words behind them, most of them aligned.
            let mut link = || {
                let skew = if next(8) == 0 { next(WORD_BYTES as u64) } else { 0 };
                (start + next(length as u64 + 32) * WORD_BYTES + skew).wrapping_sub(16 * WORD_BYTES)
            };
            words.iter_mut().for_each(|word| *word = link());
            let first = link();
            let stack = start..start + length * WORD_BYTES;
            // SAFETY: the words stay until the end of this block.
            let frames = unsafe { Frames::new(stack.clone(), first) };
            let mut before = 0;
            for frame in frames {
                assert!(frame.record >= stack.start && frame.record + RECORD_BYTES <= stack.end);
                assert!(frame.record > before);
                before = frame.record;
                frames_found += 1;
            }
        }
        assert!(frames_found > 5_000, "{frames_found}");
    }
}
