//! Attribution: from a stack to the type that owns the allocation.

mod function;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod group;
mod place;
mod resymbolize;
mod rules;
mod stack;
mod symbolize;
mod table;
mod traceback;
mod tracebacks;

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::profile::{HeapProfile, Stack};
use crate::sample::{Estimate, SampleRate};
use crate::size_class::size_class;
use crate::symbolize::frames::Frame;
use crate::symbolize::{LoadObject, SymbolGap, SymbolTier, Symbolizer};
use crate::type_name::{Qualify, ReadableNames, element_of};
pub(crate) use function::FunctionInfo;
pub use group::{Group, Selection};
pub(crate) use place::{inner_layers, is_layer};
use stack::{Attribution, Step, attribute};
pub use table::{TypeEntry, TypeTable};
pub use traceback::TracebackDepth;
pub(crate) use traceback::traceback;
use tracebacks::Tracebacks;

/// Attributes the stacks of heap profiles to types.
///
/// It remembers what it found by stack, so a second profile of the same process costs little more than reading it.
#[derive(Debug, Default)]
pub struct TypeAttributor {
    symbolizer: Symbolizer,
    generation: u64,
    functions: Vec<Option<FunctionInfo>>,
    owners: Vec<Attribution>,
    names: ReadableNames,
    /// By name and whether it is a type: a function may have the name of one.
    owner_handles: FxHashMap<(String, bool), u32>,
    stacks: FxHashMap<u64, u32>,
    /// Those of them that lie in the start of the standard library, before `main`.
    starts: FxHashSet<u64>,
    named: symbolize::Named,
}

impl TypeAttributor {
    /// Stacks remembered at most. Those of a service that runs for months are countless; those it has at a time are
    /// some thousands.
    const MAX_STACKS: usize = 1 << 18;

    /// An attributor that knows nothing yet. Allocates nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sums the profile's live memory by type or by what `selection` says, reading symbols through `files` where they
    /// are not known yet.
    pub fn summarize(
        &mut self,
        profile: &HeapProfile,
        files: &dyn LoadObject,
        selection: &Selection,
    ) -> TypeTable {
        let keys = self.prepare(profile, files);
        let (rate, estimator) = (profile.sample_rate(), profile.estimator());
        let mut sums: FxHashMap<Key, Estimate> = FxHashMap::default();
        let mut tracebacks = Tracebacks::default();
        for ((at, stack), key) in
            (0..).zip(profile.stacks()).zip(keys).filter(|((_, stack), _)| stack.live.objects > 0)
        {
            if self.is_first_sample(rate, stack, key) {
                continue;
            }
            if !selection.admits(|| Box::new(self.texts(stack.addresses))) {
                continue;
            }
            if matches!(selection.group, Group::Thread | Group::ThreadId) {
                for sample in stack.threads {
                    *sums.entry(Key::Thread(sample.thread)).or_default() += estimator.estimate(sample.live);
                }
                continue;
            }
            let key = match selection.group {
                Group::Container | Group::Element => Key::Owner(self.owner_of(stack.addresses, key)),
                Group::SizeClass => Key::SizeClass(size_class(stack.live.bytes / stack.live.objects)),
                Group::Traceback => {
                    let name = self.traceback(stack.addresses, selection.depth);
                    tracebacks.add(name.as_deref(), at, estimator.estimate(stack.live));
                    continue;
                }
                group => Key::Place(self.place(stack.addresses, group)),
            };
            *sums.entry(key).or_default() += estimator.estimate(stack.live);
        }
        let entries = sums.into_iter().map(|(key, sum)| self.entry(profile, &key, selection.group, sum));
        let mut entries: Vec<_> = entries.collect();
        entries.extend(tracebacks.entries(|at| {
            let stack = profile.stack_at(at)?;
            self.traceback(stack.addresses, selection.depth)
        }));
        TypeTable::new(entries, &mut self.names)
    }

    /// Whether a stack holds jemalloc's first sample of the process, which says nothing of its memory.
    ///
    /// jemalloc draws the distance to the first sample before it has read the rate, so the first allocation is always
    /// sampled (`prof_sample_new_event_wait` in `src/prof.c` 5.3.1). In a Rust program that is a name of a few bytes in the
    /// standard library's start, and it would stand for half a megabyte.
    fn is_first_sample(&mut self, rate: SampleRate, stack: Stack<'_>, key: u64) -> bool {
        if rate.is_exact() || stack.live.objects != 1 {
            return false;
        }
        self.owner_of(stack.addresses, key);
        self.starts.contains(&key)
    }

