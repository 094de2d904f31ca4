//! Which pages of this process are in memory.
//!
//! Reading a page that was swapped out brings it back, and takes the memory of other pages for it. So a scan skips such
//! pages, and says how many bytes it skipped. A private page that is nowhere was never written, so it holds no pointer.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Instant;

use crate::kernel_file::{self, size};

/// Bits of an entry of `/proc/self/pagemap` (proc_pid_pagemap(5)).
const PRESENT: u64 = 1 << 63;
const SWAPPED: u64 = 1 << 62;

/// The most pages that one question covers.
const AT_ONCE: usize = 8192;

/// Tells which pages are in memory.
#[derive(Debug)]
pub(super) struct Pages {
    /// `None` if the kernel does not tell. Then all pages count as present.
    pagemap: Option<File>,
    page_bytes: u64,
    /// Whether the process has swapped pages at all.
    has_swapped: bool,
    entries: Vec<u8>,
}

impl Pages {
    /// Opens the kernel's table of pages. `root` is the folder where `/proc` is mounted.
    pub(super) fn new(root: &Path, page_bytes: u64) -> Self {
        let status = kernel_file::read_proc(root, "self/status").unwrap_or_default();
        Self {
            pagemap: File::open(root.join("self/pagemap")).ok(),
            page_bytes: page_bytes.max(1),
            // If it is not known, look.
            has_swapped: size(&status, "VmSwap").is_ok_and(|bytes| bytes > 0),
            entries: Vec::new(),
        }
    }

    /// Whether some pages of the process are swapped out, so that reads have to look out for them.
    pub(super) fn has_swapped(&self) -> bool {
        self.has_swapped && self.pagemap.is_some()
    }

    /// The parts of a range whose pages are in memory, in ascending order. Adds the bytes of swapped pages to `swapped`. After
    /// `deadline`, nothing is asked: a range can be terabytes that were reserved and never used.
    pub(super) fn present(
        &mut self,
        range: Range<u64>,
        swapped: &mut u64,
        deadline: Instant,
    ) -> Vec<Range<u64>> {
        let mut parts: Vec<Range<u64>> = Vec::new();
        let page = self.page_bytes;
        let mut at = range.start / page * page;
        while at < range.end && Instant::now() < deadline {
            let wanted = (range.end - at).div_ceil(page).min(AT_ONCE as u64);
            let known = self.look_at(at / page, wanted);
            for number in 0..wanted {
                let start = at + number * page;
                let (start, end) = (start.max(range.start), start.saturating_add(page).min(range.end));
                match known.then(|| self.entry(number)) {
                    Some(entry) if entry & SWAPPED != 0 => *swapped = swapped.saturating_add(end - start),
                    Some(entry) if entry & PRESENT == 0 => {}
                    _ => match parts.last_mut() {
                        Some(last) if last.end == start => last.end = end,
                        _ => parts.push(start..end),
                    },
                }
            }
            at = at.saturating_add(wanted * page);
        }
        parts
    }

    /// The bytes from `start` on, at most `bytes`, in front of the first swapped page. Pages that are nowhere can be read.
    pub(super) fn before_swapped(&mut self, start: u64, bytes: u64) -> u64 {
        let page = self.page_bytes;
        let end = start.saturating_add(bytes);
        let first = start / page;
        let mut number = first;
        while number * page < end {
            let wanted = (end.div_ceil(page) - number).min(AT_ONCE as u64);
            if !self.look_at(number, wanted) {
                return bytes;
            }
            if let Some(at) = (0..wanted).find(|at| self.entry(*at) & SWAPPED != 0) {
                return ((number + at) * page).saturating_sub(start);
            }
            number += wanted;
        }
        bytes
    }

    /// Reads the entries of `count` pages from page `number` on. Whether the kernel had all of them.
    fn look_at(&mut self, number: u64, count: u64) -> bool {
        let Some(pagemap) = &self.pagemap else { return false };
        self.entries.resize(count as usize * 8, 0);
        pagemap.read_exact_at(&mut self.entries, number.saturating_mul(8)).is_ok()
    }

    fn entry(&self, number: u64) -> u64 {
        let at = number as usize * 8;
        let bytes = self.entries.get(at..at + 8).and_then(|bytes| bytes.try_into().ok());
        bytes.map_or(0, u64::from_ne_bytes)
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "this is a list of ranges with one entry")]
mod tests {
    use std::time::Duration;

    use memmap2::MmapMut;

    use super::*;
    use crate::process::Tree;

    const PAGE: u64 = 4096;

    fn later() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    /// A process whose pages 0, 1 and 4 are present, 2 is swapped out, and 3 was never touched.
    fn pages(status: &str) -> Pages {
        let tree = Tree::new([("self/status", status)]);
        let entries = [PRESENT, PRESENT, SWAPPED, 0, PRESENT].map(u64::to_ne_bytes).concat();
        std::fs::write(tree.path().join("self/pagemap"), entries).unwrap();
        Pages::new(tree.path(), PAGE)
    }

    #[test]
    fn swapped_pages_are_skipped_and_counted_and_untouched_pages_are_skipped() {
        let mut pages = pages("VmSwap:\t 4 kB\n");
        let mut swapped = 0;
        assert_eq!(
            pages.present(100..5 * PAGE - 8, &mut swapped, later()),
            [100..2 * PAGE, 4 * PAGE..5 * PAGE - 8]
        );
        assert_eq!(swapped, PAGE);
        assert!(pages.has_swapped());
    }

    #[test]
    fn after_the_deadline_nothing_is_asked() {
        assert_eq!(pages("").present(0..1 << 60, &mut 0, Instant::now()), []);
    }

    #[test]
    fn a_read_ends_at_the_first_swapped_page() {
        let mut pages = pages("VmSwap:\t 4 kB\n");
        assert_eq!(pages.before_swapped(PAGE + 8, 3 * PAGE), PAGE - 8);
        assert_eq!(pages.before_swapped(2 * PAGE + 8, 8), 0);
        assert_eq!(pages.before_swapped(3 * PAGE, 2 * PAGE), 2 * PAGE);
        assert!(!self::pages("VmSwap:\t 0 kB\n").has_swapped());
    }

    #[test]
    fn without_a_table_all_pages_count_as_present() {
        let mut pages = Pages::new(Path::new("/nonexistent"), PAGE);
        let mut swapped = 0;
        assert_eq!(pages.present(10..3 * PAGE, &mut swapped, later()), [10..3 * PAGE]);
        assert_eq!((pages.before_swapped(0, 99), pages.has_swapped(), swapped), (99, false, 0));
    }

    #[test]
    fn the_kernel_tells_touched_from_untouched_pages() {
        let mut map = MmapMut::map_anon(64 * PAGE as usize).unwrap();
        map[5 * PAGE as usize] = 1;
        let start = map.as_ptr() as u64;
        let mut pages = Pages::new(Path::new("/proc"), PAGE);
        let found = pages.present(start..start + 64 * PAGE, &mut 0, later());
        assert!(found.iter().any(|part| part.contains(&(start + 5 * PAGE))), "{found:x?} {start:x}");
        // With huge pages, neighbours are present as well, but only up to 2 MiB.
        assert!(found.len() <= 64);
    }
}
