//! From a pointer up to its root.

mod path;
mod ways;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, VecDeque};

use crate::mark::Source;
use crate::objects::Objects;
use path::{Fork, LAST, Path};
pub(crate) use ways::{Edges, Ways, word_bits};

/// A walk leaves a mark at each region with a multiple of this number, so that later walks need not go to the end of a long list again.
const MILESTONE: u32 = 64;

/// Holders of one walk that are remembered because something else points to them, too.
const MAX_FORKS: usize = 64;

/// Walks that look for other roots of one pointer, and of all pointers. Both bound the time of a scan: 500,000 walks take
/// about a second.
const MAX_WALKS: usize = 128;
const MAX_ALL_WALKS: usize = 500_000;

/// A chain of holders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Objects, the direct holder first.
    pub(crate) objects: Vec<u32>,
    /// The word of a root, as an index into the mark's words.
    pub(crate) root_word: usize,
    /// Where in the direct holder the pointer to the sample is, in bytes.
    pub(crate) offset: u32,
    pub(crate) doubtful: bool,
    /// Whether it enters a list or a tree at an inner node (`inner_nodes`).
    pub(crate) is_inner: bool,
}

/// Walks from pointers up to roots.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    /// The end of each walk, the root last.
    ends: Vec<End>,
    /// Regions that a walk passed.
    milestones: HashMap<u32, Milestone>,
    /// Walks that looked for other roots so far.
    walks: usize,
}

#[derive(Debug)]
struct End {
    /// The last regions.
    regions: VecDeque<u32>,
    root_word: usize,
    /// Its forks, with what is behind them.
    forks: Vec<Fork>,
}

/// What follows a region: the walk that passed it, and the regions and bits behind the region.
#[derive(Clone, Copy, Debug)]
struct Milestone {
    end: u32,
    steps: u32,
    bits: u32,
}

/// A turn that a walk can take: the bits of the way up to it and of the step, then the order in which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    bits: u32,
    number: usize,
    /// The path, as an index, and its fork.
    path: usize,
    fork: usize,
    source: Source,
}

impl Walker {
    /// The chains that begin with a source: the one over what reached each holder first, and those to other roots, or over
    /// shorter ways, that further pointers lead to. The likeliest turns come first: many dead words lead into a long list, and only the way
    /// along its nodes leads to its root. `root_of` names the root of a word. Empty if the source does not lead to a root.
    pub(crate) fn walk(
        &mut self,
        source: Source,
        ways: &Ways<'_>,
        objects: &mut Objects,
        mut root_of: impl FnMut(usize) -> u32,
    ) -> Vec<Chain> {
        let Some(path) = self.path(source, ways) else { return Vec::new() };
        // Many words have one name: each thread has the same thread-locals. So a shorter way to a known root counts, too.
        let mut roots = BTreeMap::from([(root_of(path.root_word), path.bits)]);
        let mut is_better = |root: u32, bits: u32| {
            let known = roots.entry(root).or_insert(u32::MAX);
            let is_better = bits < *known;
            *known = bits.min(*known);
            is_better
        };
        let mut seen: BTreeSet<u32> = BTreeSet::new();
        let mut chains: Vec<Chain> = chain(&path, ways, objects).into_iter().collect();
        let mut turns: BinaryHeap<Reverse<Turn>> = BinaryHeap::new();
        let (mut number, mut paths) = (0_usize, Vec::new());
        let mut next = Some(path);
        while let Some(path) = next {
            // In a tree with pointers in both directions walks go around in circles.
            for (at, fork) in path.forks.iter().enumerate().filter(|(_, fork)| seen.insert(fork.region)) {
                for source in ways.others(fork.region) {
                    if let Some(region) = source.region() {
                        let bits = fork.bits.saturating_add(ways.bits(fork.region, region));
                        turns.push(Reverse(Turn { bits, number, path: paths.len(), fork: at, source }));
                        number += 1;
                    } else if let Some(root_word) = source.root_word()
                        && is_better(root_of(root_word), fork.bits)
                    {
                        // Words of roots need no walk.
                        let other = path.turn(fork, 0, &Path { root_word, ..Path::default() });
                        chains.extend(chain(&other, ways, objects));
                    }
                }
            }
            paths.push(path);
            next = None;
            while next.is_none() && paths.len() <= MAX_WALKS && self.walks < MAX_ALL_WALKS {
                let Some(Reverse(turn)) = turns.pop() else { break };
                self.walks += 1;
                next = self.turn(&turn, &paths, ways);
            }
            if let Some(other) = next.as_ref()
                && is_better(root_of(other.root_word), other.bits)
            {
                chains.extend(chain(other, ways, objects));
            }
        }
        chains
    }