    /// Makes all frames of the profile known, and forgets what was of other mappings or is too much. Gives the hashes by
    /// which the stacks are remembered.
    fn prepare(&mut self, profile: &HeapProfile, files: &dyn LoadObject) -> Vec<u64> {
        self.symbolizer.forget_others(profile.mappings());
        if self.generation != self.symbolizer.generation() {
            let symbolizer = std::mem::take(&mut self.symbolizer);
            *self = Self { generation: symbolizer.generation(), symbolizer, ..Self::default() };
        }
        if self.stacks.len() > Self::MAX_STACKS {
            self.stacks = FxHashMap::default();
            self.starts = FxHashSet::default();
            self.named = symbolize::Named::default();
        }
        let keys: Vec<u64> = profile.stacks().map(|stack| hash(stack.addresses)).collect();
        // The addresses of a stack that was attributed are known.
        let new = profile.stacks().zip(&keys).filter(|(_, key)| !self.stacks.contains_key(key));
        self.symbolizer.resolve_addresses(new.flat_map(|(stack, _)| stack.addresses).copied(), files);
        keys
    }

    /// How good the names of the last profile's program are.
    pub fn tier(&self) -> SymbolTier {
        self.symbolizer.tier()
    }

    /// Files that gave fewer names than they could, the program first, each with the true reason.
    pub fn gaps(&self) -> Vec<SymbolGap> {
        self.symbolizer.gaps()
    }

    fn entry(&mut self, profile: &HeapProfile, key: &Key, group: Group, estimate: Estimate) -> TypeEntry {
        let (type_name, full_type, is_attributed) = match key {
            Key::Owner(handle) => {
                let (owner, names) = (&self.owners[*handle as usize], &mut self.names);
                let whole = owner.type_or_function(Qualify::Whole, names);
                if group == Group::Element && owner.is_type() {
                    let short = owner.type_or_function(Qualify::Last, names);
                    (element_of(&short).to_owned(), element_of(&whole).to_owned(), true)
                } else {
                    (owner.name(Qualify::Last, names), whole, owner.is_type())
                }
            }
            Key::Place(Some(place)) => (place.clone(), place.clone(), true),
            Key::Place(None) => ("unknown code".to_owned(), "unknown code".to_owned(), false),
            Key::Thread(id) => {
                let thread = profile.thread(*id);
                let name = if group == Group::Thread { thread.shared_name() } else { thread.own_name() };
                (name.clone(), name, true)
            }
            Key::SizeClass(size) => (format!("{size} bytes"), format!("{size} bytes"), true),
        };
        let threads = matches!(key, Key::Thread(_)).into();
        TypeEntry { type_name, full_type, is_attributed, estimate, threads }
    }

    /// Names and files of all frames of a stack, for text searches.
    fn texts<'a>(&'a self, addresses: &'a [u64]) -> impl Iterator<Item = &'a str> + 'a {
        let frames = addresses.iter().flat_map(|address| self.symbolizer.frames(*address));
        frames.flat_map(|frame| {
            let function = self.symbolizer.table().function(frame.function);
            [function.name.as_deref(), function.file.as_deref()].into_iter().flatten()
        })
    }

    /// Where in the service a stack allocates. `None` if no frame tells.
    fn place(&mut self, addresses: &[u64], group: Group) -> Option<String> {
        let frames = self.frames_of(addresses);
        let steps = self.steps(&frames);
        let frame = frames[place::culprit(&steps)?];
        let file = self.symbolizer.table().function(frame.function).file.as_deref();
        match group {
            Group::File => Some(file?.to_owned()),
            Group::Line => Some(format!("{}:{}", file?, frame.line)),
            Group::Crate => place::crate_name(&steps),
            _ => place::function(&steps),
        }
    }

    /// The innermost frames in words, from the one on that asked a container to make room. `None` if there are none.
    fn traceback(&mut self, addresses: &[u64], depth: TracebackDepth) -> Option<String> {
        let frames = self.frames_of(addresses);
        let steps = self.steps(&frames);
        let inside = steps.len() - place::beyond_layers(&steps).len();
        let outside = frames.iter().zip(&steps).skip(inside).map(|(frame, step)| {
            let file = self.symbolizer.table().function(frame.function).file.as_deref();
            (step.info.label(), file, frame.line)
        });
        let outside: Vec<_> = outside.take(depth.frames()).collect();
        traceback(outside.iter().map(|(label, file, line)| (label.as_str(), *file, *line)), depth)
    }

    /// The owner of a stack. Stacks are remembered by a 64-bit hash: among a million stacks two collide with a
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

    /// All frames of a stack, innermost first, each with its function taken apart and remembered.
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

/// What stacks are summed by.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    Owner(u32),
    Place(Option<String>),
    Thread(u64),
    SizeClass(u64),
}

#[cfg(test)]
mod tests;
