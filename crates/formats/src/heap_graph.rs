//! A heap as nodes and edges, which is what Chrome's heap snapshots consist of.

use std::io;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::call_tree::{CallKind, CallNode, CallTree, Event, Unit};
use crate::fnv::{FNV_BEGIN, fnv1a};
use crate::refusal::{refused, require_no_negative};

/// A heap as nodes and edges.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeapGraph {
    /// What its edges mean. It is the name of the root.
    pub meaning: String,
    /// What readers must know about its numbers. It is the name of a node without size.
    pub note: String,
    /// The nodes. The root is not one of them.
    pub nodes: Vec<HeapNode>,
    /// The edges. They must lead from the root to every node.
    pub edges: Vec<HeapEdge>,
    /// The stacks that allocated, with the objects and bytes of each.
    pub traces: CallTree,
}

/// An object, several objects of one type and stack, or a function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapNode {
    /// What it stands for.
    pub kind: HeapKind,
    /// Its type, or the name of the function.
    pub name: Arc<str>,
    /// Its size. Larger ones are several nodes, because readers take 32 bits.
    pub bytes: u32,
    /// An odd number above 1 that no other node has. Readers compare two heaps by these numbers alone: an equal number
    /// means no change.
    pub id: u32,
    /// The stack that allocated it, as a place in the nodes of [`HeapGraph::traces`].
    pub trace: Option<usize>,
    /// The source file of the place that allocated it. Objects of one type at different places are different classes.
    pub file: Option<Arc<str>>,
    /// The line of that place.
    pub line: Option<u32>,
}

/// What a node stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HeapKind {
    /// Objects of one type.
    Object,
    /// A function. It has no size of its own.
    Function,
}

/// A relation between two nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeapEdge {
    /// The place of the node that it begins at. `None` stands for the root.
    pub from: Option<usize>,
    /// The place of the node that it leads to.
    pub to: usize,
    /// Its name: where the call or the allocation is.
    pub name: Arc<str>,
}

/// The event of live bytes.
pub(crate) const LIVE: &str = "Bytes";

const MEANING: &str = "(root: edges are allocation sites, not references)";

const NOTE: &str = "Objects of one type and one stack are one node, or several above 4 GiB. Functions are nodes without \
                    size, so a retained size is what was allocated below. Numbers of a sampled heap are estimates.";

/// The most nodes that one node is split into. They hold 16 TiB.
const MOST_PARTS: u64 = 1 << 12;

impl HeapGraph {
    /// The graph of a tree: functions lead to the functions that they call, and to the types that they allocate.
    ///
    /// A number of a node follows from its stack, its type and its size. So without a memory of earlier graphs, a node
    /// that did not change has an equal number in the next graph, and a node that changed has another number.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) if the tree has no event `Bytes`, or a number is negative.
    pub fn of_tree(tree: &CallTree) -> io::Result<Self> {
        let is_live = |event: &Event| event.name == LIVE && event.unit == Unit::Bytes;
        let live = tree.events.iter().position(is_live);
        let live =
            live.ok_or_else(|| refused("a heap snapshot needs live bytes, and this has no event `Bytes`"))?;
        require_no_negative(tree, live..=live, "heapsnapshot")?;
        let objects = tree.event_of(Unit::Count);
        let mut graph = Builder::new(tree, live);
        for (at, node) in tree.nodes.iter().enumerate() {
            let bytes = node.own(live);
            // DevTools leave out stacks without objects, also if these have bytes.
            let count = objects.map_or(0, |event| node.own(event)).max(i64::from(bytes > 0));
            graph.add(at, node, [count, bytes])?;
        }
        Ok(graph.graph)
    }
}

struct Builder<'t> {
    tree: &'t CallTree,
    graph: HeapGraph,
    /// The node of each function of the tree, its trace, and the hash of the stack.
    known: Vec<(Option<usize>, Option<usize>, u64)>,
    ids: FxHashSet<u32>,
}

impl<'t> Builder<'t> {
    fn new(tree: &'t CallTree, live: usize) -> Self {
        let events = vec![Event::new("Objects", "live objects", Unit::Count), tree.events[live].clone()];
        let traces = CallTree { title: tree.title.clone(), events, nodes: Vec::new() };
        let graph = HeapGraph { meaning: MEANING.into(), note: NOTE.into(), traces, ..HeapGraph::default() };
        Self { tree, graph, known: Vec::with_capacity(tree.nodes.len()), ids: FxHashSet::default() }
    }

