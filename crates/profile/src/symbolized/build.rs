//! Assembles a symbolized profile from any source.

use std::ops::Range;
use std::sync::Arc;

use super::intern::Interner;
use super::profile::{
    Line, Location, NamedFunction, NamedMapping, NamedSample, NamedStack, Owner, Place, ProfileKind,
    SymbolizedProfile,
};
use crate::amount::Amount;
use crate::sample::SampleRate;
use crate::symbols::stand_in::UNLOADED;

/// A profile under construction. Equal stacks become one.
#[derive(Debug)]
pub(crate) struct Builder {
    pub(super) kind: ProfileKind,
    pub(super) sample_rate: SampleRate,
    /// The value of the same name in [`SymbolizedProfile`]; 0 unless it is set.
    pub(crate) large_below: u32,
    pub(crate) names: Names,
    pub(crate) mappings: Interner<NamedMapping>,
    pub(crate) locations: Interner<Location>,
    pub(crate) threads: Interner<Arc<str>>,
    /// Stacks with the builder's own handles, in order of arrival.
    pub(super) stacks: Vec<NamedStack>,
    pub(super) stack_locations: Vec<u32>,
    pub(super) samples: Vec<NamedSample>,
}

/// Names that the same program has in every profile. The names and their order can be kept from one profile to the
/// next.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) functions: Interner<NamedFunction>,
    pub(crate) owners: Interner<Owner>,
    pub(crate) places: Interner<Place>,
}

impl Builder {
    pub(crate) fn new(kind: ProfileKind, sample_rate: SampleRate) -> Self {
        Self::with_names(kind, sample_rate, Names::default())
    }

    /// A builder that starts with known names. Their handles stay valid.
    pub(crate) fn with_names(kind: ProfileKind, sample_rate: SampleRate, names: Names) -> Self {
        let (mappings, locations, threads) = Default::default();
        let (stacks, stack_locations, samples) = Default::default();
        Self {
            kind,
            sample_rate,
            large_below: 0,
            names,
            mappings,
            locations,
            threads,
            stacks,
            stack_locations,
            samples,
        }
    }

    /// Whether a line stands for unloaded code.
    pub(crate) fn is_unloaded(&self, line: Line) -> bool {
        &*self.names.functions.get(line.function).system_name == UNLOADED
    }

    /// Adds the memory of a stack. `locations` begins with the innermost. Allocated amounts count only in a profile
    /// of that kind. `is_sized` says whether the amounts are from true sizes.
    pub(crate) fn add(
        &mut self,
        locations: impl IntoIterator<Item = u32>,
        (owner, place): (u32, u32),
        is_sized: bool,
        samples: impl IntoIterator<Item = NamedSample>,
    ) {
        let knows_allocated = self.kind == ProfileKind::LiveAndAllocated;
        let samples = samples.into_iter().map(|sample| {
            let allocated = if knows_allocated { sample.allocated } else { Amount::default() };
            NamedSample { allocated, ..sample }
        });
        let locations = extend(&mut self.stack_locations, locations);
        let samples = extend(&mut self.samples, samples);
        self.stacks.push(NamedStack { locations, owner, place, is_sized, samples });
    }

    /// Adds all of `profile`, with `change` applied to every amount.
    pub(super) fn add_profile(&mut self, profile: &SymbolizedProfile, change: fn(Amount) -> Amount) {
        let adopted = self.adopt(profile);
        for stack in &profile.stacks {
            let locations = profile.location_handles(stack).iter().map(|at| adopted.locations[*at as usize]);
            let (owner, place) = (adopted.owners[stack.owner as usize], adopted.places[stack.place as usize]);
            let samples = profile.samples_of(stack).iter().map(|sample| NamedSample {
                thread: adopted.threads[sample.thread as usize],
                live: change(sample.live),
                allocated: change(sample.allocated),
            });
            self.add(locations, (owner, place), stack.is_sized, samples);
        }
    }

    /// Adds the names of `profile`, without its stacks.
    pub(super) fn adopt(&mut self, profile: &SymbolizedProfile) -> Adopted {
        let mappings: Vec<u32> =
            profile.mappings.iter().map(|mapping| self.mappings.handle(mapping.clone())).collect();
        let functions: Vec<u32> =
            profile.functions.iter().map(|function| self.names.functions.handle(function.clone())).collect();
        let location = |location: &Location| {
            let location = location.with_handles(|at| mappings[at as usize], |at| functions[at as usize]);
            self.locations.handle(location)
        };
        Adopted {
            locations: profile.locations.iter().map(location).collect(),
            owners: profile.owners.iter().map(|owner| self.names.owners.handle(owner.clone())).collect(),
            places: profile.places.iter().map(|place| self.names.places.handle(place.clone())).collect(),
            threads: profile.threads.iter().map(|name| self.threads.handle(Arc::clone(name))).collect(),
        }
    }
}

/// The builder's handles for the handles of a profile.
#[derive(Debug)]
pub(super) struct Adopted {
    locations: Vec<u32>,
    owners: Vec<u32>,
    places: Vec<u32>,
    threads: Vec<u32>,
}

impl Adopted {
    /// The builder's handles for the locations of a stack. Equal stacks of two profiles have equal handles.
    pub(super) fn locations_of(&self, profile: &SymbolizedProfile, stack: &NamedStack) -> Box<[u32]> {
        profile.location_handles(stack).iter().map(|at| self.locations[*at as usize]).collect()
    }
}

impl Location {
    pub(super) fn with_handles(&self, mapping: impl Fn(u32) -> u32, function: impl Fn(u32) -> u32) -> Self {
        let line = |line: &Line| Line { function: function(line.function), ..*line };
        Self {
            mapping: self.mapping.map(mapping),
            address: self.address,
            lines: self.lines.iter().map(line).collect(),
        }
    }
}

/// Appends `part`, and returns its position.
pub(super) fn extend<T>(whole: &mut Vec<T>, part: impl IntoIterator<Item = T>) -> Range<u32> {
    let position = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
    let start = position(whole.len());
    whole.extend(part);
    start..position(whole.len())
}
