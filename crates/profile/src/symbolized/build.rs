//! Puts a profile together, from whatever source, and into its order.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::intern::{Handles, Interner};
use super::{
    Amount, Line, Location, NamedFunction, NamedMapping, NamedSample, NamedStack, Owner, Place, ProfileKind,
    SymbolizedProfile,
};
use crate::sample::SampleRate;

/// A profile that is being put together. Equal stacks become one.
#[derive(Debug)]
pub(crate) struct Builder {
    kind: ProfileKind,
    sample_rate: SampleRate,
    mappings: Interner<NamedMapping>,
    functions: Interner<NamedFunction>,
    locations: Interner<Location>,
    owners: Interner<Owner>,
    places: Interner<Place>,
    threads: Interner<Arc<str>>,
    stacks: FxHashMap<NewStack, Vec<NamedSample>>,
}

/// A stack by the builder's own handles.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NewStack {
    /// Innermost first.
    pub(crate) locations: Box<[u32]>,
    pub(crate) owner: u32,
    pub(crate) place: u32,
}

impl Builder {
    pub(crate) fn new(kind: ProfileKind, sample_rate: SampleRate) -> Self {
        Self {
            kind,
            sample_rate,
            mappings: Interner::default(),
            functions: Interner::default(),
            locations: Interner::default(),
            owners: Interner::default(),
            places: Interner::default(),
            threads: Interner::default(),
            stacks: FxHashMap::default(),
        }
    }

    pub(crate) fn mapping(&mut self, mapping: NamedMapping) -> u32 {
        self.mappings.handle(mapping)
    }

    pub(crate) fn function(&mut self, function: NamedFunction) -> u32 {
        self.functions.handle(function)
    }

    pub(crate) fn location(&mut self, location: Location) -> u32 {
        self.locations.handle(location)
    }

    pub(crate) fn owner(&mut self, owner: Owner) -> u32 {
        self.owners.handle(owner)
    }

    pub(crate) fn place(&mut self, place: Place) -> u32 {
        self.places.handle(place)
    }

    pub(crate) fn thread(&mut self, name: Arc<str>) -> u32 {
        self.threads.handle(name)
    }

    /// Adds to what a stack holds. What was allocated counts only in a profile of that kind.
    pub(crate) fn add(&mut self, stack: NewStack, sample: NamedSample) {
        let knows_allocated = self.kind == ProfileKind::LiveAndAllocated;
        let allocated = if knows_allocated { sample.allocated } else { Amount::default() };
        self.stacks.entry(stack).or_default().push(NamedSample { allocated, ..sample });
    }

    /// Adds all of `profile`, every amount changed by `change`.
    pub(super) fn add_profile(&mut self, profile: &SymbolizedProfile, change: fn(Amount) -> Amount) {
        let adopted = self.adopt(profile);
        for stack in &profile.stacks {
            let new = NewStack {
                locations: adopted.locations_of(profile, stack),
                owner: adopted.owners[stack.owner as usize],
                place: adopted.places[stack.place as usize],
            };
            for sample in profile.samples_of(stack) {
                let (live, allocated) = (change(sample.live), change(sample.allocated));
                let thread = adopted.threads[sample.thread as usize];
                self.add(new.clone(), NamedSample { thread, live, allocated });
            }
        }
    }

    /// Makes the names of `profile` known, without its stacks.
    pub(super) fn adopt(&mut self, profile: &SymbolizedProfile) -> Adopted {
        let mappings: Vec<u32> =
            profile.mappings.iter().map(|mapping| self.mapping(mapping.clone())).collect();
        let functions: Vec<u32> =
            profile.functions.iter().map(|function| self.function(function.clone())).collect();
        let location = |location: &Location| {
            let location = location.with_handles(|at| mappings[at as usize], |at| functions[at as usize]);
            self.locations.handle(location)
        };
        Adopted {
            locations: profile.locations.iter().map(location).collect(),
            owners: profile.owners.iter().map(|owner| self.owner(owner.clone())).collect(),
            places: profile.places.iter().map(|place| self.place(place.clone())).collect(),
            threads: profile.threads.iter().map(|name| self.thread(Arc::clone(name))).collect(),
        }
    }

