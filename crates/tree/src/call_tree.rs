//! The call tree of one or two heap profiles.

use memory_debug_profile::{
    Amount, Estimate, SampleRate, Selection, SymbolizedFrame, SymbolizedProfile, significant_stderrs,
};

use crate::path::{Path, Step};
use crate::skeleton::Skeleton;

/// Options for a call tree.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TreeOptions {
    /// Whether each stack ends with the type that owns the memory, after the function that asked for it.
    pub shows_types: bool,
    /// The stacks that count. Its group has no meaning here.
    pub selection: Selection,
    /// Maximum number of nodes.
    pub nodes: usize,
}

impl Default for TreeOptions {
    fn default() -> Self {
        Self { shows_types: false, selection: Selection::default(), nodes: 8192 }
    }
}

/// A call tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallTree<'p> {
    /// The nodes, each before its children. The first is the root, with the memory of all selected stacks.
    pub nodes: Vec<CallNode<'p>>,
    /// Mean number of bytes between two samples.
    pub sample_rate: SampleRate,
    /// What was summed because the tree has too many nodes.
    pub pruned: Pruned,
    /// The threshold for a significant change of a node, in standard errors. `None` without an earlier profile.
    pub threshold: Option<f64>,
}

/// A node of a call tree.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CallNode<'p> {
    /// Index of the parent. `None` for the root.
    pub parent: Option<usize>,
    /// What the node stands for.
    pub label: CallLabel<'p>,
    /// The memory of all stacks through the node. It is the sum of its children and of its own memory.
    pub live: Amount,
    /// One standard error of the bytes.
    pub bytes_stderr: f64,
    /// The change since the earlier profile, if there is one.
    pub change: Option<NodeChange>,
}

/// What a node of a call tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallLabel<'p> {
    /// All selected stacks.
    Root,
    /// A function. Its line is 0 if the stacks go through different lines.
    Function(SymbolizedFrame<'p>),
    /// The type that owns the memory. `None` if it is unknown.
    Type(Option<&'p str>),
    /// The sum of this many smaller nodes.
    Smaller(u64),
}

/// The change of a node between two profiles.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct NodeChange {
    /// The memory in the earlier profile.
    pub before: Amount,
    /// One standard error of the change of bytes.
    pub bytes_stderr: f64,
    /// Whether the bytes changed by more than noise.
    pub is_significant: bool,
}

/// What was summed because a tree has too many nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pruned {
    /// Number of nodes that were summed.
    pub nodes: u64,
    /// Their bytes.
    pub bytes: i64,
}

impl<'p> CallTree<'p> {
    /// The call tree of live memory. With an earlier profile, each node has its change since.
    pub fn of(
        base: Option<&'p SymbolizedProfile>,
        now: &'p SymbolizedProfile,
        options: &TreeOptions,
    ) -> Self {
        let paths = Path::all(base, now, &options.selection, options.shows_types);
        let lengths = paths.iter().map(|path| path.steps(options.shows_types).count());
        let is_kept = Skeleton::of(paths.iter().zip(lengths)).largest(options.nodes);
        let mut growing = Growing {
            nodes: vec![(CallNode::new(None, CallLabel::Root), Sums::default())],
            smaller: vec![None],
        };
        // The nodes of the current path, and the number of nodes so far, which include nodes that are not kept.
        let (mut way, mut count) = (vec![0], 1);
        let mut pruned = Pruned::default();
        for path in &paths {
            way.truncate(path.shared + 1);
            for (depth, step) in path.steps(options.shows_types).enumerate() {
                match way.get(depth + 1) {
                    Some(node) => growing.meet(*node, step),
                    None => {
                        let parent = way[depth];
                        way.push(growing.add(parent, step, is_kept[count]));
                        pruned.nodes += u64::from(!is_kept[count]);
                        count += 1;
                    }
                }
            }
            growing.add_memory(way.last().copied().unwrap_or_default(), path);
        }
        let nodes = growing.finish(base.is_some(), now.sample_rate());
        let smaller = nodes.iter().filter(|node| matches!(node.label, CallLabel::Smaller(_)));
        pruned.bytes = smaller.map(|node| node.live.bytes).fold(0, i64::saturating_add);
        let threshold = base.map(|_| significant_stderrs(nodes.len()));
        Self { nodes, sample_rate: now.sample_rate(), pruned, threshold }
    }
}

