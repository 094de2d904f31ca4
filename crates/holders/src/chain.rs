//! From a pointer up to its root.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::Range;

use crate::input::ScanInput;
use crate::mark::{Edge, Mark, Source};
use crate::objects::Objects;
use crate::page_map::PageMap;

/// Holders that a chain keeps at its beginning and at its end. Between them lie further nodes of a long list.
const FIRST: usize = 24;
const LAST: usize = 8;

/// A walk leaves a mark at each region with a multiple of this number, so that later walks need not go to the end of a long list again.
const MILESTONE: u32 = 64;

/// Holders of one walk that are remembered because something else points to them, too.
const MAX_FORKS: usize = 64;

/// Walks that look for other roots of one pointer, and of all pointers. Both bound the time of a scan: 500,000 walks take
/// about a second.
const MAX_WALKS: usize = 48;
const MAX_ALL_WALKS: usize = 500_000;

/// A chain of holders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Objects, the direct holder first.
    pub(crate) objects: Vec<u32>,
    /// The word of a root, as an index into the mark's words.
    pub(crate) root_word: usize,
    pub(crate) doubtful: bool,
}

/// What a walk goes by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways<'a> {
    pub(crate) map: &'a PageMap,
    pub(crate) mark: &'a Mark,
    pub(crate) input: &'a ScanInput,
    /// Pointers to samples, sorted by sample.
    pub(crate) edges: &'a [Edge],
    /// For each sample its part of `edges`.
    pub(crate) of_sample: &'a [Range<u32>],
}

impl Ways<'_> {
    /// What else points to a region than what reached it first.
    fn others(&self, region: u32) -> Vec<Source> {
        let extent = self.map.extent_of(region).and_then(|index| self.map.extent(index));
        let Some(sample) = extent.and_then(|extent| extent.sample()) else {
            return self.mark.others.of(region).collect();
        };
        let range = self.of_sample.get(sample).cloned().unwrap_or_default();
        let edges = self.edges.get(range.start as usize..range.end as usize).unwrap_or_default();
        // These are pointers to the sample itself.
        let sources: BTreeSet<Source> =
            edges.iter().filter(|edge| !edge.doubtful).map(|edge| edge.source).collect();
        sources.into_iter().filter(|source| Some(*source) != self.mark.parent(region)).collect()
    }
}

/// A way from a pointer to a root.
#[derive(Clone, Debug, Default)]
struct Path {
    /// The first regions, the direct holder first, and the last ones.
    first: Vec<u32>,
    last: VecDeque<u32>,
    /// All regions.
    steps: u32,
    root_word: usize,
    /// Regions to which something else points, too, each with the number of regions in front of it.
    forks: Vec<(u32, u32)>,
}

impl Path {
    fn keep(&mut self, region: u32) {
        self.steps += 1;
        if self.first.len() < FIRST {
            self.first.push(region);
            return;
        }
        if self.last.len() == LAST {
            self.last.pop_front();
        }
        self.last.push_back(region);
    }

    /// The way up to a region, and from there on another way.
    fn turn(&self, after: u32, other: &Self) -> Self {
        let kept = self.first.len().min(after as usize + 1);
        let mut path = Self {
            first: self.first[..kept].to_vec(),
            steps: after,
            root_word: other.root_word,
            ..Self::default()
        };
        other.first.iter().chain(&other.last).for_each(|region| path.keep(*region));
        path.steps = after.saturating_add(1).saturating_add(other.steps);
        path.forks = other.forks.iter().map(|(region, at)| (*region, at.saturating_add(after + 1))).collect();
        path
    }

    fn regions(&self) -> impl Iterator<Item = u32> {
        self.first.iter().chain(&self.last).copied()
    }
}

/// Walks from pointers up to roots.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    /// The end of each walk, the root last.
    ends: Vec<End>,
    /// For a region the walk that passed it, and how many regions followed.
    milestones: HashMap<u32, (u32, u32)>,
    /// Walks that looked for other roots so far.
    walks: usize,
}

#[derive(Debug)]
struct End {
    /// The last regions.
    regions: VecDeque<u32>,
    root_word: usize,
    /// Forks, each with the number of regions behind it.
    forks: Vec<(u32, u32)>,
}

