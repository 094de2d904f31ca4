//! Attribution: from a stack to the type that owns the allocation.

mod function;
mod rules;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::FxHashMap;

use crate::profile::HeapProfile;
use crate::sample::Estimate;
use crate::symbolize::frames::FunctionHandle;
use crate::symbolize::{LoadObject, SymbolTier, Symbolizer};
use crate::type_name::{Qualify, readable};
use function::{FunctionInfo, Origin};
use rules::Owner;

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

/// What a stack was attributed to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Attribution {
    /// A type, as the frames gave it.
    Type(String),
    /// The function that allocated something of unknown type.
    Function(String),
}

/// Live memory by type.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TypeTable {
    /// One entry for each type, and one for each function whose allocations have no known type; largest first.
    pub entries: Vec<TypeEntry>,
    /// All entries together.
    pub total: Estimate,
    /// The entries without a type together.
    pub unattributed: Estimate,
}

/// The live memory of one type.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TypeEntry {
    /// The type as a person would write it, or the function if `is_attributed` is false.
    pub type_name: String,
    /// The type with whole paths. Default allocators, hashers and a container's inner layers are folded away.
    pub full_type: String,
    /// Whether the type is known.
    pub is_attributed: bool,
    /// How much there is of it.
    pub estimate: Estimate,
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
        let mut table = TypeTable::default();
        for (handle, estimate) in by_owner {
            let owner = &self.owners[handle as usize];
            table.total += estimate;
            if !owner.is_type() {
                table.unattributed += estimate;
            }
            table.entries.push(TypeEntry {
                type_name: owner.name(Qualify::Last),
                full_type: owner.name(Qualify::Whole),
                is_attributed: owner.is_type(),
                estimate,
            });
        }
        for qualify in [Qualify::Crate, Qualify::Whole] {
            table.qualify_equal_names(qualify);
        }
        table.entries.sort_by(|a, b| {
            b.estimate.bytes.total_cmp(&a.estimate.bytes).then_with(|| a.full_type.cmp(&b.full_type))
        });
        table
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
        let frames = functions.iter().filter_map(|handle| self.functions[handle.index()].as_ref());
        let owner = attribute(frames);
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

impl Attribution {
    fn is_type(&self) -> bool {
        matches!(self, Self::Type(_))
    }

    fn name(&self, qualify: Qualify) -> String {
        match self {
            Self::Type(full_type) => readable(full_type, qualify),
            Self::Function(name) => name.clone(),
        }
    }
}

impl TypeTable {
    /// Rewrites names that stand for several types.
    fn qualify_equal_names(&mut self, qualify: Qualify) {
        let mut uses: FxHashMap<String, u32> = FxHashMap::default();
        for entry in &self.entries {
            *uses.entry(entry.type_name.clone()).or_default() += 1;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.is_attributed && uses[&entry.type_name] > 1)
        {
            entry.type_name = match qualify {
                Qualify::Crate => readable(&entry.full_type, qualify),
                _ => entry.full_type.clone(),
            };
        }
    }
}

/// The owner of an allocation, told by its frames, innermost first.
fn attribute<'a>(frames: impl Iterator<Item = &'a FunctionInfo>) -> Attribution {
    let mut owner: Option<Owner> = None;
    let mut general = None;
    let mut culprit: Option<&FunctionInfo> = None;
    // The optimiser may merge the calls of several inlined functions into one and lose who they were. Then the
    // allocator's Rust side is not on the stack, and the next frame's arguments say nothing about the allocation.
    let mut asked_by_rust = false;
    for frame in frames {
        match frame.origin {
            Origin::Allocator => {
                asked_by_rust |= frame.is_rust();
                continue;
            }
            Origin::Std | Origin::Dependency
                if culprit.is_none_or(|culprit| culprit.origin != Origin::Foreign) =>
            {
                if let Some(outer) = Owner::of_frame(frame, owner.as_ref()) {
                    owner = Some(outer);
                } else if let Some(owner) = &owner {
                    if !owner.may_continue_through(frame) {
                        break;
                    }
                } else if frame.origin == Origin::Dependency && asked_by_rust {
                    general = general_owner(frame);
                    if general.is_some() {
                        break;
                    }
                }
            }
            _ if owner.is_some() => break,
            _ => {}
        }
        // The function to name if no type is found: the service's own, else the first that is not a layer.
        match (frame.origin, culprit) {
            (Origin::Service, _) => {
                culprit = Some(frame);
                break;
            }
            (Origin::Std, _) | (_, Some(_)) => {}
            (_, None) => culprit = Some(frame),
        }
    }
    match owner.map(|owner| owner.full_type).or(general) {
        Some(full_type) => Attribution::Type(full_type),
        None => Attribution::Function(culprit.map_or_else(|| "unknown code".to_owned(), FunctionInfo::label)),
    }
}

/// The rule for crates nobody wrote a row for: the first generic argument that is a type of data. The crate stands
/// for the container: `slab<app::Session>`.
fn general_owner(frame: &FunctionInfo) -> Option<String> {
    let data = frame.arguments.iter().find(|argument| {
        !rules::is_allocator_argument(argument)
            && !argument.contains("{closure_env#")
            && !argument.starts_with(|c: char| c.is_ascii_digit())
    })?;
    let crate_name = frame.module.split("::").next()?;
    Some(format!("{crate_name}<{data}>"))
}

#[cfg(test)]
mod tests;
