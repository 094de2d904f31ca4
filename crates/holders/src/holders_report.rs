//! Who holds the memory, as a document.

use memory_debug_report::{InstanceInfo, SCHEMA, Unavailable};
use serde::{Deserialize, Serialize};

/// Who holds the live memory of one process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HoldersReport {
    /// Always [`SCHEMA`](memory_debug_report::SCHEMA).
    pub schema: String,
    /// The process.
    pub instance: InstanceInfo,
    /// When the last scan ended, RFC 3339 in UTC.
    pub scanned_at: String,
    /// How long all scans took together, in microseconds.
    pub duration_us: u64,
    /// Processor time of all scans together, in microseconds.
    pub cpu_us: u64,
    /// How much of the memory the result covers. `None` if no scan ran.
    pub coverage: Option<Coverage>,
    /// The types, the one with the most bytes first.
    pub types: Vec<HeldType>,
    /// Types that were left out of `types`.
    pub omitted: u64,
    /// Why a value is `None`, keyed by its path.
    pub unavailable: Unavailable,
}

impl HoldersReport {
    /// A report without types about a process. `scanned_at` is RFC 3339 in UTC.
    #[must_use]
    pub fn new(instance: InstanceInfo, scanned_at: impl Into<String>) -> Self {
        Self {
            schema: SCHEMA.to_owned(),
            instance,
            scanned_at: scanned_at.into(),
            duration_us: 0,
            cpu_us: 0,
            coverage: None,
            types: Vec::new(),
            omitted: 0,
            unavailable: Unavailable::default(),
        }
    }

    /// The types that have unreachable memory, the one with the most such bytes first.
    pub fn unreachable(&self) -> impl Iterator<Item = (&HeldType, &UnreachableMemory)> {
        let mut found: Vec<_> =
            self.types.iter().filter_map(|held| Some((held, held.unreachable.as_ref()?))).collect();
        // The sort is stable, so equal bytes stay in the order of the types.
        found.sort_by_key(|(_, memory)| std::cmp::Reverse(memory.bytes));
        found.into_iter()
    }
}

/// How much of the memory a result covers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct Coverage {
    /// Scans that agree. Unreachable memory needs three.
    pub scans: u32,
    /// Bytes of the heap that scans found.
    pub heap_bytes: u64,
    /// Bytes of the heap that the last scan read.
    pub read_bytes: u64,
    /// Why the last scan ended early. `None` if it read everything that it found.
    pub ended_early: Option<String>,
    /// Since when samples were recorded, RFC 3339 in UTC.
    pub recorded_since: Option<String>,
    /// The part of the live heap whose holders are known at all, because it was allocated since then.
    pub known_share: Option<f64>,
    /// Samples that found no place in the table.
    pub dropped: u64,
}

/// What holds the memory of one type.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct HeldType {
    /// The type.
    pub type_name: String,
    /// Its bytes, an estimate.
    pub bytes: u64,
    /// The standard error of `bytes`.
    pub bytes_stderr: f64,
    /// The samples behind it.
    pub samples: u64,
    /// Who holds it: equal chains are one, the one with the most bytes first.
    pub chains: Vec<HolderChain>,
    /// Chains that were left out of `chains`.
    pub omitted_chains: u64,
    /// Memory of this type that nothing points to.
    pub unreachable: Option<UnreachableMemory>,
    /// Bytes whose holder is not known: seen live, but no scan reached them, and too few or too young to be called
    /// unreachable.
    pub unknown_bytes: u64,
}

/// A chain of holders, from the object up to a root.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct HolderChain {
    /// The holders, the direct one first. Empty if the root itself holds the object.
    pub links: Vec<HolderLink>,
    /// Where the chain ends.
    pub root: HolderRoot,
    /// Bytes that are held in this way, an estimate.
    pub bytes: u64,
    /// The standard error of `bytes`.
    pub bytes_stderr: f64,
    /// The samples behind it.
    pub samples: u64,
    /// Whether the only pointers lie in spare capacity, or among bytes that look like text.
    pub doubtful: bool,
}

/// One holder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct HolderLink {
    /// Its type. `None` if it is not known: unnamed, never guessed.
    pub type_name: Option<String>,
    /// Bytes of one such object.
    pub bytes: u64,
    /// Whether the type was inferred from objects that are alike, and not from a sample of this object.
    pub inferred: bool,
    /// Whether several such holders follow each other: a linked list, a tree.
    pub repeated: bool,
}

/// Where a chain ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct HolderRoot {
    /// What it is.
    pub kind: RootKind,
    /// The name of the static or thread-local variable, of the thread, or of the task.
    pub name: Option<String>,
    /// Other roots that reach the same recursive structure.
    pub also: Vec<String>,
}

/// What a root is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum RootKind {
    /// A static variable.
    Static,
    /// A thread-local variable.
    ThreadLocal,
    /// The stack of a thread.
    Stack,
    /// The heap of C code.
    CHeap,
    /// Another mapping.
    #[default]
    Mapping,
}

/// Memory that nothing points to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(default)]
pub struct UnreachableMemory {
    /// Its bytes, an estimate.
    pub bytes: u64,
    /// The standard error of `bytes`.
    pub bytes_stderr: f64,
    /// The samples behind it.
    pub samples: u64,
    /// Scans that agree.
    pub scans: u32,
    /// What these objects hold themselves, the most frequent first.
    pub holds: Vec<HolderLink>,
    /// The types of a cycle, if these objects hold each other: `Node`, `Vec<Arc<Node>>`.
    pub cycle: Vec<String>,
}
