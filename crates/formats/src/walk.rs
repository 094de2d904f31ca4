//! The order in which formats write a tree: a node, then its callees, one way of calls after the other.

use std::iter::successors;

use crate::call_tree::CallTree;

/// The children of each node of a tree.
pub(crate) struct Walk {
    parents: Vec<Option<usize>>,
    first_child: Vec<Option<usize>>,
    next_sibling: Vec<Option<usize>>,
    first_root: Option<usize>,
}

/// A step along the calls of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The call of this node.
    Enter(usize),
    /// The return from this node, after the returns from all of its children.
    Leave(usize),
}

impl Walk {
    /// A node whose parent does not come before it counts as one that nothing called.
    pub(crate) fn of(tree: &CallTree) -> Self {
        let count = tree.nodes.len();
        let mut walk = Self {
            parents: (0..count).map(|at| tree.nodes[at].caller(at)).collect(),
            first_child: vec![None; count],
            next_sibling: vec![None; count],
            first_root: None,
        };
        for at in (0..count).rev() {
            let first = match walk.parents[at] {
                Some(parent) => &mut walk.first_child[parent],
                None => &mut walk.first_root,
            };
            walk.next_sibling[at] = first.replace(at);
        }
        walk
    }

    /// The callees of a node, in the order of the tree. `None` stands for the program, which calls the roots.
    pub(crate) fn children(&self, node: Option<usize>) -> impl Iterator<Item = usize> {
        let first = node.map_or(self.first_root, |node| self.first_child[node]);
        successors(first, |child| self.next_sibling[*child])
    }

    /// All nodes, each before and after its callees.
    pub(crate) fn steps(&self) -> impl Iterator<Item = Step> {
        successors(self.first_root.map(Step::Enter), |step| match *step {
            Step::Enter(node) => Some(self.first_child[node].map_or(Step::Leave(node), Step::Enter)),
            Step::Leave(node) => {
                let next = self.next_sibling[node].map(Step::Enter);
                next.or_else(|| self.parents[node].map(Step::Leave))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample::tree;

    #[test]
    fn visits_callees_between_the_call_and_the_return() {
        // The second root comes before a child of the first.
        let mut tree = tree(&[("a", None, 1), ("b", None, 1), ("c", Some(0), 1), ("d", Some(2), 1)]);
        let steps = |tree: &CallTree| Walk::of(tree).steps().collect::<Vec<_>>();
        let (enter, leave) = (Step::Enter, Step::Leave);
        let expected = [enter(0), enter(2), enter(3), leave(3), leave(2), leave(0), enter(1), leave(1)];
        assert_eq!(steps(&tree), expected);
        // Its own caller, and a caller after it.
        (tree.nodes[0].parent, tree.nodes[1].parent) = (Some(0), Some(9));
        assert_eq!(steps(&tree), expected);
        assert_eq!(steps(&CallTree::default()), []);
    }
}