    /// The way that takes a turn.
    fn turn(&mut self, turn: &Turn, paths: &[Path], ways: &Ways<'_>) -> Option<Path> {
        let path = paths.get(turn.path)?;
        let fork = path.forks.get(turn.fork)?;
        let other = self.path(turn.source, ways)?;
        Some(path.turn(fork, turn.bits.saturating_sub(fork.bits), &other))
    }

    /// The way over what reached each region first. `None` if it does not end at a root.
    fn path(&mut self, source: Source, ways: &Ways<'_>) -> Option<Path> {
        let mut path = Path::default();
        let mut passed: Vec<(u32, u32, u32)> = Vec::new();
        let mut next = source;
        path.root_word = loop {
            let Some(region) = next.region() else { break next.root_word()? };
            // A mark has no circles. This only bounds the time of a mistake.
            if path.steps > ways.map.next_region {
                return None;
            }
            if let Some(Milestone { end, steps, bits }) = self.milestones.get(&region) {
                let end = self.ends.get(*end as usize)?;
                let (before, bits_before) = (path.steps, path.bits);
                let known = end.regions.len().min(*steps as usize + 1);
                for region in end.regions.range(end.regions.len() - known..) {
                    path.keep(*region);
                }
                path.steps = before + steps + 1;
                path.bits = bits_before.saturating_add(*bits);
                let behind = end.forks.iter().filter(|fork| fork.steps <= *steps);
                path.forks.extend(behind.map(|fork| Fork {
                    steps: path.steps - 1 - fork.steps,
                    bits: path.bits.saturating_sub(fork.bits),
                    ..*fork
                }));
                break end.root_word;
            }
            if region % MILESTONE == 0 {
                passed.push((region, path.steps, path.bits));
            }
            if path.forks.len() < MAX_FORKS && !ways.others(region).is_empty() {
                path.forks.push(Fork { region, steps: path.steps, bits: path.bits });
            }
            path.keep(region);
            next = ways.mark.parent(region)?;
            if let Some(holder) = next.region() {
                path.bits = path.bits.saturating_add(ways.bits(region, holder));
            }
        };
        if !passed.is_empty() {
            let end = u32::try_from(self.ends.len()).ok()?;
            let regions: Vec<u32> = path.regions().collect();
            let skip = regions.len().saturating_sub(LAST);
            let (last, bits) = (path.steps - 1, path.bits);
            let behind = |fork: &Fork| Fork { steps: last - fork.steps, bits: bits - fork.bits, ..*fork };
            self.ends.push(End {
                regions: regions.into_iter().skip(skip).collect(),
                root_word: path.root_word,
                forks: path.forks.iter().map(behind).collect(),
            });
            self.milestones.extend(passed.into_iter().map(|(region, at, before)| {
                (region, Milestone { end, steps: last - at, bits: bits - before })
            }));
        }
        Some(path)
    }
}

fn chain(path: &Path, ways: &Ways<'_>, objects: &mut Objects) -> Option<Chain> {
    let objects = path.regions().map(|region| objects.index_of(ways.map, ways.mark, ways.input, region));
    Some(Chain { objects: objects.collect::<Option<_>>()?, root_word: path.root_word, ..Chain::default() })
}
