//! Summing a profile by rows.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::profile::{NamedFunction, NamedStack, Owner, Place, SymbolizedProfile};
use crate::ages::AgeBucket;
use crate::amount::Amount;
use crate::attribution::function::FunctionInfo;
use crate::attribution::place::{inner_layers, is_layer};
use crate::profile::shared_name_of;
use crate::sample::Estimate;
use crate::selection::{
    Group, NO_ROUTE_RECORDED, Selection, TracebackDepth, TypeEntry, TypeTable, traceback,
};
use crate::size_class::size_class;
use crate::symbols::frames::Function;
use crate::type_name::{Qualify, ReadableNames, element_of, readable};

/// A row's identity. It means the same in every profile.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) name: Arc<str>,
    pub(super) full_type: Arc<str>,
    pub(super) is_attributed: bool,
}

impl SymbolizedProfile {
    /// Sums live memory by type, or as `selection` says.
    pub fn summarize(&self, selection: &Selection) -> TypeTable {
        let mut sums: FxHashMap<Key, Estimate> = FxHashMap::default();
        self.each_part(selection, |stack, key, amount| {
            *sums.entry(key.clone()).or_default() += self.estimate(amount, stack.is_sized);
        });
        let threads = self.threads_by_key(selection);
        let entry = |(key, estimate)| {
            let threads = threads.get(&key).copied().unwrap_or_default();
            Key::entry(&key, estimate, threads)
        };
        TypeTable::new(sums.into_iter().map(entry).collect(), &mut ReadableNames::default(), None)
    }

    /// Counts the threads that each row sums. Empty unless rows are threads.
    fn threads_by_key(&self, selection: &Selection) -> FxHashMap<Key, u64> {
        let mut counts = FxHashMap::default();
        if !matches!(selection.group, Group::Thread | Group::ThreadId) {
            return counts;
        }
        let selected = self.stacks.iter().filter(|stack| self.is_selected(stack, selection));
        let mut is_used = vec![false; self.threads.len()];
        selected
            .flat_map(|stack| self.samples_of(stack))
            .for_each(|sample| is_used[sample.thread as usize] = true);
        for (thread, _) in self.threads.iter().zip(is_used).filter(|(_, is_used)| *is_used) {
            *counts.entry(Key::of_thread(thread, selection.group)).or_default() += 1;
        }
        counts
    }

    /// Calls `visit` for each selected stack with its row's key and amount. If rows are threads, calls it once per
    /// thread.
    pub(super) fn each_part<'p>(
        &'p self,
        selection: &Selection,
        mut visit: impl FnMut(&'p NamedStack, &Key, Amount),
    ) {
        let owners: Vec<Key> = self.owners.iter().map(|owner| owner.key(selection.group)).collect();
        let places: Vec<Key> = self.places.iter().map(|place| place.key(selection.group)).collect();
        let threads: Vec<Key> =
            self.threads.iter().map(|name| Key::of_thread(name, selection.group)).collect();
        let layers = if selection.group == Group::Traceback { self.layers() } else { Vec::new() };
        for stack in self.stacks.iter().filter(|stack| self.is_selected(stack, selection)) {
            match selection.group {
                Group::Container | Group::Element => {
                    visit(stack, &owners[stack.owner as usize], self.live(stack));
                }
                Group::Thread | Group::ThreadId => {
                    for sample in self.samples_of(stack) {
                        visit(stack, &threads[sample.thread as usize], sample.live);
                    }
                }
                Group::SizeClass => {
                    let live = self.live(stack);
                    let size = live.bytes.checked_div(live.objects).unwrap_or(0).unsigned_abs();
                    visit(stack, &Key::of_name(format!("{} bytes", size_class(size)).into()), live);
                }
                Group::Traceback => {
                    let name = self.traceback(stack, &layers, selection.depth);
                    let key = name.map_or_else(Key::unknown, |name| Key::of_name(name.into()));
                    visit(stack, &key, self.live(stack));
                }
                // A profile with symbols does not keep them.
                Group::Age => visit(stack, &Key::missing(AgeBucket::Unknown.name()), self.live(stack)),
                Group::Route => visit(stack, &Key::missing(NO_ROUTE_RECORDED), self.live(stack)),
                _ => visit(stack, &places[stack.place as usize], self.live(stack)),
            }
        }
    }

    /// Marks the functions that are layers of a container.
    fn layers(&self) -> Vec<bool> {
        let is_layer = |function: &NamedFunction| {
            let NamedFunction { system_name, file, .. } = function.clone();
            is_layer(&FunctionInfo::of(&Function::new(Some(system_name), file.is_none(), file)))
        };
        self.functions.iter().map(is_layer).collect()
    }

    /// The traceback of a stack. Symbolized stacks have no frames of the allocator.
    fn traceback(&self, stack: &NamedStack, layers: &[bool], depth: TracebackDepth) -> Option<String> {
        let skipped = inner_layers(self.lines_of(stack).map(|line| layers[line.function as usize]));
        let frames = self.lines_of(stack).skip(skipped).map(|line| {
            let function = self.function(line);
            (&*function.name, function.file.as_deref(), line.line)
        });
        traceback(frames, depth)
    }

    pub(super) fn is_selected(&self, stack: &NamedStack, selection: &Selection) -> bool {
        selection.admits(|| {
            Box::new(self.lines_of(stack).flat_map(|line| {
                let function = self.function(line);
                [Some(&*function.system_name), function.file.as_deref()].into_iter().flatten()
            }))
        })
    }
}

impl Key {
    fn of_name(name: Arc<str>) -> Self {
        Self { full_type: Arc::clone(&name), name, is_attributed: true }
    }

    fn of_thread(own_name: &Arc<str>, group: Group) -> Self {
        match group {
            Group::Thread => Self::of_name(shared_name_of(own_name).into()),
            _ => Self::of_name(Arc::clone(own_name)),
        }
    }

    fn unknown() -> Self {
        Self::missing("unknown code")
    }

    /// A row of memory of which it is not known what the rows stand for.
    fn missing(name: &str) -> Self {
        Self { is_attributed: false, ..Self::of_name(name.into()) }
    }

    fn entry(&self, estimate: Estimate, threads: u64) -> TypeEntry {
        let names = (self.name.as_ref().to_owned(), self.full_type.as_ref().to_owned());
        TypeEntry { threads, ..TypeEntry::new(names, self.is_attributed, estimate) }
    }
}

impl Owner {
    fn key(&self, group: Group) -> Key {
        if group == Group::Element && self.is_attributed {
            let name = element_of(&readable(&self.full_type, Qualify::Last)).into();
            return Key { name, full_type: element_of(&self.full_type).into(), is_attributed: true };
        }
        Key {
            name: Arc::clone(&self.name),
            full_type: Arc::clone(&self.full_type),
            is_attributed: self.is_attributed,
        }
    }
}

impl Place {
    fn key(&self, group: Group) -> Key {
        let name = match group {
            Group::File => self.file.clone(),
            Group::Line => self.file.as_ref().map(|file| format!("{file}:{}", self.line).into()),
            Group::Crate => self.crate_name.clone(),
            _ => self.function.clone(),
        };
        name.map_or_else(Key::unknown, Key::of_name)
    }
}
