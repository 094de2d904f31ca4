//! The table of a profile of addresses.

use rustc_hash::FxHashMap;

use super::TypeAttributor;
use super::row_sums::{Key, RowSum, Sums};
use super::tracebacks::Tracebacks;
use crate::ages::AgeBucket;
use crate::attribution::place;
use crate::profile::HeapProfile;
use crate::selection::{
    Group, NO_ROUTE_RECORDED, RowId, Selection, TracebackDepth, TypeEntry, TypeTable, traceback,
};
use crate::symbols::LoadObject;
use crate::type_name::{Qualify, element_of};

impl TypeAttributor {
    /// Sums the profile's live memory by type, or as `selection` says. Reads unknown symbols through `files`.
    pub fn summarize(
        &mut self,
        profile: &HeapProfile,
        files: &dyn LoadObject,
        selection: &Selection,
    ) -> TypeTable {
        self.summarize_part(profile, files, selection, None)
    }

    /// Sums the profile's live memory of one row of the table by type, as `selection` says.
    pub fn summarize_row(
        &mut self,
        profile: &HeapProfile,
        files: &dyn LoadObject,
        selection: &Selection,
        row: RowId,
    ) -> TypeTable {
        self.summarize_part(profile, files, selection, Some(row))
    }

    fn summarize_part(
        &mut self,
        profile: &HeapProfile,
        files: &dyn LoadObject,
        selection: &Selection,
        row: Option<RowId>,
    ) -> TypeTable {
        let keys = self.prepare(profile, files);
        let mut ids = FxHashMap::<u32, RowId>::default();
        let rate = profile.sample_rate();
        let mut sums = Sums { profile, rows: FxHashMap::default() };
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
            if let Some(row) = row {
                let owner = self.owner_of(stack.addresses, key);
                let id = ids.entry(owner).or_insert_with(|| self.row_id(profile, owner));
                if *id != row {
                    continue;
                }
            }
            match selection.group {
                Group::Container | Group::Element => {
                    sums.add(Key::Owner(self.owner_of(stack.addresses, key)), &stack);
                }
                Group::Thread | Group::ThreadId => sums.add_threads(&stack),
                Group::SizeClass => sums.add_by_size(&stack),
                Group::Age => sums.add_by_age(&stack),
                Group::Route => sums.add_by_route(&stack),
                Group::Traceback => {
                    let name = self.traceback(stack.addresses, selection.depth);
                    tracebacks.add(name.as_deref(), at, RowSum::of_stack(profile, &stack));
                }
                group => sums.add(Key::Place(self.place(stack.addresses, group)), &stack),
            }
        }
        let entries = sums.rows.into_iter().map(|(key, sum)| self.entry(profile, &key, selection.group, sum));
        let mut entries: Vec<_> = entries.collect();
        entries.extend(tracebacks.entries(|at| {
            let stack = profile.stack_at(at)?;
            self.traceback(stack.addresses, selection.depth)
        }));
        TypeTable::new(entries, &mut self.names, profile.recording())
    }

    /// The id of an owner's row.
    fn row_id(&mut self, profile: &HeapProfile, owner: u32) -> RowId {
        let row = self.entry(profile, &Key::Owner(owner), Group::Container, RowSum::default());
        row.id()
    }

    pub(super) fn entry(
        &mut self,
        profile: &HeapProfile,
        key: &Key,
        group: Group,
        RowSum { estimate, memory }: RowSum,
    ) -> TypeEntry {
        let named = |name: &str, is_known| TypeEntry::named(name.to_owned(), is_known, estimate);
        let entry = match key {
            Key::Owner(handle) => {
                let (owner, names) = (&self.owners[*handle as usize], &mut self.names);
                let whole = owner.type_or_function(Qualify::Whole, names);
                let is_attributed = owner.is_type();
                let names = if group == Group::Element && is_attributed {
                    let short = owner.type_or_function(Qualify::Last, names);
                    (element_of(&short).to_owned(), element_of(&whole).to_owned())
                } else {
                    (owner.name(Qualify::Last, names), whole)
                };
                TypeEntry::new(names, is_attributed, estimate)
            }
            Key::Place(Some(place)) => named(place, true),
            Key::Place(None) => named("unknown code", false),
            Key::Thread(id) => {
                let thread = profile.thread(*id);
                let name = if group == Group::Thread { thread.shared_name() } else { thread.own_name() };
                TypeEntry { threads: 1, ..named(&name, true) }
            }
            Key::SizeClass(size) => named(&format!("{size} bytes"), true),
            Key::Age(age) => named(age.name(), *age != AgeBucket::Unknown),
            Key::Route(Some(label)) => named(profile.label(*label).unwrap_or(NO_ROUTE_RECORDED), true),
            Key::Route(None) => named(NO_ROUTE_RECORDED, false),
        };
        TypeEntry { memory, ..entry }
    }

    /// Names and files of all frames of a stack, for text searches.
    fn texts<'a>(&'a self, addresses: &'a [u64]) -> impl Iterator<Item = &'a str> + 'a {
        let frames = addresses.iter().flat_map(|address| self.symbolizer.frames(*address));
        frames.flat_map(|frame| {
            let function = self.symbolizer.table().function(frame.function);
            [function.name.as_deref(), function.file.as_deref()].into_iter().flatten()
        })
    }

    /// The place in the service where a stack allocates. `None` if no frame shows it.
    fn place(&mut self, addresses: &[u64], group: Group) -> Option<String> {
        let frames = self.frames_of(addresses);
        let steps = self.steps(&frames);
        let frame = frames[place::allocation_site(&steps)?];
        let file = self.symbolizer.table().function(frame.function).file.as_deref();
        match group {
            Group::File => Some(file?.to_owned()),
            Group::Line => Some(format!("{}:{}", file?, frame.line)),
            Group::Crate => place::crate_name(&steps),
            _ => place::function(&steps),
        }
    }

    /// The traceback of a stack, beginning with the function that was called on a container. `None` without frames.
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
}
