//! The control blocks of threads, in which glibc keeps what it knows about a thread.
//!
//! The thread pointer of a thread on x86-64 points to its control block (`struct pthread`). The block has its own address
//! in its first and in its third word (`tcbhead_t.tcb` and `.self`). Thread-local variables lie below it. Further up, the
//! block has the kernel's number of the thread and the place of the stack, at offsets that differ between versions. So
//! they are recognised by what they are.

use std::ops::Range;

/// Bytes of a control block that are looked at. `struct pthread` has 2,304 bytes in glibc 2.36.
pub(super) const BLOCK_BYTES: u64 = 2304;

/// Words in front of the list entry and the thread's number: `tcbhead_t` has 704 bytes.
const NUMBER_AFTER: usize = 704 / size_of::<u64>();

/// Addresses of control blocks are multiples of this: the strictest alignment is 64, older versions had 16.
const ALIGNMENT: usize = 16;

/// A control block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ControlBlock {
    /// Its address, which is the thread pointer. Thread-local variables end here.
    pub(super) thread_pointer: u64,
    /// The thread that it belongs to. `None` if the thread has ended, and glibc keeps its stack for another one.
    pub(super) thread: Option<u32>,
    /// The memory that glibc mapped for the stack, with the control block at its upper end. `None` for the main thread.
    pub(super) stack: Option<Range<u64>>,
}

/// The thread pointer of this thread, which is the address of its control block.
pub(super) fn own_thread_pointer() -> u64 {
    // SAFETY: pthread_self(3) has no preconditions, and glibc returns the thread pointer.
    unsafe { libc::pthread_self() as u64 }
}

/// Finds control blocks in a copy of the memory from `start` on. `threads` are the numbers of all threads.
pub(super) fn find(start: u64, copy: &[u64], threads: &[u32], into: &mut Vec<ControlBlock>) {
    let first = (start.next_multiple_of(ALIGNMENT as u64) - start) as usize / size_of::<u64>();
    for at in (first..copy.len().saturating_sub(2)).step_by(ALIGNMENT / size_of::<u64>()) {
        let address = start + (at * size_of::<u64>()) as u64;
        if copy[at] == address && copy[at + 2] == address {
            let end = copy.len().min(at + BLOCK_BYTES as usize / size_of::<u64>());
            into.push(ControlBlock::read(address, &copy[at..end], threads));
        }
    }
}

impl ControlBlock {
    fn read(thread_pointer: u64, block: &[u64], threads: &[u32]) -> Self {
        // The number is an `int` behind the header of 704 bytes and a list entry of two pointers. It is 0 once the thread
        // has ended. The header has small numbers of other kinds, so only words around the right one are compared.
        let thread = block.iter().skip(NUMBER_AFTER).take(5).map(|word| *word as u32);
        let thread = { thread }.find(|number| *number != 0 && threads.contains(number));
        let stack = block.windows(2).skip(3).find_map(|pair| {
            let (start, bytes) = (pair[0], pair[1]);
            let end = start.checked_add(bytes)?;
            let is_stack = start != 0
                && start.is_multiple_of(4096)
                && bytes.is_multiple_of(4096)
                && start < thread_pointer
                && thread_pointer < end
                && end - thread_pointer <= 1 << 16;
            is_stack.then_some(start..end)
        });
        Self { thread_pointer, thread, stack }
    }
}

#[cfg(all(target_env = "gnu", target_arch = "x86_64"))]
#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;

    use super::*;

    /// The control block of this thread, as a copy of its memory shows it.
    fn own(threads: &[u32]) -> Vec<ControlBlock> {
        let pointer = own_thread_pointer();
        // SAFETY: with glibc, the pointer is the address of the control block of this thread, which has this length.
        let block = unsafe { std::slice::from_raw_parts(pointer as *const u64, BLOCK_BYTES as usize / 8) };
        let mut found = Vec::new();
        find(pointer, block, threads, &mut found);
        found
    }

    #[test]
    fn finds_the_thread_and_its_stack() {
        let local = 5_u64;
        let id = rustix::thread::gettid().as_raw_nonzero().get() as u32;
        let found = own(&[1, id, id + 100_000]);
        let [block] = &found[..] else { panic!("{found:x?}") };
        assert_eq!(block.thread, Some(id));
        assert!(block.stack.as_ref().unwrap().contains(&((&raw const local) as u64)), "{block:x?}");
        assert_eq!(own(&[1])[0].thread, None, "a thread that is not in the list has ended");
    }

    #[test]
    fn the_block_of_another_thread_names_another_thread() {
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            let id = rustix::thread::gettid().as_raw_nonzero().get() as u32;
            send.send((id, own(&[id]))).unwrap();
        });
        let (id, found) = receive.recv().unwrap();
        assert_eq!(found[0].thread, Some(id));
    }

    #[test]
    fn words_that_only_look_alike_are_not_blocks() {
        let mut copy = [0_u64; 64];
        copy[8] = 0x1040;
        copy[10] = 0x1048;
        let mut found = Vec::new();
        find(0x1000, &copy, &[7], &mut found);
        assert_eq!(found, []);
        copy[10] = 0x1040;
        find(0x1000, &copy, &[7], &mut found);
        assert_eq!(found, [ControlBlock { thread_pointer: 0x1040, thread: None, stack: None }]);
        find(0x1008, &[], &[], &mut found);
        find(0x1008, &[1], &[], &mut found);
        assert_eq!(found.len(), 1);
    }
}
