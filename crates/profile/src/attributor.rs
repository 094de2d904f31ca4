//! Attributes whole profiles: turns addresses into tables and into profiles of names.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod births;
mod known_names;
mod resymbolize;
mod row_sums;
mod stack_types;
mod symbolize;
mod table;
mod tracebacks;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::attribution::function::FunctionInfo;
use crate::attribution::place;
use crate::attribution::stack::{Attribution, attribute};
use crate::attribution::step::Step;
use crate::profile::{HeapProfile, Stack};
use crate::sample::SampleRate;
use crate::symbols::frames::Frame;
use crate::symbols::{LoadObject, SymbolGap, SymbolTier, Symbolizer};
use crate::type_name::{Qualify, ReadableNames};
use known_names::KnownNames;
pub use stack_types::StackTypes;

/// Attributes the stacks of heap profiles to types.
///
/// It remembers its results by stack, so a second profile of the same process costs little more than reading it.
#[derive(Debug, Default)]
pub struct TypeAttributor {
    symbolizer: Symbolizer,
    generation: u64,
    functions: Vec<Option<FunctionInfo>>,
    owners: Vec<Attribution>,
    names: ReadableNames,
    /// Handles by name, and by whether the name is a type. A function can have the name of a type.
    owner_handles: FxHashMap<(String, bool), u32>,
    stacks: FxHashMap<u64, u32>,
    /// The stacks in the startup code of the standard library, before `main`.
    starts: FxHashSet<u64>,
    named: KnownNames,
}

impl TypeAttributor {
    /// Bound on the remembered stacks. A service has some thousands at a time, but ever more over months.
    const MAX_STACKS: usize = 1 << 18;

    /// Makes an attributor that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a stack holds jemalloc's first sample of the process, which says nothing about its memory.
    ///
    /// jemalloc draws the distance to the first sample before it has read the rate, so the first allocation is always
    /// sampled (`prof_sample_new_event_wait` in `src/prof.c` 5.3.1). In a Rust program this is a name of a few bytes
    /// in the startup code, and it would stand for half a megabyte.
    fn is_first_sample(&mut self, rate: SampleRate, stack: Stack<'_>, key: u64) -> bool {
        if rate.is_exact() || stack.live.objects != 1 {
            return false;
        }
        self.owner_of(stack.addresses, key);
        self.starts.contains(&key)
    }

    /// Looks up all frames of the profile. Forgets stacks of other mappings, and all stacks if there are too many.
    /// Returns the hashes by which stacks are remembered.
    fn prepare(&mut self, profile: &HeapProfile, files: &dyn LoadObject) -> Vec<u64> {
        self.symbolizer.forget_others(profile.mappings());
        if self.generation != self.symbolizer.generation {
            let symbolizer = std::mem::take(&mut self.symbolizer);
            *self = Self { generation: symbolizer.generation, symbolizer, ..Self::default() };
        }
        if self.stacks.len() > Self::MAX_STACKS {
            self.stacks = FxHashMap::default();
            self.starts = FxHashSet::default();
            self.named = KnownNames::default();
        }
        let keys: Vec<u64> = profile.stacks().map(|stack| hash(stack.addresses)).collect();
        // The addresses of an attributed stack are known already.
        let new = profile.stacks().zip(&keys).filter(|(_, key)| !self.stacks.contains_key(key));
        self.symbolizer.resolve_addresses(new.flat_map(|(stack, _)| stack.addresses).copied(), files);
        keys
    }

    /// The quality of the names of the last profile's program.
    pub fn tier(&self) -> SymbolTier {
        self.symbolizer.tier()
    }

    /// Files with fewer names than they could have, each with the true reason. The program comes first.
    pub fn gaps(&self) -> Vec<SymbolGap> {
        self.symbolizer.gaps()
    }

    /// Finds the owner of a stack. Stacks are remembered by a 64-bit hash. Among a million stacks, two collide with a
    /// probability of 3·10⁻⁸.
    fn owner_of(&mut self, addresses: &[u64], key: u64) -> u32 {
        if let Some(handle) = self.stacks.get(&key) {
            return *handle;
        }
        let frames = self.frames_of(addresses);
        let mut names = std::mem::take(&mut self.names);
        let steps = self.steps(&frames);
        let (owner, is_in_start) = (attribute(&steps, &mut names), place::is_in_start(&steps));
        self.names = names;
        if is_in_start {
            self.starts.insert(key);
        }
        let next = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        let name = owner.name(Qualify::Whole, &mut self.names);
        let handle = *self.owner_handles.entry((name, owner.is_type())).or_insert(next);
        if handle == next {
            self.owners.push(owner);
        }
        self.stacks.insert(key, handle);
        handle
    }

    /// Collects all frames of a stack, innermost first. Parses and remembers the function of each.
    fn frames_of(&mut self, addresses: &[u64]) -> Vec<Frame> {
        let frames = addresses.iter().flat_map(|address| self.symbolizer.frames(*address)).copied();
        let mut all = Vec::with_capacity(2 * addresses.len());
        all.extend(frames);
        for frame in &all {
            let index = frame.function.index();
            if self.functions.len() <= index {
                self.functions.resize(index + 1, None);
            }
            let function = self.symbolizer.table().function(frame.function);
            self.functions[index].get_or_insert_with(|| FunctionInfo::of(function));
        }
        all
    }

    fn steps(&self, frames: &[Frame]) -> Vec<Step<'_>> {
        let step = |frame: &Frame| {
            let info = self.functions[frame.function.index()].as_ref()?;
            Some(Step { info, line: frame.line })
        };
        let mut steps = Vec::with_capacity(frames.len());
        steps.extend(frames.iter().filter_map(step));
        steps
    }
}

fn hash(addresses: &[u64]) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(addresses)
}

#[cfg(test)]
mod tests;