/// A tree under construction. Each node has the sums of the paths that end there.
#[derive(Debug)]
struct Growing<'p> {
    nodes: Vec<(CallNode<'p>, Sums)>,
    /// For each node, its child for smaller nodes.
    smaller: Vec<Option<usize>>,
}

/// Sums that are not in the node itself before the tree is finished.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    before: Amount,
    variance: f64,
    change_variance: f64,
    /// The change that different assumed sizes alone can explain.
    resized: f64,
}

impl<'p> Growing<'p> {
    /// Adds a child, and returns its index. If it is not kept, this is the index of the node for smaller nodes.
    fn add(&mut self, parent: usize, step: Step<'p>, is_kept: bool) -> usize {
        if is_kept {
            let label = match step {
                Step::Function(frame) => CallLabel::Function(frame),
                Step::Type(name) => CallLabel::Type(name),
            };
            return self.push(parent, label);
        }
        if let CallLabel::Smaller(count) = &mut self.nodes[parent].0.label {
            *count += 1;
            return parent;
        }
        match self.smaller[parent] {
            Some(node) => self.add(node, step, false),
            None => {
                let node = self.push(parent, CallLabel::Smaller(1));
                self.smaller[parent] = Some(node);
                node
            }
        }
    }

    fn push(&mut self, parent: usize, label: CallLabel<'p>) -> usize {
        self.nodes.push((CallNode::new(Some(parent), label), Sums::default()));
        self.smaller.push(None);
        self.nodes.len() - 1
    }

    /// Notes that another path goes through a node.
    fn meet(&mut self, node: usize, step: Step<'p>) {
        if let (CallLabel::Function(known), Step::Function(frame)) = (&mut self.nodes[node].0.label, step)
            && known.line != frame.line
        {
            known.line = 0;
        }
    }

    fn add_memory(&mut self, node: usize, path: &Path<'_>) {
        let (node, sums) = &mut self.nodes[node];
        node.live += path.now;
        sums.add(Sums {
            before: path.before,
            variance: path.variance,
            change_variance: path.change_variance(),
            resized: path.resized,
        });
    }

    /// Adds the memory of every node to its parents. With `is_compared`, computes the changes.
    fn finish(mut self, is_compared: bool, rate: SampleRate) -> Vec<CallNode<'p>> {
        for at in (1..self.nodes.len()).rev() {
            let (node, sums) = self.nodes[at].clone();
            let (parent, parent_sums) = &mut self.nodes[node.parent.unwrap_or_default()];
            parent.live += node.live;
            parent_sums.add(sums);
        }
        let threshold = significant_stderrs(self.nodes.len());
        let finish = |(mut node, sums): (CallNode<'p>, Sums)| {
            let sum = Estimate { bytes_variance: sums.variance, ..Estimate::default() };
            node.bytes_stderr = sum.of_few_samples(rate).bytes_stderr();
            node.change = is_compared.then(|| sums.change(node.live, threshold));
            node
        };
        self.nodes.into_iter().map(finish).collect()
    }
}

impl Sums {
    fn add(&mut self, other: Self) {
        self.before += other.before;
        self.variance += other.variance;
        self.change_variance += other.change_variance;
        self.resized += other.resized;
    }

    fn change(self, now: Amount, threshold: f64) -> NodeChange {
        let difference = Estimate {
            bytes: now.bytes.saturating_sub(self.before.bytes) as f64,
            // All large objects of a node are resized together, so this does not average out like noise.
            bytes_variance: self.change_variance + self.resized.powi(2),
            ..Estimate::default()
        };
        NodeChange {
            before: self.before,
            bytes_stderr: difference.bytes_stderr(),
            is_significant: difference.is_beyond(threshold),
        }
    }
}

impl<'p> CallNode<'p> {
    fn new(parent: Option<usize>, label: CallLabel<'p>) -> Self {
        Self { parent, label, live: Amount::default(), bytes_stderr: 0.0, change: None }
    }
}

#[cfg(test)]
mod tests;