    /// The profile: without stacks that hold nothing, and without names that then nobody has.
    pub(crate) fn finish(mut self) -> SymbolizedProfile {
        let mut stacks = Vec::with_capacity(self.stacks.len());
        for (stack, mut samples) in std::mem::take(&mut self.stacks) {
            sum_by_thread(&mut samples);
            if !samples.is_empty() {
                stacks.push((stack, samples));
            }
        }
        let used = self.used_by(&stacks);
        let mappings = self.mappings.sorted(&used.mappings);
        let functions = self.functions.sorted(&used.functions);
        let locations = self.locations.sorted(&used.locations);
        let locations = locations.map(|location| {
            location.with_handles(|mapping| mappings.place(mapping), |function| functions.place(function))
        });
        let owners = self.owners.sorted(&used.owners);
        let places = self.places.sorted(&used.places);
        let threads = self.threads.sorted(&used.threads);
        for (stack, samples) in &mut stacks {
            stack.locations.iter_mut().for_each(|location| *location = locations.place(*location));
            stack.owner = owners.place(stack.owner);
            stack.place = places.place(stack.place);
            samples.iter_mut().for_each(|sample| sample.thread = threads.place(sample.thread));
            samples.sort_unstable_by_key(|sample| sample.thread);
        }
        stacks.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));

        let mut profile = SymbolizedProfile {
            kind: self.kind,
            sample_rate: self.sample_rate,
            mappings: mappings.values,
            functions: functions.values,
            locations: locations.values,
            owners: owners.values,
            places: places.values,
            threads: threads.values,
            stacks: Vec::with_capacity(stacks.len()),
            stack_locations: Vec::new(),
            samples: Vec::new(),
        };
        for (NewStack { locations, owner, place }, samples) in stacks {
            let stack = NamedStack {
                locations: extend(&mut profile.stack_locations, &locations),
                owner,
                place,
                samples: extend(&mut profile.samples, &samples),
            };
            profile.stacks.push(stack);
        }
        profile
    }
}

/// The builder's handles for those of a profile.
#[derive(Debug)]
pub(super) struct Adopted {
    locations: Vec<u32>,
    owners: Vec<u32>,
    places: Vec<u32>,
    threads: Vec<u32>,
}

impl Adopted {
    /// A stack by the builder's handles of its locations: of two profiles, equal stacks are equal in these.
    pub(super) fn locations_of(&self, profile: &SymbolizedProfile, stack: &NamedStack) -> Box<[u32]> {
        profile.location_handles(stack).iter().map(|at| self.locations[*at as usize]).collect()
    }
}

/// The handles that stacks have.
struct Used {
    mappings: Handles,
    functions: Handles,
    locations: Handles,
    owners: Handles,
    places: Handles,
    threads: Handles,
}

impl Builder {
    fn used_by(&self, stacks: &[(NewStack, Vec<NamedSample>)]) -> Used {
        let mut used = Used {
            mappings: self.mappings.none(),
            functions: self.functions.none(),
            locations: self.locations.none(),
            owners: self.owners.none(),
            places: self.places.none(),
            threads: self.threads.none(),
        };
        for (stack, samples) in stacks {
            stack.locations.iter().for_each(|location| used.locations.insert(*location));
            used.owners.insert(stack.owner);
            used.places.insert(stack.place);
            samples.iter().for_each(|sample| used.threads.insert(sample.thread));
        }
        for location in used.locations.iter().map(|handle| self.locations.get(handle)) {
            location.mapping.iter().for_each(|mapping| used.mappings.insert(*mapping));
            location.lines.iter().for_each(|line| used.functions.insert(line.function));
        }
        used
    }
}

impl Location {
    fn with_handles(&self, mapping: impl Fn(u32) -> u32, function: impl Fn(u32) -> u32) -> Self {
        let line = |line: &Line| Line { function: function(line.function), ..*line };
        Self {
            mapping: self.mapping.map(mapping),
            address: self.address,
            lines: self.lines.iter().map(line).collect(),
        }
    }
}

/// One sample a thread, and none of nothing.
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

/// Appends `part`, and says where it lies.
fn extend<T: Clone>(whole: &mut Vec<T>, part: &[T]) -> std::ops::Range<u32> {
    let position = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let start = position(whole.len());
    whole.extend_from_slice(part);
    start..position(whole.len())
}
