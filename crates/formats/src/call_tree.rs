//! Functions by the way they were called, with numbers. Heap profiles and traces become this value, and every format
//! is written from it.

use std::borrow::Cow;

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

/// A function, reached by one way of calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallNode {
    /// Its caller's place in [`CallTree::nodes`]. `None` if nothing called it.
    pub parent: Option<usize>,
    /// Its name: a function, a span, a route, a type.
    pub name: String,
    /// Its source file, if known.
    pub file: Option<String>,
    /// Its line in `file`, from 1, if known.
    pub line: Option<u32>,
    /// How often it was called. At least 1 if it has numbers; 0 if calls were not counted.
    pub calls: u64,
    /// Its numbers without those of its callees, one per event. A comparison can have negative ones.
    pub own: Vec<i64>,
    /// Its numbers with those of its callees, one per event. Calls that overlap can add up to more than their
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
