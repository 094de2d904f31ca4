//! Keeps the kernel from giving the table huge pages.

use memory_debug_holders::Span;

/// Asks for small pages in these ranges. Where huge pages are on for all memory, the first sample would otherwise make 2 MiB
/// resident in each tier. Does nothing if the kernel refuses: it has no huge pages then.
pub(super) fn request(ranges: &[Span]) {
    // Of libc: rustix would read the vDSO first, which ends the process under valgrind.
    // SAFETY: returns a number, and changes nothing.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Ok(page @ 1..) = u64::try_from(page) else { return };
    for range in ranges {
        // Whole pages only: what is beside the table belongs to others.
        let start = range.start.address().next_multiple_of(page);
        let end = (range.start.address() + range.bytes) / page * page;
        let address = std::ptr::with_exposed_provenance_mut(start as usize);
        // SAFETY: the pages belong to statics that live as long as the process. The advice changes no contents.
        unsafe { libc::madvise(address, end.saturating_sub(start) as usize, libc::MADV_NOHUGEPAGE) };
    }
}
