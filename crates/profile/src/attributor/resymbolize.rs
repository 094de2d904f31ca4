//! Better names for a symbolized profile, e.g. of a stripped program.

use std::iter;
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::{TypeAttributor, known_names};
use crate::attribution::function::FunctionInfo;
use crate::attribution::place;
use crate::attribution::stack::{Attribution, attribute};
use crate::attribution::step::{Step, beyond_allocator};
use crate::mapping::Mapping;
use crate::symbolized::{
    Builder, Line, Location, NamedFunction, NamedMapping, NamedSample, NamedStack, Owner, Place,
    SymbolizedProfile,
};
use crate::symbols::frames::{Frame, Function};
use crate::symbols::stand_in::{UNLOADED, WITHOUT_SYMBOLS, is_without_symbols};
use crate::symbols::{LoadObject, Symbolizer};
use crate::type_name::ReadableNames;

/// Distance between the assumed addresses of mappings. No mapping is longer.
const SPACING_BITS: u32 = 38;

impl TypeAttributor {
    /// Adds the names, inlined functions, lines and types from `files` to a profile that lacked them where the
    /// program ran. Forgets what it knew about other profiles.
    ///
    /// Files are identified by build-id, see [`UnstrippedCopies`](crate::UnstrippedCopies). Code of other files keeps
    /// its names, or is named after its file. Amounts, threads and the rate stay. A second run changes nothing.
    pub fn resymbolize(&mut self, profile: &SymbolizedProfile, files: &dyn LoadObject) -> SymbolizedProfile {
        *self = Self::new();
        let mappings: Vec<_> = (1..).zip(&profile.mappings).map(|(at, named)| mapping(at, named)).collect();
        self.symbolizer.forget_others(&mappings);
        self.generation = self.symbolizer.generation;
        let has_file: Vec<_> = iter::zip(&mappings, &profile.mappings)
            .map(|(mapping, named)| {
                let loaded = files.load(mapping);
                // There are many libraries, and the service owns few of them.
                if let Some(error) = loaded.as_ref().err().filter(|_| !named.is_library) {
                    self.symbolizer.note_unreadable(mapping, error);
                }
                loaded.is_ok()
            })
            .collect();
        let address = |location: &Location| {
            let at = location.mapping? as usize;
            let (mapping, named) = (&mappings[at], &profile.mappings[at]);
            let call = mapping.start.checked_add(location.address.checked_sub(named.file_offset)?)?;
            // The symbolizer expects return addresses.
            (has_file[at] && call < mapping.end - 1).then_some(call + 1)
        };
        let addresses: Vec<Option<u64>> = profile.locations.iter().map(address).collect();
        self.symbolizer.resolve_addresses(addresses.iter().copied().flatten(), files);
        let mut naming = Naming::new(profile, &self.symbolizer, &addresses);
        profile.stacks.iter().for_each(|stack| naming.add(stack));
        naming.builder.finish()
    }
}

/// A mapping of the file at an address range of its own.
fn mapping(at: u64, named: &NamedMapping) -> Mapping {
    // Two files can have the same name, but not the same build-id.
    let id = named.build_id.as_ref().map_or_else(|| at.to_string(), ToString::to_string);
    let start = at << SPACING_BITS;
    Mapping {
        start,
        // A call can be the last instruction. It then returns to the address after the mapping.
        end: start + named.length.min((1 << SPACING_BITS) - 2) + 1,
        file_offset: named.file_offset,
        device: String::new(),
        inode: 0,
        path: format!("/{id}/{}", named.file).into(),
        is_deleted: false,
        is_program: !named.is_library,
        build_id: named.build_id.clone(),
    }
}

/// The lines of a location, before and after naming.
struct Lines {
    before: Arc<[Line]>,
    now: Arc<[Line]>,
}

/// A profile that is being named.
struct Naming<'p> {
    profile: &'p SymbolizedProfile,
    builder: Builder,
    /// Parsed names by the builder's function handles.
    infos: FxHashMap<u32, FunctionInfo>,
    mappings: Vec<u32>,
    threads: Vec<u32>,
    /// Lines by location of the profile.
    lines: Vec<Lines>,
    names: ReadableNames,
}

impl<'p> Naming<'p> {
    fn new(profile: &'p SymbolizedProfile, symbolizer: &Symbolizer, addresses: &[Option<u64>]) -> Self {
        let mut builder = Builder::new(profile.kind, profile.sample_rate);
        builder.large_below = profile.large_below;
        let mappings =
            profile.mappings.iter().map(|mapping| builder.mappings.handle(mapping.clone())).collect();
        let threads =
            profile.threads.iter().map(|thread| builder.threads.handle(Arc::clone(thread))).collect();
        let (infos, lines, names) = Default::default();
        let mut naming = Self { profile, builder, infos, mappings, threads, lines, names };
        naming.lines = iter::zip(&profile.locations, addresses)
            .map(|(location, address)| {
                let before: Arc<[Line]> = location.lines.iter().map(|line| naming.line(*line)).collect();
                let now = address.and_then(|address| naming.lines_at(address, symbolizer, before.is_empty()));
                let now = now.or_else(|| before.is_empty().then(|| naming.after_file(location))?);
                Lines { now: now.unwrap_or_else(|| Arc::clone(&before)), before }
            })
            .collect();
        naming
    }

