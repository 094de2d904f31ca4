//! Turns a profile of addresses into a profile of names.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::TypeAttributor;
use super::known_names::{self, KnownNames, Site};
use crate::amount::Amount;
use crate::attribution::place;
use crate::attribution::step::beyond_allocator;
use crate::large::LargeObjects;
use crate::mapping::{Mapping, mapping_of};
use crate::profile::{HeapProfile, Stack};
use crate::sample::Estimate;
use crate::symbolized::{
    Builder, Line, Location, NamedFunction, NamedMapping, NamedSample, ProfileKind, SymbolizedProfile,
};
use crate::symbols::LoadObject;
use crate::symbols::frames::Frame;

impl TypeAttributor {
    /// Makes a profile with names and types, which needs neither the process nor its files. Reads missing build-ids
    /// from `files`.
    ///
    /// Stacks begin with the code that asked for memory. The allocator's own frames are left out.
    pub fn symbolize(&mut self, profile: &HeapProfile, files: &dyn LoadObject) -> SymbolizedProfile {
        let keys = self.prepare(profile, files);
        self.symbolizer.read_build_ids(files);
        let mappings = self.symbolizer.mappings.to_vec();
        let knows_allocated = profile.stacks().any(|stack| stack.accumulated.objects > 0);
        let kind = if knows_allocated { ProfileKind::LiveAndAllocated } else { ProfileKind::Live };
        let mut named = std::mem::take(&mut self.named);
        let mut builder = Builder::with_names(kind, profile.sample_rate(), std::mem::take(&mut named.names));
        builder.large_below = profile.large_objects.map_or(0, LargeObjects::millionths_of_gap);
        let mut naming = Naming::new(profile, &mappings, named, builder);
        for (stack, key) in profile.stacks().zip(keys) {
            if self.is_first_sample(profile.sample_rate(), stack, key) {
                continue;
            }
            self.add_stack(stack, key, &mut naming);
        }
        let (symbolized, names) = naming.builder.finish_with_names();
        self.named = KnownNames { names, ..naming.named };
        symbolized
    }

    fn add_stack(&mut self, stack: Stack<'_>, key: u64, naming: &mut Naming<'_>) {
        let Site { place, of_allocator } = self.site_of(stack.addresses, key, naming);
        let owner = self.owner_of(stack.addresses, key);
        let owner = self.owner(owner, naming);
        self.find_locations(stack.addresses, of_allocator as usize, naming);

        // jemalloc does not divide total allocations by thread, so they go to the first thread.
        let mut allocated = Amount::from(naming.profile.estimator().estimate(stack.accumulated));
        let rest = naming.profile.rest_estimate(&stack);
        let sized = naming.profile.sized_estimate(&stack);
        for (part, is_sized) in [(rest, false), (sized, true)] {
            naming.divide(stack, part, &mut allocated);
            let Naming { builder, stack, samples, .. } = naming;
            builder.add(stack.iter().copied(), (owner, place), is_sized, samples.iter().copied());
        }
    }

    /// Finds where a stack allocates. The result is remembered by hash, like owners.
    fn site_of(&mut self, addresses: &[u64], key: u64, naming: &mut Naming<'_>) -> Site {
        if let Some(site) = naming.named.sites.get(&key) {
            return *site;
        }
        let frames = self.frames_of(addresses);
        let steps = self.steps(&frames);
        let site_frame = place::allocation_site(&steps);
        let file =
            site_frame.and_then(|at| self.symbolizer.table().function(frames[at].function).file.clone());
        let place = known_names::place(&steps, file, site_frame.map(|at| frames[at].line));
        let of_allocator = steps.len() - beyond_allocator(&steps).1.len();
        let of_allocator = u32::try_from(of_allocator).unwrap_or(u32::MAX);
        let site = Site { place: naming.builder.names.places.handle(place), of_allocator };
        naming.named.sites.insert(key, site);
        site
    }

    fn owner(&mut self, handle: u32, naming: &mut Naming<'_>) -> u32 {
        let Naming { named, builder, .. } = naming;
        *named.owners.entry(handle).or_insert_with(|| {
            let (attribution, names) = (&self.owners[handle as usize], &mut self.names);
            builder.names.owners.handle(known_names::owner(attribution, names))
        })
    }

    /// The locations of a stack without its first `skip` frames.
    fn find_locations(&self, addresses: &[u64], mut skip: usize, naming: &mut Naming<'_>) {
        naming.stack.clear();
        for address in addresses {
            if skip == 0
                && let Some(location) = naming.locations.get(address)
            {
                naming.stack.push(*location);
                continue;
            }
            let frames = self.symbolizer.frames(*address);
            let skipped = skip.min(frames.len());
            skip -= skipped;
            if skipped == 0 || skipped < frames.len() {
                let lines = frames[skipped..].iter().map(|frame| self.line(frame, naming)).collect();
                let location = naming.location(*address, lines);
                naming.stack.push(location);
                if skipped == 0 {
                    naming.locations.insert(*address, location);
                }
            }
        }
    }

