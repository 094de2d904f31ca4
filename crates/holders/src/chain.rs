//! From a pointer up to its root.

use std::collections::{HashMap, VecDeque};

use crate::input::ScanInput;
use crate::mark::{Mark, Source};
use crate::objects::Objects;
use crate::page_map::PageMap;

/// Holders that a chain keeps at its beginning and at its end. Between them lie further nodes of a long list.
const FIRST: usize = 24;
const LAST: usize = 8;

/// A walk leaves a mark at each region with a multiple of this number, so that later walks need not go to the end of a long list again.
const MILESTONE: u32 = 64;

/// A chain of holders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Chain {
    /// Objects, the direct holder first.
    pub(crate) objects: Vec<u32>,
    /// The word of a root, as an index into the mark's words.
    pub(crate) root_word: usize,
    pub(crate) doubtful: bool,
}

/// Walks from pointers up to roots.
#[derive(Debug, Default)]
pub(crate) struct Walker {
    /// The end of each walk, the root last.
    ends: Vec<End>,
    /// For a region the walk that passed it, and how many regions followed.
    milestones: HashMap<u32, (u32, u32)>,
}

#[derive(Debug)]
struct End {
    /// The last regions.
    regions: VecDeque<u32>,
    root_word: usize,
}

impl Walker {
    /// The chain that begins with a source. `None` if it does not end at a root.
    pub(crate) fn walk(
        &mut self,
        source: Source,
        (map, mark, input): (&PageMap, &Mark, &ScanInput),
        objects: &mut Objects,
    ) -> Option<Chain> {
        let (mut first, mut last) = (Vec::new(), VecDeque::new());
        let mut passed: Vec<(u32, u32)> = Vec::new();
        let mut next = source;
        let mut steps = 0_u32;
        let root_word = loop {
            let Some(region) = next.region() else { break next.root_word()? };
            // A mark has no circles. This only bounds the time of a mistake.
            if steps > map.next_region {
                return None;
            }
            steps += 1;
            if let Some((end, left)) = self.milestones.get(&region) {
                let end = self.ends.get(*end as usize)?;
                let known = end.regions.len().min(*left as usize + 1);
                for region in end.regions.range(end.regions.len() - known..) {
                    keep(*region, &mut first, &mut last);
                }
                steps += left;
                break end.root_word;
            }
            if region % MILESTONE == 0 {
                passed.push((region, steps));
            }
            keep(region, &mut first, &mut last);
            next = mark.parent(region)?;
        };
        let regions: Vec<u32> = first.iter().chain(&last).copied().collect();
        if !passed.is_empty() {
            let end = u32::try_from(self.ends.len()).ok()?;
            let skip = regions.len().saturating_sub(LAST);
            self.ends.push(End { regions: regions.iter().skip(skip).copied().collect(), root_word });
            self.milestones.extend(passed.into_iter().map(|(region, at)| (region, (end, steps - at))));
        }
        let objects = regions
            .iter()
            .map(|region| objects.index_of(map, mark, input, *region))
            .collect::<Option<_>>()?;
        Some(Chain { objects, root_word, doubtful: false })
    }
}

fn keep(region: u32, first: &mut Vec<u32>, last: &mut VecDeque<u32>) {
    if first.len() < FIRST {
        first.push(region);
        return;
    }
    if last.len() == LAST {
        last.pop_front();
    }
    last.push_back(region);
}
