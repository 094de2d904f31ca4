//! The pointers that walks go by.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::input::ScanInput;
use crate::mark::{Edge, Mark, Source};
use crate::page_map::{PageMap, Place};

/// The bits that say which word of an object leads on.
pub(crate) fn word_bits(bytes: u64) -> u32 {
    (bytes / 8).max(1).ilog2()
}

/// What a walk goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways<'a> {
    pub(crate) map: &'a PageMap,
    pub(crate) mark: &'a Mark,
    pub(crate) input: &'a ScanInput,
    pub(crate) edges: &'a Edges,
}

/// Pointers to samples.
#[derive(Debug)]
pub(crate) struct Edges {
    /// Sorted by sample. Pointers that are not doubtful come first, and roots before regions, because not all of them become
    /// chains.
    pub(crate) list: Vec<Edge>,
    /// For each sample its part of the list.
    of_sample: Vec<Range<u32>>,
}

impl Edges {
    pub(crate) fn new(mark: &Mark, samples: usize) -> Self {
        let mut list = mark.edges.clone();
        list.sort_unstable_by_key(|edge| {
            (edge.sample, edge.doubtful, edge.source.region(), edge.source, edge.offset)
        });
        list.dedup();
        let mut of_sample: Vec<Range<u32>> = vec![0..0; samples];
        for (at, edge) in list.iter().enumerate() {
            if let (Some(range), Ok(at)) = (of_sample.get_mut(edge.sample as usize), u32::try_from(at)) {
                *range = if range.start == range.end { at..at + 1 } else { range.start..at + 1 };
            }
        }
        Self { list, of_sample }
    }

    /// What has pointers to a sample itself, without doubt.
    fn sources(&self, sample: usize) -> BTreeSet<Source> {
        let range = self.of_sample.get(sample).cloned().unwrap_or_default();
        let edges = self.list.get(range.start as usize..range.end as usize).unwrap_or_default();
        edges.iter().filter(|edge| !edge.doubtful).map(|edge| edge.source).collect()
    }
}

impl Ways<'_> {
    /// The bits that a step from a region to what holds it takes at most, as in [`description_bits`]. The names are not known
    /// yet, but nodes of one kind have the same size.
    ///
    /// [`description_bits`]: crate::description::description_bits
    pub(super) fn bits(&self, region: u32, source: u32) -> u32 {
        match (self.place(region), self.place(source)) {
            (Some(held), Some(holder)) if held.bytes != holder.bytes => word_bits(holder.bytes),
            _ => 0,
        }
    }

    /// Where the object in a region lies.
    pub(crate) fn place(&self, region: u32) -> Option<Place> {
        let extent = self.map.extent(self.map.extent_of(region)?)?;
        let place = self.map.place(&extent, region);
        let Some(object) = extent.sample().and_then(|sample| self.input.samples.get(sample)) else {
            return Some(place);
        };
        Some(Place { address: object.address.address(), bytes: object.sample.usable })
    }

    /// The sample in a region.
    pub(crate) fn sample(&self, region: u32) -> Option<usize> {
        self.map.extent(self.map.extent_of(region)?)?.sample()
    }

    /// What else points to a region than what reached it first.
    pub(super) fn others(&self, region: u32) -> Vec<Source> {
        let Some(sample) = self.sample(region) else { return self.mark.others.of(region).collect() };
        let parent = self.mark.parent(region);
        self.edges.sources(sample).into_iter().filter(|source| Some(*source) != parent).collect()
    }

    /// What points to a region.
    pub(crate) fn sources(&self, region: u32) -> impl Iterator<Item = Source> {
        self.mark.parent(region).into_iter().chain(self.others(region))
    }
}
