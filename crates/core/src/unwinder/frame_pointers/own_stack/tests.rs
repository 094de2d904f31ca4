use std::cell::RefCell;
use std::thread;

use super::super::registers::Registers;
use super::*;

/// A control block in the middle of a page, at the top of a stack.
const BLOCK: usize = 0x7f00_0010_0640;
const LAST_PAGE: usize = 0x7f00_0010_0000;

/// A stack of `pages` pages with a guard page below, and the pages that were asked for.
struct Pages {
    lowest: usize,
    asked: RefCell<Vec<usize>>,
}

impl Pages {
    fn new(pages: usize) -> Self {
        Self { lowest: LAST_PAGE - (pages - 1) * PAGE_BYTES, asked: RefCell::default() }
    }

    fn is_readable(&self, page: usize) -> bool {
        self.asked.borrow_mut().push(page);
        page >= self.lowest && page <= LAST_PAGE
    }

    fn above(&self, stack: &OwnStack, stack_pointer: usize) -> Option<Range<usize>> {
        stack.above(stack_pointer, BLOCK, |page| self.is_readable(page))
    }

    fn asked(&self) -> usize {
        self.asked.take().len()
    }
}

#[test]
fn asks_for_each_page_once() {
    let (pages, stack) = (Pages::new(8), OwnStack::unknown());
    let on_third_page = LAST_PAGE - 2 * PAGE_BYTES + 8;
    assert_eq!(pages.above(&stack, on_third_page), Some(on_third_page..BLOCK));
    assert_eq!(pages.asked(), 2);
    assert_eq!(pages.above(&stack, on_third_page + 800), Some(on_third_page + 800..BLOCK));
    assert_eq!(pages.asked(), 0);
    assert!(pages.above(&stack, on_third_page - PAGE_BYTES).is_some());
    assert_eq!(pages.asked(), 1);
}

#[test]
fn a_pointer_beyond_the_guard_page_or_the_top_is_on_another_stack() {
    let (pages, stack) = (Pages::new(4), OwnStack::unknown());
    let below_guard = pages.lowest - 2 * PAGE_BYTES;
    assert_eq!(pages.above(&stack, BLOCK), None);
    assert_eq!(pages.above(&stack, BLOCK + 4096), None);
    assert_eq!(pages.asked(), 0);
    assert_eq!(pages.above(&stack, below_guard), None);
    assert_eq!(pages.asked(), 4, "three pages and the guard page");
    assert_eq!(pages.above(&stack, below_guard), None);
    assert_eq!(pages.asked(), 0, "the guard page is remembered");
    assert!(pages.above(&stack, pages.lowest).is_some(), "the thread's own stack still is");
}

#[test]
fn a_pointer_far_away_is_on_another_stack_and_costs_nothing() {
    let (pages, stack) = (Pages::new(4096), OwnStack::unknown());
    assert_eq!(pages.above(&stack, LAST_PAGE - REACH_BYTES - 8), None);
    assert_eq!(pages.above(&stack, 64), None);
    assert_eq!(pages.asked(), 0);
}

#[test]
fn a_deep_stack_is_learned_in_several_samples() {
    let (pages, stack) = (Pages::new(4096), OwnStack::unknown());
    let deep = LAST_PAGE - 150 * PAGE_BYTES;
    assert_eq!(pages.above(&stack, deep), None);
    assert_eq!(pages.asked(), MOST_PAGES);
    assert_eq!(pages.above(&stack, deep), None);
    assert_eq!(pages.above(&stack, deep), Some(deep..BLOCK));
    assert_eq!(pages.asked(), 150 - MOST_PAGES);
}

#[test]
fn the_first_thread_learns_its_top_from_a_frame() {
    for (next_is_readable, top) in [(true, LAST_PAGE + 2 * PAGE_BYTES), (false, LAST_PAGE + PAGE_BYTES)] {
        let stack = OwnStack::unknown();
        stack.learn(LAST_PAGE + 0x800, |_| next_is_readable);
        assert_eq!(stack.above(LAST_PAGE + 8, 1, |_| false), Some(LAST_PAGE + 8..top));
        assert_eq!(stack.above(LAST_PAGE - 8, 1, |_| false), None);
    }
}

#[test]
fn the_kernel_tells_readable_pages_from_others() {
    let map = |protection| {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: maps a new page, which stays until the process ends.
        let page = unsafe { libc::mmap(std::ptr::null_mut(), PAGE_BYTES, protection, flags, -1, 0) };
        assert_ne!(page, libc::MAP_FAILED);
        page as usize
    };
    // SAFETY: returns the address of a thread-local number.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the address is valid.
    unsafe { errno.write(77) };
    assert!(is_readable(map(libc::PROT_READ)));
    assert!(is_readable(map(libc::PROT_READ | libc::PROT_WRITE)));
    // valgrind answers this call itself, and does not look at the set.
    if std::env::var_os("LD_PRELOAD")
        .is_none_or(|libraries| !libraries.to_string_lossy().contains("valgrind"))
    {
        assert!(!is_readable(map(libc::PROT_NONE)));
        assert!(!is_readable(0));
        assert!(!is_readable(usize::MAX & !7));
    }
    // SAFETY: the address is valid.
    assert_eq!(unsafe { errno.read() }, 77);
}

#[test]
fn the_stack_of_a_real_thread_is_found() {
    #[inline(never)]
    fn found() -> bool {
        let stack = OwnStack::unknown();
        let pointer = Registers::read().stack;
        let local = 0_u8;
        let above = stack.above(pointer, control_block(), is_readable);
        above.is_some_and(|above| above.contains(&std::ptr::from_ref(&local).addr()))
    }
    for bytes in [16 << 10, 64 << 10, 8 << 20] {
        assert!(thread::Builder::new().stack_size(bytes).spawn(found).unwrap().join().unwrap(), "{bytes}");
    }
}
