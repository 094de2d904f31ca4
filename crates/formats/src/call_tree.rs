//! Functions by the way they were called, with numbers. Heap profiles and traces become this value, and every format
//! is written from it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::printable::printable;

/// What one number of each node measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A short name in ASCII letters and digits, as callgrind needs it: `Bytes`, `Busy`.
    pub name: Cow<'static, str>,
    /// What it means: `live heap bytes`.
    pub meaning: Cow<'static, str>,
    /// Its unit.
    pub unit: Unit,
}

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Nanoseconds.
    Nanoseconds,
    /// Objects, calls and other things that are counted.
    Count,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum CallKind {
    /// A function, a span, a route.
    #[default]
    Function,
    /// The type of the objects that its parent allocated. Formats without types write its name in brackets.
    Type,
}

/// A function, reached by one way of calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallNode {
    /// Its caller's place in [`CallTree::nodes`]. `None` if nothing called it.
    pub parent: Option<usize>,
    /// What it stands for.
    pub kind: CallKind,
    /// Its name: a function, a span, a route, a type.
    pub name: Arc<str>,
    /// Its source file, if known.
    pub file: Option<Arc<str>>,
    /// Its line in `file`, from 1, if known.
    pub line: Option<u32>,
    /// How often it was called. At least 1 if it has numbers; 0 if calls were not counted.
    pub calls: u64,
    /// Its own numbers, one per event, without the numbers of its callees. A comparison can have negative ones.
    pub own: Vec<i64>,
    /// Its numbers with the numbers of its callees, one per event. Calls that overlap can add up to more than their
    /// caller's number.
    pub inclusive: Vec<i64>,
}

/// Functions by the way they were called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallTree {
    /// What the tree shows: `live heap of shop`.
    pub title: String,
    /// What the numbers of each node measure.
    pub events: Vec<Event>,
    /// The nodes. Parents come before their children.
    pub nodes: Vec<CallNode>,
}

impl Event {
    /// An event of this name, meaning and unit.
    pub fn new(
        name: impl Into<Cow<'static, str>>,
        meaning: impl Into<Cow<'static, str>>,
        unit: Unit,
    ) -> Self {
        Self { name: name.into(), meaning: meaning.into(), unit }
    }
}

impl CallNode {
    /// The name that formats without types write: `read_body`, `[Vec<u8>]`. It is one line, and not empty.
    pub fn label(&self) -> Cow<'_, str> {
        match (self.kind, printable(self.name.trim())) {
            (CallKind::Function, name) if name.is_empty() => Cow::Borrowed("unknown code"),
            (CallKind::Function, name) => name,
            (CallKind::Type, name) => Cow::Owned(format!("[{name}]")),
        }
    }

    /// Its file, as one line. `None` if it is not known.
    pub(crate) fn file(&self) -> Option<Cow<'_, str>> {
        self.file.as_deref().map(str::trim).filter(|file| !file.is_empty()).map(printable)
    }

    /// Its caller, if that comes before it. `at` is its own place.
    pub(crate) fn caller(&self, at: usize) -> Option<usize> {
        self.parent.filter(|parent| *parent < at)
    }

    /// Its number of an event, without its callees.
    pub(crate) fn own(&self, event: usize) -> i64 {
        self.own.get(event).copied().unwrap_or(0)
    }

    /// Its number of an event, with its callees.
    pub(crate) fn inclusive(&self, event: usize) -> i64 {
        self.inclusive.get(event).copied().unwrap_or(0)
    }
}

impl CallTree {
    /// The sum of all nodes' own numbers, one per event.
    pub fn totals(&self) -> Vec<i64> {
        let sum = |event| self.nodes.iter().fold(0, |sum: i64, node| sum.saturating_add(node.own(event)));
        (0..self.events.len()).map(sum).collect()
    }

    /// Sets each node's inclusive numbers to its own and its callees'.
    pub fn sum_up(&mut self) {
        let events = self.events.len();
        for node in &mut self.nodes {
            node.own.resize(events, 0);
            node.inclusive.clone_from(&node.own);
        }
        for at in (0..self.nodes.len()).rev() {
            let (above, below) = self.nodes.split_at_mut(at);
            let parent = below[0].parent.and_then(|parent| above.get_mut(parent));
            if let Some(parent) = parent {
                let sums = parent.inclusive.iter_mut().zip(&below[0].inclusive);
                sums.for_each(|(sum, number)| *sum = sum.saturating_add(*number));
            }
        }
    }

    /// The tree with only the events of these names, in this order. A name is compared without regard to case. `None`
    /// if the tree has no event of one of the names.
    #[must_use]
    pub fn with_events(&self, names: &[&str]) -> Option<Self> {
        let place = |name: &&str| self.events.iter().position(|event| event.name.eq_ignore_ascii_case(name));
        let places = names.iter().map(place).collect::<Option<Vec<_>>>()?;
        let mut tree = Self { title: self.title.clone(), ..Self::default() };
        tree.events = places.iter().map(|event| self.events[*event].clone()).collect();
        tree.nodes.extend(self.nodes.iter().map(|node| CallNode {
            own: places.iter().map(|event| node.own(*event)).collect(),
            inclusive: places.iter().map(|event| node.inclusive(*event)).collect(),
            ..node.clone()
        }));
        Some(tree)
    }

    /// The place of the first event with this unit.
    pub(crate) fn event_of(&self, unit: Unit) -> Option<usize> {
        self.events.iter().position(|event| event.unit == unit)
    }

    /// What the tree shows, as one line.
    pub(crate) fn title(&self) -> Cow<'_, str> {
        printable(self.title.trim())
    }
}

impl Unit {
    /// Its name in pprof and speedscope: `bytes`, `nanoseconds`, `count`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Nanoseconds => "nanoseconds",
            Self::Count => "count",
        }
    }
}
