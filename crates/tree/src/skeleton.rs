//! The nodes of a call tree without names, and which of them a tree of limited size keeps.

use std::cmp::Reverse;

use crate::path::Path;

/// All nodes of a call tree, without names. Node 0 is the root, and a node comes after its parent.
#[derive(Debug)]
pub(crate) struct Skeleton {
    parents: Vec<u32>,
    /// The memory below each node; with two profiles, the larger of both sums.
    sizes: Vec<u64>,
}

impl Skeleton {
    /// The nodes of sorted paths. `lengths` are their numbers of steps.
    pub(crate) fn of<'p>(paths: impl Iterator<Item = (&'p Path<'p>, usize)>) -> Self {
        let (mut parents, mut sums) = (vec![0], vec![[0_u64; 2]]);
        let mut way = vec![0_u32];
        for (path, length) in paths {
            way.truncate(path.shared + 1);
            while way.len() <= length {
                let node = u32::try_from(parents.len()).unwrap_or(u32::MAX);
                parents.push(way.last().copied().unwrap_or_default());
                sums.push([0; 2]);
                way.push(node);
            }
            let leaf = way.last().copied().unwrap_or_default() as usize;
            for (sum, amount) in sums[leaf].iter_mut().zip([path.before, path.now]) {
                *sum = sum.saturating_add(amount.bytes.unsigned_abs());
            }
        }
        for node in (1..parents.len()).rev() {
            let parent = parents[node] as usize;
            let own = sums[node];
            for (sum, own) in sums[parent].iter_mut().zip(own) {
                *sum = sum.saturating_add(own);
            }
        }
        Self { parents, sizes: sums.into_iter().map(|[before, now]| before.max(now)).collect() }
    }

    /// Marks the largest nodes. With one more node below each marked node that has unmarked children, they are at most
    /// `limit`, unless the root and one more node exceed it. The parent of a marked node is marked.
    pub(crate) fn largest(&self, limit: usize) -> Vec<bool> {
        let mut unmarked_children = vec![0_u32; self.parents.len()];
        for parent in &self.parents[1..] {
            unmarked_children[*parent as usize] += 1;
        }
        // Among equal nodes, a parent comes first.
        let mut ranked: Vec<usize> = (1..self.parents.len()).collect();
        ranked.sort_unstable_by_key(|node| (Reverse(self.sizes[*node]), *node));
        ranked.truncate(limit);

        // The root, and one more node for its unmarked children.
        let mut count = 1 + usize::from(unmarked_children[0] > 0);
        let mut fitting = 0;
        for (at, node) in ranked.iter().enumerate() {
            let left = &mut unmarked_children[self.parents[*node] as usize];
            *left -= 1;
            count = count + 1 - usize::from(*left == 0);
            count += usize::from(unmarked_children[*node] > 0);
            if count <= limit {
                fitting = at + 1;
            }
        }
        let mut marks = vec![false; self.parents.len()];
        marks[0] = true;
        ranked[..fitting].iter().for_each(|node| marks[*node] = true);
        marks
    }
}