    fn line(&self, frame: &Frame, naming: &mut Naming<'_>) -> Line {
        let Naming { named, builder, .. } = naming;
        let index = frame.function.index();
        let function = *named.functions.entry(index as u32).or_insert_with(|| {
            let function = self.symbolizer.table().function(frame.function);
            let info = self.functions.get(index).and_then(Option::as_ref);
            let system_name = function.name.clone().unwrap_or_default();
            let name = info.map_or_else(|| Arc::clone(&system_name), |info| info.label().into());
            builder.names.functions.handle(NamedFunction { name, system_name, file: function.file.clone() })
        });
        Line { function, line: frame.line }
    }
}

/// A profile that is being named, with the builder's handles for the parts of this process.
struct Naming<'p> {
    profile: &'p HeapProfile,
    mappings: &'p [Mapping],
    named: KnownNames,
    builder: Builder,
    /// Locations of addresses that keep all their frames.
    locations: FxHashMap<u64, u32>,
    /// Handles by first address.
    named_mappings: FxHashMap<u64, u32>,
    threads: FxHashMap<u64, u32>,
    /// The locations of the current stack.
    stack: Vec<u32>,
    samples: Vec<NamedSample>,
}

impl<'p> Naming<'p> {
    fn new(profile: &'p HeapProfile, mappings: &'p [Mapping], named: KnownNames, builder: Builder) -> Self {
        let (locations, named_mappings, threads, stack, samples) = Default::default();
        Self { profile, mappings, named, builder, locations, named_mappings, threads, stack, samples }
    }

    /// Divides a part of a stack among its threads, as the dump divides the whole. The first thread gets `allocated`.
    fn divide(&mut self, stack: Stack<'_>, part: Estimate, allocated: &mut Amount) {
        let estimator = self.profile.estimator();
        let whole = estimator.estimate(stack.live);
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let (objects, bytes) = (share(part.objects, whole.objects), share(part.bytes, whole.bytes));
        // After rounding and un-biasing, the threads' parts can differ from the whole, which the tables sum. So the
        // last thread gets the remainder.
        let mut rest = Amount::from(part);
        self.samples.clear();
        for (at, sample) in (1..).zip(stack.threads) {
            let is_last = at == stack.threads.len();
            let of_thread = estimator.estimate(sample.live);
            let of_part = Estimate {
                objects: of_thread.objects * objects,
                bytes: of_thread.bytes * bytes,
                ..Estimate::default()
            };
            let live = if is_last { rest } else { Amount::from(of_part) };
            rest += -live;
            let (thread, allocated) = (self.thread(sample.thread), std::mem::take(allocated));
            self.samples.push(NamedSample { thread, live, allocated });
        }
    }

    fn thread(&mut self, id: u64) -> u32 {
        let Self { profile, builder, threads, .. } = self;
        *threads.entry(id).or_insert_with(|| builder.threads.handle(profile.thread(id).own_name().into()))
    }

    /// The location of a return address. The call is at least one byte before it.
    fn location(&mut self, address: u64, lines: Arc<[Line]>) -> u32 {
        let call = address.saturating_sub(1);
        let is_of_file = |mapping: &&Mapping| {
            let is_there = || !lines.iter().any(|line| self.builder.is_unloaded(*line));
            mapping.has_file() && is_there()
        };
        let mapping = mapping_of(self.mappings, call).filter(is_of_file);
        let offset = mapping.and_then(|mapping| mapping.file_offset_of(call));
        let mapping = mapping.map(|mapping| self.mapping(mapping));
        // An address outside of all files means nothing on another machine, and would reveal where this process has
        // its code.
        self.builder.locations.handle(Location { mapping, address: offset.unwrap_or(0), lines })
    }

