//! What a scan has to know before it begins.

use memory_debug_profile::LiveSample;

use crate::holders_report::RootKind;
use crate::memory::{Hidden, Span};

/// A live sample with its place.
#[derive(Clone, Debug)]
pub struct SampledObject {
    /// Where it is.
    pub address: Hidden,
    /// Its sizes, age and stack.
    pub sample: LiveSample,
    /// Its type, as an index into [`ScanInput::types`].
    pub type_index: u32,
}

/// A size class of small objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bin {
    /// Bytes of a region.
    pub region_bytes: u64,
    /// Regions of a slab.
    pub regions: u64,
    /// Bytes of a slab.
    pub slab_bytes: u64,
}

/// Memory outside the heap that keeps objects alive.
#[derive(Clone, Debug)]
pub struct Root {
    /// Where it is.
    pub span: Span,
    /// What it is.
    pub kind: RootKind,
    /// Its name, if all of it has one: the name of a thread. The names of statics and thread-locals come from
    /// [`Symbols`].
    pub name: Option<String>,
    /// Whether it belongs to the library that scans. It can hold what the program gave it, but it also points to much that
    /// it only looked at, so it is followed after all others.
    pub is_own: bool,
}

/// Names of addresses in the program.
pub trait Symbols {
    /// The static variable at an address, as readable text: `shop::SESSIONS`.
    fn static_at(&self, address: Hidden) -> Option<String>;

    /// The thread-local variable at an address.
    fn thread_local_at(&self, address: Hidden) -> Option<String>;

    /// The function that begins at an address, as readable text with its generic arguments.
    fn function_at(&self, address: Hidden) -> Option<String>;

    /// The functions that begin at these addresses, each as its path with generic arguments, also if
    /// [`function_at`](Self::function_at) has none. Reads debug information once for all of them.
    fn instances_at(&self, addresses: &[Hidden]) -> Vec<Option<String>> {
        addresses.iter().map(|address| self.function_at(*address)).collect()
    }

    /// The crate of the program itself. `None` if it is not known.
    fn program_crate(&self) -> Option<String> {
        None
    }

    /// Whether an address lies in the program or a library. Vtables and functions do.
    fn is_program(&self, address: Hidden) -> bool;

    /// Whether an address lies in constants that can hold vtables.
    fn is_constant(&self, address: Hidden) -> bool;
}

/// What a scan has to know before it begins.
#[derive(Clone, Debug)]
pub struct ScanInput {
    /// Bytes of a page.
    pub page_bytes: u64,
    /// Mean bytes between two samples.
    pub sample_bytes: u64,
    /// The names of types, without duplicates.
    pub types: Vec<String>,
    /// The live samples.
    pub samples: Vec<SampledObject>,
    /// Whether each object that was ever sampled and is live has an entry in `samples`: recording ran since the start,
    /// no thread is excluded and nothing was dropped. Only then is a large extent without a sample known to be free.
    pub complete: bool,
    /// Size classes of small objects.
    pub bins: Vec<Bin>,
    /// Writable mappings without a file, in ascending order. The heap lies in some of them.
    pub mappings: Vec<Span>,
    /// Memory that keeps objects alive. The scan follows statics and thread-locals, then stacks, then memory of C code and
    /// other mappings, then stacks without a name: stacks of threads that only observe, and memory that a thread no longer
    /// needs. At the end it follows what belongs to the library that scans.
    pub roots: Vec<Root>,
    /// Memory that a scan never reads: the table of samples, the allocator's own, the scan's own.
    pub excluded: Vec<Span>,
}