impl Walker {
    /// The chains that begin with a source: the one over what reached each holder first, and one for each other root that
    /// further pointers lead to. `root_of` names the root of a word. Empty if the source does not lead to a root.
    pub(crate) fn walk(
        &mut self,
        source: Source,
        ways: &Ways<'_>,
        objects: &mut Objects,
        mut root_of: impl FnMut(usize) -> u32,
    ) -> Vec<Chain> {
        let Some(path) = self.path(source, ways) else { return Vec::new() };
        let mut roots = BTreeSet::from([root_of(path.root_word)]);
        let mut seen: BTreeSet<u32> = BTreeSet::new();
        let mut walks = 0;
        let mut chains: Vec<Chain> = chain(&path, ways, objects).into_iter().collect();
        let mut queue = VecDeque::from([path]);
        while let Some(path) = queue.pop_front() {
            let mut further = Vec::new();
            // Words of roots need no walk, and in a tree with pointers in both directions walks go around in circles.
            for (region, at) in path.forks.iter().filter(|(region, _)| seen.insert(*region)) {
                for source in ways.others(*region) {
                    let Some(root_word) = source.root_word() else {
                        further.push((*at, source));
                        continue;
                    };
                    if roots.insert(root_of(root_word)) {
                        let other = path.turn(*at, &Path { root_word, ..Path::default() });
                        chains.extend(chain(&other, ways, objects));
                    }
                }
            }
            for (at, source) in further {
                if walks >= MAX_WALKS || self.walks >= MAX_ALL_WALKS {
                    return chains;
                }
                walks += 1;
                self.walks += 1;
                let Some(other) = self.path(source, ways).map(|other| path.turn(at, &other)) else {
                    continue;
                };
                if roots.insert(root_of(other.root_word)) {
                    chains.extend(chain(&other, ways, objects));
                }
                queue.push_back(other);
            }
        }
        chains
    }

    /// The way over what reached each region first. `None` if it does not end at a root.
    fn path(&mut self, source: Source, ways: &Ways<'_>) -> Option<Path> {
        let mut path = Path::default();
        let mut passed: Vec<(u32, u32)> = Vec::new();
        let mut next = source;
        path.root_word = loop {
            let Some(region) = next.region() else { break next.root_word()? };
            // A mark has no circles. This only bounds the time of a mistake.
            if path.steps > ways.map.next_region {
                return None;
            }
            if let Some((end, left)) = self.milestones.get(&region) {
                let (end, before) = (self.ends.get(*end as usize)?, path.steps);
                let known = end.regions.len().min(*left as usize + 1);
                for region in end.regions.range(end.regions.len() - known..) {
                    path.keep(*region);
                }
                path.steps = before + left + 1;
                let forks = end.forks.iter().filter(|fork| fork.1 <= *left);
                path.forks.extend(forks.map(|(region, behind)| (*region, path.steps - 1 - behind)));
                break end.root_word;
            }
            if region % MILESTONE == 0 {
                passed.push((region, path.steps));
            }
            if path.forks.len() < MAX_FORKS && !ways.others(region).is_empty() {
                path.forks.push((region, path.steps));
            }
            path.keep(region);
            next = ways.mark.parent(region)?;
        };
        if !passed.is_empty() {
            let end = u32::try_from(self.ends.len()).ok()?;
            let regions: Vec<u32> = path.regions().collect();
            let skip = regions.len().saturating_sub(LAST);
            self.ends.push(End {
                regions: regions.into_iter().skip(skip).collect(),
                root_word: path.root_word,
                forks: path.forks.iter().map(|(region, at)| (*region, path.steps - 1 - at)).collect(),
            });
            let last = path.steps - 1;
            self.milestones.extend(passed.into_iter().map(|(region, at)| (region, (end, last - at))));
        }
        Some(path)
    }
}

fn chain(path: &Path, ways: &Ways<'_>, objects: &mut Objects) -> Option<Chain> {
    let objects = path.regions().map(|region| objects.index_of(ways.map, ways.mark, ways.input, region));
    Some(Chain { objects: objects.collect::<Option<_>>()?, root_word: path.root_word, doubtful: false })
}