    fn mapping(&mut self, mapping: &'p Mapping) -> u32 {
        let Self { builder, named_mappings, .. } = self;
        // Among mappings with the same first address, this always finds the same mapping.
        *named_mappings.entry(mapping.start).or_insert_with(|| {
            builder.mappings.handle(NamedMapping {
                is_library: !mapping.is_program,
                file: mapping.file_name().into(),
                build_id: mapping.build_id.clone(),
                file_offset: mapping.file_offset,
                length: mapping.end - mapping.start,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::selection::{Group, Selection, TracebackDepth};

    const DUMP: &str = "heap_v2/524288\n  t*: 12: 768 [30: 1920]\n  t1: 12: 768 [0: 0] main\n  t7: 0: 0 [0: 0]\n\
        @ 0x1010 0x2020\n  t*: 11: 704 [30: 1920]\n  t1: 10: 640 [0: 0]\n  t7: 1: 64 [0: 0]\n\
        @ 0x1010 0x9999\n  t*: 1: 64 [0: 0]\n  t1: 1: 64 [0: 0]\n\n\
        MAPPED_LIBRARIES:\n1000-2000 r-xp 500 fe:00 9 /srv/app\n2000-3000 r-xp 0 fe:00 8 /lib/b.so\n";

    fn symbolized(dump: &str) -> (HeapProfile, TypeAttributor, SymbolizedProfile) {
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let mut attributor = TypeAttributor::new();
        let symbolized = attributor.symbolize(&profile, &no_files);
        (profile, attributor, symbolized)
    }

    fn no_files(_: &Mapping) -> std::io::Result<crate::symbols::FileData> {
        Err(std::io::ErrorKind::NotFound.into())
    }

    /// Every group, and tracebacks of several depths.
    fn selections() -> impl Iterator<Item = Selection> {
        let depths = [1, 2, 3, 32].into_iter().filter_map(TracebackDepth::new);
        Group::ALL.into_iter().map(Selection::from).chain(depths.map(Selection::by_traceback))
    }

    fn assert_equal_tables(
        (profile, attributor, symbolized): &mut (HeapProfile, TypeAttributor, SymbolizedProfile),
        files: &dyn LoadObject,
    ) {
        for selection in selections() {
            let of_addresses = attributor.summarize(profile, files, &selection);
            let of_names = symbolized.summarize(&selection);
            assert_eq!(of_addresses.entries.len(), of_names.entries.len(), "{selection:?}");
            for (a, b) in of_addresses.entries.iter().zip(&of_names.entries) {
                assert_eq!((&a.type_name, &a.full_type), (&b.type_name, &b.full_type), "{selection:?}");
                assert_eq!(a.is_attributed, b.is_attributed, "{selection:?}");
                assert!((a.estimate.bytes - b.estimate.bytes).abs() <= 1.0, "{selection:?} {a:?} {b:?}");
                let errors = (a.estimate.bytes_stderr(), b.estimate.bytes_stderr());
                assert!((errors.0 / errors.1 - 1.0).abs() < 1e-3, "{selection:?} {a:?} {b:?}");
            }
        }
    }

    #[test]
    fn tables_of_names_and_of_addresses_agree() {
        let mut tables = symbolized(DUMP);
        assert_eq!(tables.2.kind(), ProfileKind::LiveAndAllocated);
        assert_equal_tables(&mut tables, &no_files);
    }

    #[inline(never)]
    fn inner<T: std::fmt::Debug>(value: &T) -> usize {
        std::hint::black_box(format!("{value:?}").len())
    }

    #[inline(never)]
    fn outer(value: &u8) -> usize {
        inner(value) + inner(&[*value; 4]) + usize::from(std::hint::black_box(*value))
    }

    /// The test program itself is the executable. The stacks are of its own functions, through the allocator and
    /// around it.
    #[test]
    fn tables_of_names_and_of_addresses_agree_where_there_are_names() {
        let own = |mapping: &Mapping| -> std::io::Result<crate::symbols::FileData> {
            Ok(Box::new(std::fs::read(&mapping.path)?))
        };
        let address = |function: usize, offset: usize| function + offset;
        let inner_u8 = inner::<u8> as fn(&u8) -> usize as usize;
        let inner_array = inner::<[u8; 4]> as fn(&[u8; 4]) -> usize as usize;
        let outer = outer as fn(&u8) -> usize as usize;
        let allocate = std::alloc::alloc_zeroed as *const () as usize;
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut dump = "heap_v2/524288\n  t*: 0: 0 [0: 0]\n  t1: 0: 0 [0: 0] main\n".to_owned();
        for (count, inner) in (3..).zip([inner_u8, inner_array, allocate]) {
            for offset in [1, 2, 9, 17] {
                let stack = [address(inner, offset), address(inner_u8, 5), address(outer, offset), 0x10];
                let bytes = count * 64;
                dump += &format!(
                    "@ {:#x} {:#x} {:#x} {:#x}\n  t*: {count}: {bytes} [0: 0]\n  t1: {count}: {bytes} [0: 0]\n",
                    stack[0], stack[1], stack[2], stack[3]
                );
            }
        }
        dump += &format!("\nMAPPED_LIBRARIES:\n{maps}");
        let profile = HeapProfile::parse(dump.as_bytes()).unwrap();
        let mut attributor = TypeAttributor::new();
        let symbolized = attributor.symbolize(&profile, &own);
        let by_depth =
            |depth| symbolized.summarize(&Selection::by_traceback(TracebackDepth::new(depth).unwrap()));
        let (one, three) = (by_depth(1), by_depth(3));
        assert!(one.entries.len() < three.entries.len(), "{one:?} {three:?}");
        let name = &three.entries[0].type_name;
        assert!(name.contains("outer (") && name.contains("symbolize.rs:") && name.contains(" ← "), "{name}");
        assert_equal_tables(&mut (profile, attributor, symbolized), &own);
    }

    #[test]
    fn s60_keeps_no_address_of_the_process() {
        let symbolized = symbolized(DUMP).2;
        let addresses: Vec<u64> = symbolized.locations.iter().map(|location| location.address).collect();
        assert_eq!(addresses, [0, 0x50f, 0x1f], "outside of all files, and offsets in files");
        let files: Vec<&str> = symbolized.mappings.iter().map(|mapping| &*mapping.file).collect();
        assert_eq!(files, ["app", "b.so"], "without folders, the program first");
    }
}
