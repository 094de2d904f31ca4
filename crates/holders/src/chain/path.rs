//! One way from a pointer up to a root.

use std::collections::VecDeque;

/// Holders that a chain keeps at its beginning and at its end. Between them lie further nodes of a long list.
const FIRST: usize = 24;
pub(super) const LAST: usize = 8;

/// A way from a pointer to a root.
#[derive(Clone, Debug, Default)]
pub(super) struct Path {
    /// The first regions, the direct holder first, and the last ones.
    pub(super) first: Vec<u32>,
    pub(super) last: VecDeque<u32>,
    /// All regions.
    pub(super) steps: u32,
    pub(super) root_word: usize,
    /// The bits that the steps take.
    pub(super) bits: u32,
    /// Regions to which something else points, too.
    pub(super) forks: Vec<Fork>,
}

/// A region of a path to which something else points, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fork {
    pub(super) region: u32,
    /// Regions in front of it, or behind it if the way is kept for others.
    pub(super) steps: u32,
    /// Bits of the steps to it, or behind it.
    pub(super) bits: u32,
}

impl Path {
    pub(super) fn keep(&mut self, region: u32) {
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
    pub(super) fn turn(&self, fork: &Fork, step: u32, other: &Self) -> Self {
        let after = fork.steps;
        let kept = self.first.len().min(after as usize + 1);
        let before = fork.bits.saturating_add(step);
        let mut path = Self {
            first: self.first[..kept].to_vec(),
            steps: after,
            root_word: other.root_word,
            bits: before.saturating_add(other.bits),
            ..Self::default()
        };
        other.first.iter().chain(&other.last).for_each(|region| path.keep(*region));
        path.steps = after.saturating_add(1).saturating_add(other.steps);
        path.forks = { other.forks.iter() }
            .map(|fork| Fork {
                steps: fork.steps.saturating_add(after + 1),
                bits: fork.bits.saturating_add(before),
                ..*fork
            })
            .collect();
        path
    }

    pub(super) fn regions(&self) -> impl Iterator<Item = u32> {
        self.first.iter().chain(&self.last).copied()
    }
}
