//! Describes unreachable memory: what it holds, and whether it holds itself.

use std::collections::{BTreeMap, VecDeque};

use memory_debug_profile::Estimate;

use super::{bytes, bytes_stderr, estimate};
use crate::cycle::{components, held_by};
use crate::holders_report::{HolderLink, UnreachableMemory};
use crate::input::ScanInput;
use crate::link::{Link, LinkKey};
use crate::objects::Names;
use crate::scan::ScanResult;

/// The most rows of what unreachable objects hold, and the most types of a cycle.
const MAX_HELD: usize = 8;
const MAX_CYCLE: usize = 8;

/// The objects of the last scan that no root reaches.
#[derive(Debug)]
pub(super) struct Search<'a> {
    result: &'a ScanResult,
    /// For each object the cycle that it is part of.
    components: Vec<Option<u32>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(result: &'a ScanResult) -> Self {
        Self { result, components: components(result.objects.len(), &result.unreached) }
    }

    /// Describes the unreachable samples of one type.
    pub(super) fn describe(
        &self,
        samples: &[usize],
        input: &ScanInput,
        scans: usize,
        names: &mut Names,
    ) -> UnreachableMemory {
        let mut total = Estimate::default();
        let mut held: BTreeMap<LinkKey, (f64, Link)> = BTreeMap::new();
        let mut cycles: BTreeMap<Vec<LinkKey>, f64> = BTreeMap::new();
        let mut in_no_cycle = 0.0;
        for at in samples {
            let own = estimate(input, *at);
            total += own;
            let object = self.result.samples.get(*at).and_then(|sample| sample.object);
            for link in object.map(|object| self.held(object, names)).unwrap_or_default() {
                held.entry(link.key).or_insert((0.0, link)).0 += own.bytes;
            }
            match object.map(|object| self.cycle(object, names)).filter(|cycle| !cycle.is_empty()) {
                Some(cycle) => *cycles.entry(cycle).or_default() += own.bytes,
                None => in_no_cycle += own.bytes,
            }
        }
        let mut held: Vec<(f64, Link)> = held.into_values().collect();
        held.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.key.cmp(&other.1.key)));
        held.truncate(MAX_HELD);
        // A cycle that explains less than no cycle is a stale word.
        let all: f64 = cycles.values().sum();
        let cycle =
            cycles.into_iter().max_by(|one, other| one.1.total_cmp(&other.1)).filter(|_| all >= in_no_cycle);
        UnreachableMemory {
            bytes: bytes(&total),
            bytes_stderr: bytes_stderr(total, input),
            samples: samples.len() as u64,
            scans: scans as u32,
            holds: held.into_iter().map(|(_, link)| link.finish(names)).collect::<Vec<HolderLink>>(),
            cycle: cycle
                .map(|(keys, _)| keys.iter().map(|key| text(*key, names)).collect())
                .unwrap_or_default(),
        }
    }

    fn link(&self, object: u32, names: &mut Names) -> Option<Link> {
        self.result.objects.get(object as usize).map(|object| Link::new(object, self.result, names))
    }

    /// What an object holds directly, each kind once.
    fn held(&self, object: u32, names: &mut Names) -> Vec<Link> {
        let mut links: Vec<Link> = held_by(&self.result.unreached, object)
            .iter()
            .filter_map(|edge| self.link(edge.1, names))
            .collect();
        links.sort_by_key(|link| link.key);
        links.dedup_by_key(|link| link.key);
        links
    }

    /// The kinds of objects of the cycle that an object is part of, in the order of their pointers. Empty if it is in
    /// none.
    fn cycle(&self, start: u32, names: &mut Names) -> Vec<LinkKey> {
        let component_of = |object: u32| self.components.get(object as usize).copied().flatten();
        let Some(component) = component_of(start) else { return Vec::new() };
        let mut kinds = Vec::new();
        let mut queue = VecDeque::from([start]);
        let mut seen = std::collections::BTreeSet::from([start]);
        while let Some(object) = queue.pop_front() {
            if let Some(link) = self.link(object, names).filter(|link| !kinds.contains(&link.key)) {
                kinds.push(link.key);
            }
            if kinds.len() >= MAX_CYCLE {
                break;
            }
            for (_, held) in held_by(&self.result.unreached, object) {
                if component_of(*held) == Some(component) && seen.insert(*held) {
                    queue.push_back(*held);
                }
            }
        }
        kinds
    }
}

fn text(key: LinkKey, names: &Names) -> String {
    match key {
        LinkKey::Named(name) => names.get(name).to_owned(),
        LinkKey::Unnamed(bytes) => format!("[{bytes} bytes]"),
    }
}
