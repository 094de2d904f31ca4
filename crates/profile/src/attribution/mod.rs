//! Attribution: from a stack to the type that owns the allocation.

mod function;
mod rules;
mod stack;
mod table;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::FxHashMap;

use crate::profile::HeapProfile;
use crate::sample::Estimate;
use crate::symbolize::frames::FunctionHandle;
use crate::symbolize::{LoadObject, SymbolTier, Symbolizer};
use crate::type_name::Qualify;
use function::FunctionInfo;
use stack::{Attribution, attribute};
pub use table::{TypeEntry, TypeTable};

/// Attributes the stacks of heap profiles to types.
///
/// It remembers what it found by stack, so a second profile of the same process costs little more than reading it.
#[derive(Debug, Default)]
pub struct TypeAttributor {
    symbolizer: Symbolizer,
    generation: u64,
    functions: Vec<Option<FunctionInfo>>,
    owners: Vec<Attribution>,
    /// By name and whether it is a type: a function may have the name of one.
    owner_handles: FxHashMap<(String, bool), u32>,
    stacks: FxHashMap<u64, u32>,
}

impl TypeAttributor {
    /// An attributor that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sums the profile's live memory by type, reading symbols through `files` where they are not known yet.
    pub fn summarize(&mut self, profile: &HeapProfile, files: &dyn LoadObject) -> TypeTable {
        self.symbolizer.resolve(profile, files);
        if self.generation != self.symbolizer.generation() {
            let symbolizer = std::mem::take(&mut self.symbolizer);
            *self = Self { generation: symbolizer.generation(), symbolizer, ..Self::default() };
        }
        let mut by_owner: FxHashMap<u32, Estimate> = FxHashMap::default();
        for stack in profile.stacks() {
            let estimate = profile.sample_rate().unbias(stack.live);
            if estimate.objects > 0.0 {
                *by_owner.entry(self.owner_of(stack.addresses)).or_default() += estimate;
            }
        }
        self.table(by_owner)
    }

    /// How good the names of the last profile's program are.
    pub fn tier(&self) -> SymbolTier {
        self.symbolizer.tier()
    }

    /// Files that gave no names, one sentence each.
    pub fn notes(&self) -> &[String] {
        self.symbolizer.notes()
    }

    fn table(&self, by_owner: FxHashMap<u32, Estimate>) -> TypeTable {
        let entry = |(handle, estimate): (u32, Estimate)| {
            let owner = &self.owners[handle as usize];
            TypeEntry {
                type_name: owner.name(Qualify::Last),
                full_type: owner.name(Qualify::Whole),
                is_attributed: owner.is_type(),
                estimate,
            }
        };
        TypeTable::new(by_owner.into_iter().map(entry).collect())
    }

    /// The owner of a stack. Stacks are remembered by a 64-bit hash: among a million stacks two collide with a
    /// probability of 3·10⁻⁸.
    fn owner_of(&mut self, addresses: &[u64]) -> u32 {
        let key = BuildHasherDefault::<DefaultHasher>::default().hash_one(addresses);
        if let Some(handle) = self.stacks.get(&key) {
            return *handle;
        }
        let functions: Vec<FunctionHandle> = addresses
            .iter()
            .flat_map(|address| self.symbolizer.frames(*address))
            .map(|frame| frame.function)
            .collect();
        for handle in &functions {
            self.learn(*handle);
        }
        let frames: Vec<&FunctionInfo> =
            functions.iter().filter_map(|handle| self.functions[handle.index()].as_ref()).collect();
        let owner = attribute(&frames);
        let next = u32::try_from(self.owners.len()).unwrap_or(u32::MAX);
        let handle = *self.owner_handles.entry((owner.name(Qualify::Whole), owner.is_type())).or_insert(next);
        if handle == next {
            self.owners.push(owner);
        }
        self.stacks.insert(key, handle);
        handle
    }

    fn learn(&mut self, handle: FunctionHandle) {
        if self.functions.len() <= handle.index() {
            self.functions.resize(handle.index() + 1, None);
        }
        let info = &mut self.functions[handle.index()];
        if info.is_none() {
            *info = Some(FunctionInfo::of(self.symbolizer.table().function(handle)));
        }
    }
}

#[cfg(test)]
mod tests;
