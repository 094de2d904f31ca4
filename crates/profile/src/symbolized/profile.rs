//! The symbolized profile and its tables.

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use crate::amount::Amount;
use crate::build_id::BuildId;
use crate::large;
use crate::sample::{Estimate, SampleRate};
use crate::selection::Selection;

/// A heap profile with names: stacks of functions, each with the type that owns its allocations.
///
/// Two profiles are equal if they have the same contents, because the order of the tables depends only on the contents.
#[derive(Clone, Debug, PartialEq)]
pub struct SymbolizedProfile {
    pub(crate) kind: ProfileKind,
    pub(crate) sample_rate: SampleRate,
    /// The assumed distance of large objects from their classes, in millionths of the distance to the next lower
    /// class. 0 if they count as their classes, and for merged profiles.
    pub(crate) large_below: u32,
    pub(crate) mappings: Vec<NamedMapping>,
    pub(crate) functions: Vec<NamedFunction>,
    pub(crate) locations: Vec<Location>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) places: Vec<Place>,
    /// Names that identify a thread within its process: `tokio-rt-worker (thread 8)`.
    pub(crate) threads: Vec<Arc<str>>,
    pub(crate) stacks: Vec<NamedStack>,
    /// Locations of all stacks, innermost first.
    pub(crate) stack_locations: Vec<u32>,
    /// Memory of each stack by thread. The samples of one stack are adjacent.
    pub(crate) samples: Vec<NamedSample>,
}

/// The meaning of a profile's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileKind {
    /// The memory that the program holds.
    Live,
    /// The memory that the program holds, and all memory that it ever allocated (jemalloc with `prof_accum:true`).
    LiveAndAllocated,
    /// Growth between two moments. Numbers can be negative.
    Growth,
}

/// A file that code was mapped from. Addresses in it are positions in the file, so they do not reveal where a process
/// has mapped the file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NamedMapping {
    /// Whether this is a library. The program itself comes first.
    pub(crate) is_library: bool,
    /// Name of the file without its folders.
    pub(crate) file: Arc<str>,
    pub(crate) build_id: Option<BuildId>,
    pub(crate) file_offset: u64,
    pub(crate) length: u64,
}

/// A function, inlined or not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NamedFunction {
    /// The readable name: `alloc::vec::push`.
    pub(crate) name: Arc<str>,
    /// The name as the compiler writes it: `push<app::Session, alloc::alloc::Global>`.
    pub(crate) system_name: Arc<str>,
    pub(crate) file: Option<Arc<str>>,
}

/// A call, with the functions that were inlined there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Location {
    /// Index into the mappings.
    pub(crate) mapping: Option<u32>,
    /// Offset of the call in the mapped file.
    pub(crate) address: u64,
    /// Innermost first.
    pub(crate) lines: Arc<[Line]>,
}

/// A position in a function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Line {
    /// Index into the functions.
    pub(crate) function: u32,
    /// 1-based; 0 if unknown.
    pub(crate) line: u32,
}

/// The owner of an allocation: a type, or the function that asked for memory of unknown type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Owner {
    /// The name of its row: `HashMap<String, Session>`, `Vec<u8> in read_body (src/upload.rs)`.
    pub(crate) name: Arc<str>,
    /// The type with whole paths.
    pub(crate) full_type: Arc<str>,
    pub(crate) is_attributed: bool,
}

/// The place in the service where a stack allocates. `None` if no frame shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) function: Option<Arc<str>>,
    pub(crate) file: Option<Arc<str>>,
    /// 1-based; 0 if unknown.
    pub(crate) line: u32,
    pub(crate) crate_name: Option<Arc<str>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NamedStack {
    /// Range in `stack_locations`.
    pub(crate) locations: Range<u32>,
    pub(crate) owner: u32,
    pub(crate) place: u32,
    /// Whether its bytes are from true sizes. If not, large objects count with assumed sizes.
    pub(crate) is_sized: bool,
    /// Range in `samples`.
    pub(crate) samples: Range<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NamedSample {
    pub(crate) thread: u32,
    pub(crate) live: Amount,
    pub(crate) allocated: Amount,
}

/// A stack of a profile.
#[derive(Clone, Copy, Debug)]
pub struct SymbolizedStack<'p> {
    profile: &'p SymbolizedProfile,
    pub(crate) stack: &'p NamedStack,
    /// The parts of the stack, with and without true sizes. They are adjacent in the profile.
    pub(crate) parts: &'p [NamedStack],
    /// The memory of the stack over all threads.
    pub live: Amount,
}

/// A function on a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SymbolizedFrame<'p> {
    /// The readable name: `alloc::vec::push`.
    pub function: &'p str,
    /// Source file, without the part that depends on the build machine.
    pub file: Option<&'p str>,
    /// 1-based; 0 if unknown.
    pub line: u32,
}

