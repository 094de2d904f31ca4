//! The stacks of one or two profiles as paths from the outermost function, in the order of a call tree.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use memory_debug_profile::{Amount, Selection, SymbolizedFrame, SymbolizedProfile, SymbolizedStack};

/// A stack with its memory in both profiles. Without an earlier profile, `before` is zero.
#[derive(Debug)]
pub(crate) struct Path<'p> {
    stack: SymbolizedStack<'p>,
    pub(crate) before: Amount,
    pub(crate) now: Amount,
    before_variance: f64,
    /// Variance of the bytes now.
    pub(crate) variance: f64,
    /// The part of the change that other assumed sizes of large objects alone can explain.
    pub(crate) resized: f64,
    /// Number of steps that are the same in the previous path.
    pub(crate) shared: usize,
}

/// A step of a path. Steps with equal keys below the same steps are one node.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step<'p> {
    Function(SymbolizedFrame<'p>),
    /// The type that owns the memory. `None` if it is unknown.
    Type(Option<&'p str>),
}

impl<'p> Step<'p> {
    /// Functions before types, in alphabetical order.
    fn key(self) -> (bool, Option<&'p str>, Option<&'p str>) {
        match self {
            Self::Function(frame) => (false, Some(frame.function), frame.file),
            Self::Type(name) => (true, name, None),
        }
    }
}

impl<'p> Path<'p> {
    /// The paths of `now`, or of both profiles, in the order of their steps.
    pub(crate) fn all(
        base: Option<&'p SymbolizedProfile>,
        now: &'p SymbolizedProfile,
        selection: &Selection,
        shows_types: bool,
    ) -> Vec<Self> {
        let mut paths = match base {
            Some(base) => Self::of_both(base, now),
            None => now.stacks().map(|stack| Self::new(stack).with_memory_of(&stack)).collect(),
        };
        paths.retain(|path| {
            [path.before, path.now] != [Amount::default(); 2] && path.stack.is_selected(selection)
        });
        let keys = |path: &Self| path.steps(shows_types).map(Step::key);
        paths.sort_by(|a, b| keys(a).cmp(keys(b)));
        for at in 1..paths.len() {
            let shared = keys(&paths[at - 1]).zip(keys(&paths[at])).take_while(|(a, b)| a == b);
            paths[at].shared = shared.count();
        }
        paths
    }

    /// Pairs equal stacks of two profiles, because only a pair tells whether a stack has kept its samples.
    fn of_both(base: &'p SymbolizedProfile, now: &'p SymbolizedProfile) -> Vec<Self> {
        let mut paths: Vec<Self> = Vec::with_capacity(now.stack_count());
        let mut known = HashMap::new();
        for stack in base.stacks() {
            let at = *known.entry(identity(&stack)).or_insert_with(|| {
                paths.push(Self::new(stack));
                paths.len() - 1
            });
            let path = &mut paths[at];
            path.before += stack.live;
            path.before_variance += stack.estimate().bytes_variance;
            path.resized += stack.resized_as_in(now);
        }
        for stack in now.stacks() {
            let at = *known.entry(identity(&stack)).or_insert_with(|| {
                paths.push(Self::new(stack));
                paths.len() - 1
            });
            paths[at].add_memory_of(&stack);
        }
        // What is gone was not resized.
        for path in paths.iter_mut().filter(|path| path.now == Amount::default()) {
            path.resized = 0.0;
        }
        paths
    }

    /// A path without memory.
    fn new(stack: SymbolizedStack<'p>) -> Self {
        let (before, now) = (Amount::default(), Amount::default());
        Self { stack, before, now, before_variance: 0.0, variance: 0.0, resized: 0.0, shared: 0 }
    }

    fn with_memory_of(mut self, stack: &SymbolizedStack<'_>) -> Self {
        self.add_memory_of(stack);
        self
    }

    fn add_memory_of(&mut self, stack: &SymbolizedStack<'_>) {
        self.now += stack.live;
        self.variance += stack.estimate().bytes_variance;
    }

    /// Variance of the change of bytes. A stack with the same samples counts as unchanged, as in a diff.
    pub(crate) fn change_variance(&self) -> f64 {
        if self.before == self.now { 0.0 } else { self.before_variance + self.variance }
    }

    /// The steps from the outermost function to the leaf. There is at least one.
    pub(crate) fn steps(&self, shows_types: bool) -> impl Iterator<Item = Step<'p>> + use<'p> {
        let functions = self.stack.frames().rev().map(|mut frame| {
            if frame.function.is_empty() {
                frame.function = "unknown code";
            }
            Step::Function(frame)
        });
        let (owner, is_attributed) = self.stack.owner();
        // A path needs at least one step.
        let needs_leaf = shows_types || self.stack.frames().next().is_none();
        functions.chain(needs_leaf.then(|| Step::Type(Some(owner).filter(|_| is_attributed))))
    }
}

/// A hash of what identifies a stack in every profile.
fn identity(stack: &SymbolizedStack<'_>) -> u64 {
    let mut hasher = DefaultHasher::new();
    stack.hash_identity(&mut hasher);
    hasher.finish()
}
