//! Chooses one chain for each sample.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::estimate;
use crate::holders_report::{HolderRoot, RootKind};
use crate::input::ScanInput;
use crate::link::{Link, LinkKey, collapse};
use crate::objects::Names;
use crate::scan::{SampleResult, ScanResult};

/// A chain, and what makes it equal to others.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) keys: Vec<LinkKey>,
    pub(super) root_key: RootKey,
    pub(super) links: Vec<Link>,
    pub(super) root: HolderRoot,
    pub(super) doubtful: bool,
    bits: u64,
    /// Other roots that hold the same sample over the same holders.
    pub(super) also: Vec<HolderRoot>,
}

/// Parts of a type that count as different.
const PARTS: f64 = 8.0;

type Key<'a> = (&'a [LinkKey], &'a RootKey);

impl Choice {
    fn key(&self) -> Key<'_> {
        (&self.keys, &self.root_key)
    }
}

type RootKey = (RootKind, Option<String>);

/// Which roots the samples of a type can have.
///
/// In a tree or a list, chains from one root have different forms, but all of them end at the root. So roots are compared
/// before chains.
#[derive(Debug, Default)]
struct RootVotes<'a> {
    /// For each root the bytes of the samples that it can hold, their number, and the sum of their shortest
    /// descriptions.
    votes: BTreeMap<&'a RootKey, (f64, u64, u64)>,
    total: f64,
}

impl<'a> RootVotes<'a> {
    fn count(samples: &[usize], candidates: &'a [Vec<Choice>], input: &ScanInput) -> Self {
        let mut roots = Self::default();
        for (at, choices) in samples.iter().zip(candidates) {
            let bytes = estimate(input, *at).bytes;
            let mut shortest: BTreeMap<&RootKey, u64> = BTreeMap::new();
            for choice in choices.iter().filter(|choice| !choice.doubtful) {
                let bits = shortest.entry(&choice.root_key).or_insert(u64::MAX);
                *bits = choice.bits.min(*bits);
            }
            for (root, bits) in shortest {
                let (sum, count, all) = roots.votes.entry(root).or_default();
                (*sum, *count, *all) = (*sum + bytes, *count + 1, all.saturating_add(bits));
            }
            roots.total += bytes;
        }
        roots
    }

    /// Compares two roots. Of roots that can hold about the same part of a type, the one with the shorter description
    /// comes first: a scan misses a few pointers.
    fn compare(&self, one: &RootKey, other: &RootKey) -> Ordering {
        let part = |root| {
            let (bytes, count, bits) = self.votes.get(root).copied().unwrap_or_default();
            let mean = bits.saturating_mul(16).checked_div(count).unwrap_or(u64::MAX);
            ((bytes / self.total.max(1.0) * PARTS).round() as u64, Reverse(mean))
        };
        part(one).cmp(&part(other))
    }
}

/// The chains of all scans by sample.
#[derive(Debug)]
pub(super) struct Chooser<'a> {
    /// For each sample the latest result that reached it, if possible over a chain without doubt.
    latest: BTreeMap<u64, (&'a ScanResult, &'a SampleResult)>,
    depth: usize,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(results: &'a [ScanResult], depth: usize) -> Self {
        let mut latest: BTreeMap<u64, (&ScanResult, &SampleResult)> = BTreeMap::new();
        let is_sure = |sample: &SampleResult| sample.chains.iter().any(|chain| !chain.doubtful);
        for result in results {
            for sample in result.samples.iter().filter(|sample| !sample.chains.is_empty()) {
                let known = latest.get(&sample.sequence);
                if is_sure(sample) || known.is_none_or(|(_, known)| !is_sure(known)) {
                    latest.insert(sample.sequence, (result, sample));
                }
            }
        }
        Self { latest, depth }
    }

    /// Chooses a chain for each sample of one type: not doubtful if possible, then from the most common root, then the most
    /// common chain, then the one with the shortest description, then the one with the fewest holders. `None` if no scan reached the sample.
    pub(super) fn choose(
        &self,
        samples: &[usize],
        input: &ScanInput,
        names: &mut Names,
    ) -> Vec<Option<Choice>> {
        let candidates: Vec<Vec<Choice>> =
            samples.iter().map(|at| self.candidates(*at, input, names)).collect();
        let roots = RootVotes::count(samples, &candidates, input);
        // Each chain with the bytes of the samples that have it.
        let mut common: BTreeMap<Key<'_>, f64> = BTreeMap::new();
        for (at, choices) in samples.iter().zip(&candidates) {
            let bytes = estimate(input, *at).bytes;
            let mut keys: Vec<Key<'_>> =
                choices.iter().filter(|choice| !choice.doubtful).map(Choice::key).collect();
            keys.sort_unstable();
            keys.dedup();
            keys.into_iter().for_each(|key| *common.entry(key).or_default() += bytes);
        }
        candidates
            .iter()
            .map(|choices| {
                let best = choices.iter().max_by(|one, other| {
                    let common = |choice: &Choice| common.get(&choice.key()).copied().unwrap_or(0.0);
                    (!one.doubtful)
                        .cmp(&!other.doubtful)
                        .then_with(|| roots.compare(&one.root_key, &other.root_key))
                        .then_with(|| common(one).total_cmp(&common(other)))
                        .then_with(|| other.bits.cmp(&one.bits))
                        .then_with(|| other.links.len().cmp(&one.links.len()))
                        .then_with(|| other.key().cmp(&one.key()))
                })?;
                let mut also: Vec<HolderRoot> = choices
                    .iter()
                    .filter(|choice| {
                        !choice.doubtful && choice.keys == best.keys && choice.root_key != best.root_key
                    })
                    .map(|choice| choice.root.clone())
                    .collect();
                also.sort_by(|one, other| (one.kind, &one.name).cmp(&(other.kind, &other.name)));
                also.dedup();
                Some(Choice { also, ..best.clone() })
            })
            .collect()
    }

    fn candidates(&self, at: usize, input: &ScanInput, names: &mut Names) -> Vec<Choice> {
        let found = input.samples.get(at).and_then(|object| self.latest.get(&object.sample.sequence));
        let Some((result, sample)) = found else { return Vec::new() };
        let chains = sample.chains.iter().map(|chain| {
            let objects = chain.objects.iter().filter_map(|index| result.objects.get(*index as usize));
            let mut links = collapse(objects.map(|object| Link::new(object, result, names)));
            links.truncate(self.depth);
            let root = result.roots.get(chain.root as usize).cloned().unwrap_or_default();
            Choice {
                keys: links.iter().map(|link| link.key).collect(),
                root_key: (root.kind, root.name.clone()),
                links,
                root,
                doubtful: chain.doubtful,
                bits: chain.bits,
                also: Vec::new(),
            }
        });
        chains.collect()
    }
}