impl<'p> SymbolizedStack<'p> {
    /// The memory of the stack, with the errors of sampling and of the assumed sizes of large objects.
    pub fn estimate(&self) -> Estimate {
        let mut sum = Estimate::default();
        for part in self.parts {
            sum += self.profile.estimate(self.profile.live(part), part.is_sized);
        }
        sum
    }

    /// Whether the stack counts in a table of `selection`.
    pub fn is_selected(&self, selection: &Selection) -> bool {
        self.profile.is_selected(self.stack, selection)
    }

    /// Hashes what identifies the stack in every profile.
    pub fn hash_identity(&self, state: &mut impl Hasher) {
        for location in self.profile.locations_of(self.stack) {
            location.mapping.map(|at| &self.profile.mappings[at as usize]).hash(state);
            location.address.hash(state);
        }
    }

    /// The change of the bytes if large objects have the sizes that `other` assumes.
    pub fn resized_as_in(&self, other: &SymbolizedProfile) -> f64 {
        let difference = self.profile.large_below.abs_diff(other.large_below);
        let assumed = self.parts.iter().filter(|part| !part.is_sized);
        assumed.map(|part| large::bytes_of_gap(difference, self.profile.live(part))).sum()
    }

    /// The name of the table row that the stack belongs to, and whether it is a type.
    pub fn owner(&self) -> (&'p str, bool) {
        let owner = &self.profile.owners[self.stack.owner as usize];
        (&owner.name, owner.is_attributed)
    }

    /// The functions, innermost first.
    pub fn frames(&self) -> impl DoubleEndedIterator<Item = SymbolizedFrame<'p>> + use<'p> {
        let profile = self.profile;
        profile.lines_of(self.stack).map(move |line| {
            let function = profile.function(line);
            SymbolizedFrame { function: &function.name, file: function.file.as_deref(), line: line.line }
        })
    }
}

impl SymbolizedProfile {
    /// The meaning of the profile's numbers.
    pub fn kind(&self) -> ProfileKind {
        self.kind
    }

    /// Mean number of bytes between two samples.
    pub fn sample_rate(&self) -> SampleRate {
        self.sample_rate
    }

    /// The files that the code comes from, by name and build-id. The program's files come first.
    pub fn files(&self) -> impl Iterator<Item = (&str, Option<&BuildId>)> {
        self.mappings.iter().map(|mapping| (&*mapping.file, mapping.build_id.as_ref()))
    }

    /// Estimates what a stack holds.
    pub(crate) fn estimate(&self, live: Amount, is_sized: bool) -> Estimate {
        let below = if is_sized { 0 } else { self.large_below };
        large::estimate(live, below, self.sample_rate)
    }

    /// The number of distinct stacks.
    pub fn stack_count(&self) -> usize {
        self.stacks().count()
    }

    /// The memory of all stacks together.
    pub fn total(&self) -> Amount {
        self.samples.iter().map(|sample| sample.live).sum()
    }

    /// The stacks.
    pub fn stacks(&self) -> impl Iterator<Item = SymbolizedStack<'_>> {
        let parts = self.stacks.chunk_by(|a, b| {
            let locations = [a, b].map(|stack| self.location_handles(stack));
            locations[0] == locations[1] && (a.owner, a.place) == (b.owner, b.place)
        });
        parts.filter_map(|parts| {
            let live = parts.iter().map(|part| self.live(part)).sum();
            Some(SymbolizedStack { profile: self, stack: parts.first()?, parts, live })
        })
    }

    /// The stacks. Stacks with the most bytes come first.
    pub fn stacks_by_bytes(&self) -> Vec<SymbolizedStack<'_>> {
        let mut stacks: Vec<_> = self.stacks().collect();
        // A stable sort keeps equal stacks in the order of the profile.
        stacks.sort_by_key(|stack| std::cmp::Reverse(stack.live.bytes));
        stacks
    }

    pub(crate) fn locations_of(
        &self,
        stack: &NamedStack,
    ) -> impl DoubleEndedIterator<Item = &Location> + Clone {
        self.location_handles(stack).iter().map(|location| &self.locations[*location as usize])
    }

    /// Indices into the locations, innermost first.
    pub(crate) fn location_handles(&self, stack: &NamedStack) -> &[u32] {
        &self.stack_locations[stack.locations.start as usize..stack.locations.end as usize]
    }

    pub(crate) fn samples_of(&self, stack: &NamedStack) -> &[NamedSample] {
        &self.samples[stack.samples.start as usize..stack.samples.end as usize]
    }

    /// The memory of a stack over all threads.
    pub(crate) fn live(&self, stack: &NamedStack) -> Amount {
        self.samples_of(stack).iter().map(|sample| sample.live).sum()
    }

    /// Functions and positions of a stack, innermost first.
    pub(crate) fn lines_of(&self, stack: &NamedStack) -> impl DoubleEndedIterator<Item = Line> + Clone {
        self.locations_of(stack).flat_map(|location| location.lines.iter().copied())
    }

    pub(crate) fn function(&self, line: Line) -> &NamedFunction {
        &self.functions[line.function as usize]
    }
}
