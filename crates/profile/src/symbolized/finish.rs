//! Finishes a profile: puts it into an order that depends only on its contents.

use std::sync::Arc;

use super::build::{Builder, Names, extend};
use super::intern::{Interner, Order};
use super::profile::{Location, NamedSample, NamedStack, ProfileKind, SymbolizedProfile};
use crate::sample::SampleRate;

impl SymbolizedProfile {
    /// Makes a profile of live memory without samples.
    pub fn empty(sample_rate: SampleRate) -> Self {
        Builder::new(ProfileKind::Live, sample_rate).finish()
    }
}

impl Builder {
    /// Makes the profile, without empty stacks and unused names.
    pub(crate) fn finish(self) -> SymbolizedProfile {
        self.finish_with_names().0
    }

    /// Makes the profile, and returns all known names for the next profile.
    pub(crate) fn finish_with_names(mut self) -> (SymbolizedProfile, Names) {
        let (mut mappings, mut functions) = (self.mappings.order(), self.names.functions.order());
        let mut locations = order_of_locations(&self.locations, &mappings, &functions);
        let (mut owners, mut places) = (self.names.owners.order(), self.names.places.order());
        let mut threads = self.threads.order();

        // Handles become ranks. Once it is known which ranks remain, the ranks become positions. Neither step changes
        // the order.
        self.stack_locations.iter_mut().for_each(|location| *location = locations.rank(*location));
        self.samples.iter_mut().for_each(|sample| sample.thread = threads.rank(sample.thread));
        for stack in &mut self.stacks {
            (stack.owner, stack.place) = (owners.rank(stack.owner), places.rank(stack.place));
        }
        let mut profile = self.merged();
        profile.stack_locations.iter().for_each(|location| locations.mark(*location));
        for location in locations.marked().map(|handle| self.locations.get(handle)) {
            location.mapping.iter().for_each(|mapping| mappings.mark(mappings.rank(*mapping)));
            location.lines.iter().for_each(|line| functions.mark(functions.rank(line.function)));
        }
        for stack in &profile.stacks {
            owners.mark(stack.owner);
            places.mark(stack.place);
        }
        profile.samples.iter().for_each(|sample| threads.mark(sample.thread));

        let (of_mappings, of_functions) = (mappings.positions(), functions.positions());
        let mut values = self.locations.into_values();
        let with_positions = |handle: u32| {
            let mut location = std::mem::take(&mut values[handle as usize]);
            location.mapping = location.mapping.map(|handle| of_mappings[mappings.rank(handle) as usize]);
            for line in Arc::make_mut(&mut location.lines) {
                line.function = of_functions[functions.rank(line.function) as usize];
            }
            location
        };
        profile.locations = locations.marked().map(with_positions).collect();
        profile.mappings = self.mappings.marked(&mappings);
        profile.functions = self.names.functions.marked(&functions);
        profile.owners = self.names.owners.marked(&owners);
        profile.places = self.names.places.marked(&places);
        profile.threads = self.threads.marked(&threads);

        let [locations, owners, places, threads] =
            [locations, owners, places, threads].map(|order| order.positions());
        profile.stack_locations.iter_mut().for_each(|location| *location = locations[*location as usize]);
        profile.samples.iter_mut().for_each(|sample| sample.thread = threads[sample.thread as usize]);
        for stack in &mut profile.stacks {
            stack.owner = owners[stack.owner as usize];
            stack.place = places[stack.place as usize];
        }
        (profile, self.names)
    }

    /// The stacks in order, without empty stacks. Equal stacks are merged. Names are still missing.
    fn merged(&self) -> SymbolizedProfile {
        let mut profile = SymbolizedProfile {
            kind: self.kind,
            sample_rate: self.sample_rate,
            large_below: self.large_below,
            mappings: Vec::new(),
            functions: Vec::new(),
            locations: Vec::new(),
            owners: Vec::new(),
            places: Vec::new(),
            threads: Vec::new(),
            stacks: Vec::with_capacity(self.stacks.len()),
            stack_locations: Vec::with_capacity(self.stack_locations.len()),
            samples: Vec::with_capacity(self.samples.len()),
        };
        let locations = |stack: &NamedStack| {
            &self.stack_locations[stack.locations.start as usize..stack.locations.end as usize]
        };
        let key = |stack: &NamedStack| (locations(stack), stack.owner, stack.place, stack.is_sized);
        let mut stacks: Vec<&NamedStack> = self.stacks.iter().collect();
        // A stable sort is fast here, because the merged profiles are each in order.
        stacks.sort_by(|a, b| key(a).cmp(&key(b)));
        let mut samples = Vec::new();
        for equal in stacks.chunk_by(|a, b| key(a) == key(b)) {
            let parts = equal.iter().map(|stack| stack.samples.start as usize..stack.samples.end as usize);
            samples.extend(parts.flat_map(|part| &self.samples[part]));
            sum_by_thread(&mut samples);
            if samples.is_empty() {
                continue;
            }
            profile.stacks.push(NamedStack {
                locations: extend(&mut profile.stack_locations, locations(equal[0]).iter().copied()),
                owner: equal[0].owner,
                place: equal[0].place,
                is_sized: equal[0].is_sized,
                samples: extend(&mut profile.samples, samples.drain(..)),
            });
        }
        profile
    }
}

/// The order of locations, given the order of mappings and functions.
fn order_of_locations(locations: &Interner<Location>, mappings: &Order, functions: &Order) -> Order {
    let lines = |handle: u32| {
        locations.get(handle).lines.iter().map(|line| (functions.rank(line.function), line.line))
    };
    let key = |handle| {
        let Location { mapping, address, .. } = locations.get(handle);
        (mapping.map(|mapping| mappings.rank(mapping)), *address, handle)
    };
    let mut keys: Vec<_> = (0..).take(locations.len()).map(key).collect();
    // An address rarely has more than one location.
    keys.sort_unstable_by(|a, b| (a.0, a.1).cmp(&(b.0, b.1)).then_with(|| lines(a.2).cmp(lines(b.2))));
    Order::new(keys.into_iter().map(|(.., handle)| handle).collect())
}

/// Merges the samples of each thread, sorts by thread, and removes empty samples.
fn sum_by_thread(samples: &mut Vec<NamedSample>) {
    samples.sort_unstable_by_key(|sample| sample.thread);
    samples.dedup_by(|later, first| {
        let is_same = later.thread == first.thread;
        if is_same {
            first.live += later.live;
            first.allocated += later.allocated;
        }
        is_same
    });
    samples.retain(|sample| !(sample.live.is_zero() && sample.allocated.is_zero()));
}
