//! The objects that a result tells of: holders, and what unreachable objects hold.

use std::collections::HashMap;

use crate::input::ScanInput;
use crate::mark::{Mark, Source};
use crate::page_map::{PageMap, Place};

/// The name of an object, as an index into [`Names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) index: u32,
    /// Whether it was inferred from objects that are alike.
    pub(crate) inferred: bool,
}

/// An object of the heap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Object {
    region: u32,
    /// Bytes of its extent in front of it. The allocator shifts large objects and samples, so that they do not share
    /// cache lines.
    shift: u32,
    /// Bytes that the allocator gave it.
    pub(crate) bytes: u64,
    /// The sample that it is.
    pub(crate) sample: Option<u32>,
    /// What reached it first.
    pub(crate) parent: Option<Source>,
    pub(crate) name: Option<Name>,
}

impl Object {
    pub(crate) fn region(&self) -> u32 {
        self.region
    }
}

/// Objects without duplicates.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) list: Vec<Object>,
    by_region: HashMap<u32, u32>,
}

impl Objects {
    /// Objects of some sizes that only have names.
    #[cfg(test)]
    pub(crate) fn named(objects: &[(u64, Option<u32>)]) -> Self {
        let list = objects.iter().map(|(bytes, name)| Object {
            region: 0,
            shift: 0,
            bytes: *bytes,
            sample: None,
            parent: None,
            name: name.map(|index| Name { index, inferred: false }),
        });
        Self { list: list.collect(), by_region: HashMap::new() }
    }

    /// The index of the object in a region. `None` if no extent has the region.
    pub(crate) fn index_of(
        &mut self,
        map: &PageMap,
        mark: &Mark,
        input: &ScanInput,
        region: u32,
    ) -> Option<u32> {
        if let Some(index) = self.by_region.get(&region) {
            return Some(*index);
        }
        let extent = map.extent(map.extent_of(region)?)?;
        let sampled = extent.sample().and_then(|sample| Some((sample, input.samples.get(sample)?)));
        let index = u32::try_from(self.list.len()).ok()?;
        let place = map.place(&extent, region);
        let shift = sampled.map(|(_, object)| object.address.address().saturating_sub(place.address));
        self.list.push(Object {
            region,
            shift: u32::try_from(shift.unwrap_or(0)).ok()?,
            bytes: sampled.map_or(place.bytes, |(_, object)| object.sample.usable),
            sample: sampled.and_then(|(sample, _)| u32::try_from(sample).ok()),
            parent: mark.parent(region),
            name: sampled.map(|(_, object)| Name { index: object.type_index, inferred: false }),
        });
        self.by_region.insert(region, index);
        Some(index)
    }

    /// The object in a region, if it is one of these.
    pub(crate) fn find(&self, region: u32) -> Option<u32> {
        self.by_region.get(&region).copied()
    }

    /// The object in which an address lies, if it is one of these.
    pub(crate) fn at(&self, map: &PageMap, address: u64) -> Option<u32> {
        self.find(map.located(address)?.1)
    }

    pub(crate) fn get(&self, index: u32) -> Option<&Object> {
        self.list.get(index as usize)
    }

    /// Where an object lies. `None` if it must not be read.
    pub(crate) fn place(&self, map: &PageMap, object: &Object) -> Option<Place> {
        let extent = map.extent(map.extent_of(object.region)?)?;
        let place = map.place(&extent, object.region);
        let address = place.address + u64::from(object.shift);
        let bytes = object.bytes.min(place.bytes.saturating_sub(u64::from(object.shift)));
        (!map.is_excluded(address, bytes)).then_some(Place { address, bytes })
    }

    /// Bytes of memory.
    pub(crate) fn own_bytes(&self) -> usize {
        self.list.capacity() * size_of::<Object>() + self.by_region.capacity() * 9
    }
}

/// Names of types, roots and tasks, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    list: Vec<String>,
    indices: HashMap<String, u32>,
}

impl Names {
    /// The names of all types, under their own index.
    pub(crate) fn of_types(types: &[String]) -> Self {
        let mut names = Self { list: types.to_vec(), indices: HashMap::new() };
        for (index, name) in types.iter().enumerate() {
            names.indices.entry(name.clone()).or_insert(index as u32);
        }
        names
    }

    pub(crate) fn intern(&mut self, name: String) -> u32 {
        if let Some(index) = self.indices.get(&name) {
            return *index;
        }
        let index = self.list.len() as u32;
        self.list.push(name.clone());
        self.indices.insert(name, index);
        index
    }

    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        self.indices.get(name).copied()
    }

    pub(crate) fn get(&self, index: u32) -> &str {
        self.list.get(index as usize).map_or("", String::as_str)
    }
}