    /// Adds a node of the tree, with its own objects and bytes.
    fn add(&mut self, at: usize, node: &CallNode, numbers: [i64; 2]) -> io::Result<()> {
        let parent = node.caller(at);
        let (caller, trace, stack) = parent.map_or((None, None, FNV_BEGIN), |parent| self.known[parent]);
        let stack = hash_node(stack, node);
        let site = |at: Option<usize>| {
            let at = at.map(|at| &self.tree.nodes[at])?;
            let file = at.file.as_deref()?;
            Some(at.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}")))
        };
        match node.kind {
            CallKind::Type => {
                let name = site(Some(at)).or_else(|| site(parent));
                self.add_objects(node, caller, trace, stack, numbers, name)?;
                self.known.push((caller, trace, stack));
            }
            CallKind::Function => {
                let name = site(parent).unwrap_or_else(|| "calls".into());
                let parent = trace;
                let trace = Some(self.graph.traces.nodes.len());
                let (own, inclusive) = (vec![0; 2], vec![0; 2]);
                self.graph.traces.nodes.push(CallNode { parent, own, inclusive, ..node.clone() });
                let function = HeapNode { kind: HeapKind::Function, ..self.heap_node(node, 0, stack, trace) };
                let place = self.connect(caller, function, name.into());
                let name = site(Some(at));
                self.add_objects(node, Some(place), trace, stack, numbers, name)?;
                self.known.push((Some(place), trace, stack));
            }
        }
        Ok(())
    }

    /// Adds the objects that a function allocated, as few nodes as possible.
    fn add_objects(
        &mut self,
        node: &CallNode,
        caller: Option<usize>,
        trace: Option<usize>,
        stack: u64,
        numbers: [i64; 2],
        name: Option<String>,
    ) -> io::Result<()> {
        let mut left = u64::try_from(numbers[1]).unwrap_or(0);
        if left.div_ceil(u32::MAX.into()) > MOST_PARTS {
            return Err(refused("a heap snapshot cannot show a node of more than 16 TiB"));
        }
        let name: Arc<str> = name.unwrap_or_else(|| "allocates".into()).into();
        let mut state = numbers.iter().fold(stack, |state, number| fnv1a(state, &number.to_le_bytes()));
        while left > 0 {
            let bytes = u32::try_from(left).unwrap_or(u32::MAX);
            left -= u64::from(bytes);
            state = fnv1a(state, b"part");
            let object = self.heap_node(node, bytes, state, trace);
            self.connect(caller, object, name.clone());
        }
        if let Some(trace) = trace {
            let sums = self.graph.traces.nodes[trace].own.iter_mut().zip(numbers);
            sums.for_each(|(sum, number)| *sum = sum.saturating_add(number));
        }
        Ok(())
    }

    fn heap_node(&mut self, node: &CallNode, bytes: u32, state: u64, trace: Option<usize>) -> HeapNode {
        let (file, line) = (node.file.clone(), node.line);
        let (kind, name, id) = (HeapKind::Object, node.name.clone(), self.id(state));
        HeapNode { kind, name, bytes, id, trace, file, line }
    }

    /// An odd number that follows from `state`. If another node has it already, the next free one.
    fn id(&mut self, state: u64) -> u32 {
        let mut id = (state >> 32) as u32 | 1;
        while id == 1 || !self.ids.insert(id) {
            id = id.wrapping_add(2);
        }
        id
    }

    fn connect(&mut self, from: Option<usize>, node: HeapNode, name: Arc<str>) -> usize {
        let to = self.graph.nodes.len();
        self.graph.nodes.push(node);
        self.graph.edges.push(HeapEdge { from, to, name });
        to
    }
}

fn hash_node(state: u64, node: &CallNode) -> u64 {
    let kind = [u8::from(node.kind == CallKind::Type)];
    let file = node.file.as_deref().unwrap_or_default();
    let line = node.line.unwrap_or(0).to_le_bytes();
    // No name or file contains the byte 0xff.
    [&kind[..], node.name.as_bytes(), b"\xff", file.as_bytes(), b"\xff", &line].into_iter().fold(state, fnv1a)
}