    /// Finds the lines that the files have for an address. `None` if there is no name and no name is `needed`.
    fn lines_at(&mut self, address: u64, symbolizer: &Symbolizer, needed: bool) -> Option<Arc<[Line]>> {
        let frames = symbolizer.frames(address);
        let function = |frame: &Frame| symbolizer.table().function(frame.function);
        if frames.is_empty() || !needed && frames.iter().all(|frame| is_without_symbols(function(frame))) {
            return None;
        }
        let line =
            |frame: &Frame| Line { function: self.function(function(frame).clone(), None), line: frame.line };
        Some(frames.iter().map(line).collect())
    }

    /// Names code without a name after its file. If other code has a file, code without a file was unloaded.
    fn after_file(&mut self, location: &Location) -> Option<Arc<[Line]>> {
        let name = match location.mapping {
            Some(mapping) => format!("{WITHOUT_SYMBOLS}{}", self.profile.mappings[mapping as usize].file),
            None if self.profile.mappings.is_empty() => return None,
            None => UNLOADED.to_owned(),
        };
        let name = Some(name.into());
        let function = self.function(Function::new(name, true, None), None);
        Some([Line { function, line: 0 }].into())
    }

    /// Converts a line of the profile to the builder's handles.
    fn line(&mut self, line: Line) -> Line {
        let NamedFunction { name, system_name, file } = self.profile.function(line).clone();
        // A name from the debug information comes with a file, a symbol does not.
        let function = Function::new(Some(system_name), file.is_none(), file);
        Line { function: self.function(function, Some(name)), ..line }
    }

    /// `name` is the readable name, if it is known.
    fn function(&mut self, function: Function, name: Option<Arc<str>>) -> u32 {
        let info = FunctionInfo::of(&function);
        let name = name.unwrap_or_else(|| info.label().into());
        let system_name = function.name.unwrap_or_default();
        let handle =
            self.builder.names.functions.handle(NamedFunction { name, system_name, file: function.file });
        self.infos.entry(handle).or_insert(info);
        handle
    }

    fn add(&mut self, stack: &NamedStack) {
        let (profile, mut names) = (self.profile, std::mem::take(&mut self.names));
        let handles = profile.location_handles(stack);
        let lines: Vec<Line> =
            handles.iter().flat_map(|at| &*self.lines[*at as usize].now).copied().collect();
        let steps: Vec<_> = lines.iter().filter_map(|line| self.step(*line)).collect();
        let mut left = Vec::with_capacity(handles.len());
        let is_new =
            handles.iter().map(|at| &self.lines[*at as usize]).any(|lines| lines.now != lines.before);
        let mut skip = if is_new { steps.len() - beyond_allocator(&steps).1.len() } else { 0 };
        let mut is_as_before = true;
        for at in handles {
            let Lines { now, before } = &self.lines[*at as usize];
            let skipped = skip.min(now.len());
            skip -= skipped;
            let rest = if skipped == 0 { Arc::clone(now) } else { now[skipped..].into() };
            is_as_before &= rest == *before;
            // A location without a name has no frames of the allocator to leave out.
            if !rest.is_empty() || now.is_empty() {
                left.push((*at, rest));
            }
        }
        let (owner, place) = (&profile.owners[stack.owner as usize], &profile.places[stack.place as usize]);
        let (owner, place) = if is_as_before {
            (owner.clone(), place.clone())
        } else {
            let found = attribute(&steps, &mut names);
            (better_owner(&found, owner, &mut names), self.better_place(&lines, &steps, place))
        };
        self.names = names;
        let locations: Vec<u32> = left.into_iter().map(|(at, lines)| self.location(at, lines)).collect();
        let names = (self.builder.names.owners.handle(owner), self.builder.names.places.handle(place));
        let sample =
            |sample: &NamedSample| NamedSample { thread: self.threads[sample.thread as usize], ..*sample };
        let samples: Vec<_> = profile.samples_of(stack).iter().map(sample).collect();
        self.builder.add(locations, names, stack.is_sized, samples);
    }

    fn location(&mut self, at: u32, lines: Arc<[Line]>) -> u32 {
        let Location { mapping, address, .. } = self.profile.locations[at as usize];
        let mapping = mapping.map(|mapping| self.mappings[mapping as usize]);
        self.builder.locations.handle(Location { mapping, address, lines })
    }

    fn step(&self, line: Line) -> Option<Step<'_>> {
        Some(Step { info: self.infos.get(&line.function)?, line: line.line })
    }

    /// Picks the better place. `lines` and `steps` belong to the same frames.
    fn better_place(&self, lines: &[Line], steps: &[Step<'_>], known: &Place) -> Place {
        let site = place::allocation_site(steps).map(|at| lines[at]);
        let file = site.and_then(|line| self.builder.names.functions.get(line.function).file.clone());
        if file.is_none() && known.function.is_some() {
            return known.clone();
        }
        known_names::place(steps, file, site.map(|line| line.line))
    }
}

/// Picks the better owner. Where the program ran, the allocator's frames may have been removed, and with them the
/// frames that identified the type.
fn better_owner(found: &Attribution, known: &Owner, names: &mut ReadableNames) -> Owner {
    if known.is_attributed && !found.is_type() {
        return known.clone();
    }
    known_names::owner(found, names)
}

#[cfg(test)]
mod tests;
