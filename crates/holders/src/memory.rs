//! The memory of a process, as a scan reads it.

/// An address that a scan may keep. It is stored inverted, so that the scan's own memory never looks as if it pointed to
/// an object. With plain addresses, a stale word of an earlier scan would keep every leak reachable.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hidden(u64);

impl Hidden {
    /// Hides an address.
    #[must_use]
    pub fn new(address: u64) -> Self {
        Self(!address)
    }

    /// The address. Do not store it.
    #[inline]
    #[must_use]
    pub fn address(self) -> u64 {
        !self.0
    }
}

/// Addresses stay out of logs (S60).
impl std::fmt::Debug for Hidden {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hidden")
    }
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Where it begins.
    pub start: Hidden,
    /// Its length in bytes.
    pub bytes: u64,
}

/// What the allocator says about one page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageUse {
    /// Regions of the extent that are free.
    pub free: u64,
    /// Regions of the extent: more than one in a slab, otherwise one.
    pub regions: u64,
    /// Bytes of the extent. 0 if the allocator does not know the page.
    pub bytes: u64,
}

/// The memory of a process.
pub trait Memory {
    /// Reads spans, one after another, up to the first byte that cannot be read. The bytes stay until the next call, in a
    /// mapping of their own that no scan reads.
    fn read(&mut self, spans: &[Span]) -> &[u8];

    /// Asks the allocator about pages, each of which lies in a chunk that [`is_heap`](Self::is_heap) confirmed. Replaces
    /// the contents of `uses` by one answer for each page.
    fn uses(&mut self, pages: &[Hidden], uses: &mut Vec<PageUse>);

    /// Whether a page belongs to the heap. Safe for any address.
    fn is_heap(&mut self, page: Hidden) -> bool;

    /// Whether the extent that begins at a page belongs to the library that scans, because one of its threads allocated it.
    fn is_own(&mut self, _page: Hidden) -> bool {
        false
    }

    /// Whether the scan has to end now, because its time is over or a limit is near. The scan then says which part it
    /// covered.
    fn is_over(&mut self) -> bool;

    /// Lets other threads run that wait for the processor. A scan calls it, or [`is_over`](Self::is_over), several times in
    /// each millisecond.
    fn give_way(&mut self) {}

    /// Says how much of the heap was read so far.
    fn progress(&mut self, read_bytes: u64, heap_bytes: u64);
}
