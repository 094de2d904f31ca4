//! Chooses the largest functions if there is no room for all.

use crate::call_tree::{CallKind, CallNode, CallTree};

impl CallTree {
    /// The tree with about `count` nodes: those with the largest numbers. The others below a function become one node,
    /// `(12 smaller)`, so no number is left out. A callee is never kept without its callers.
    #[must_use]
    pub fn largest(&self, count: usize) -> Self {
        let sizes = self.sizes();
        let mut ranked: Vec<usize> = (0..self.nodes.len()).collect();
        // A caller is at least as large as its callees, and comes before them.
        ranked.sort_by_key(|at| (std::cmp::Reverse(sizes[*at]), *at));
        let mut is_kept = vec![false; self.nodes.len()];
        ranked.iter().take(count).for_each(|at| is_kept[*at] = true);
        let mut tree = Self { title: self.title.clone(), events: self.events.clone(), nodes: Vec::new() };
        // The new place of each node: its own, or the node of the smaller ones.
        let mut places = vec![0; self.nodes.len()];
        let mut rests: Vec<Rest> = Vec::new();
        let mut rest_of = rustc_hash::FxHashMap::default();
        for (at, node) in self.nodes.iter().enumerate() {
            let parent = node.caller(at);
            let is_below_rest = parent.is_some_and(|parent| !is_kept[parent]);
            if is_kept[at] {
                places[at] = tree.nodes.len();
                tree.nodes.push(CallNode { parent: parent.map(|parent| places[parent]), ..node.clone() });
                continue;
            }
            let above = parent.map(|parent| places[parent]);
            let rest = match above.filter(|_| is_below_rest) {
                Some(rest) => rest,
                None => *rest_of.entry(above).or_insert_with(|| {
                    rests.push(Rest { parent: above, ..Rest::new(self.events.len()) });
                    rests.len() - 1
                }),
            };
            places[at] = rest;
            rests[rest].add(node, is_below_rest);
        }
        tree.nodes.extend(rests.into_iter().map(Rest::into_node));
        tree
    }

    /// The sum of the absolute own numbers of each node and its callees, of the event in which it has the largest
    /// share.
    fn sizes(&self) -> Vec<u64> {
        let mut sizes = vec![0_u64; self.nodes.len()];
        for event in 0..self.events.len() {
            let mut sums: Vec<u64> = self.nodes.iter().map(|node| node.own(event).unsigned_abs()).collect();
            for at in (0..sums.len()).rev() {
                if let Some(parent) = self.nodes[at].caller(at) {
                    sums[parent] = sums[parent].saturating_add(sums[at]);
                }
            }
            let total =
                self.nodes.iter().fold(0_u128, |sum, node| sum + u128::from(node.own(event).unsigned_abs()));
            for (size, sum) in sizes.iter_mut().zip(sums) {
                // In millionths of a millionth of the total.
                let share = (u128::from(sum) * 1_000_000_000_000).checked_div(total).unwrap_or(0);
                *size = (*size).max(u64::try_from(share).unwrap_or(u64::MAX));
            }
        }
        sizes
    }
}

/// The smaller nodes below a function.
struct Rest {
    parent: Option<usize>,
    nodes: u64,
    calls: u64,
    own: Vec<i64>,
    inclusive: Vec<i64>,
}

impl Rest {
    fn new(events: usize) -> Self {
        Self { parent: None, nodes: 0, calls: 0, own: vec![0; events], inclusive: vec![0; events] }
    }

    fn add(&mut self, node: &CallNode, is_below_rest: bool) {
        let add = |sums: &mut [i64], number: &dyn Fn(usize) -> i64| {
            sums.iter_mut().enumerate().for_each(|(event, sum)| *sum = sum.saturating_add(number(event)));
        };
        self.nodes += 1;
        add(&mut self.own, &|event| node.own(event));
        if !is_below_rest {
            self.calls = self.calls.saturating_add(node.calls);
            add(&mut self.inclusive, &|event| node.inclusive(event));
        }
    }

    fn into_node(self) -> CallNode {
        let Self { parent, nodes, calls, own, inclusive } = self;
        let (kind, name) = (CallKind::Function, format!("({nodes} smaller)").into());
        CallNode { parent, kind, name, file: None, line: None, calls, own, inclusive }
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::tree;

    #[test]
    fn keeps_the_largest_and_sums_the_others() {
        let all = tree(&[
            ("main", None, 0),
            ("a", Some(0), 5),
            ("b", Some(1), 1),
            ("c", Some(0), 2),
            ("d", Some(3), 3),
            ("e", Some(0), 50),
        ]);
        let kept = all.largest(2);
        let names: Vec<_> = kept
            .nodes
            .iter()
            .map(|node| (&*node.name, node.parent, node.own[0], node.inclusive[0]))
            .collect();
        assert_eq!(names, [("main", None, 0, 61), ("e", Some(0), 50, 50), ("(4 smaller)", Some(0), 11, 11)]);
        assert_eq!(all.largest(0).nodes.len(), 1);
        assert_eq!(all.largest(6), all);
        assert!((0..7).all(|count| all.largest(count).totals() == all.totals()));
    }
}
