//! `.heapsnapshot`, which Chrome's DevTools and memlab open (V8's `src/profiler/heap-snapshot-generator.cc`).
//!
//! DevTools read the members in V8's order, and `strings` must be the last one.

use std::borrow::Cow;
use std::io::{self, Write};

use rustc_hash::FxHashMap;

use crate::call_frames::Scripts;
use crate::call_tree::CallNode;
use crate::frames::Frames;
use crate::heap_graph::{HeapGraph, HeapKind, HeapNode};
use crate::json::{write_comma, write_text};
use crate::printable::printable;
use crate::walk::{Step, Walk};

impl HeapGraph {
    /// Writes the graph as a `.heapsnapshot`, which Chrome's DevTools and memlab open.
    ///
    /// # Errors
    ///
    /// Errors of `out`.
    pub fn write_snapshot(&self, out: &mut dyn Write) -> io::Result<()> {
        write(self, out)
    }
}

/// Writes a graph without a time line.
///
/// # Errors
///
/// Errors of `out`.
pub(crate) fn write(graph: &HeapGraph, out: &mut dyn Write) -> io::Result<()> {
    write_with_samples(graph, &[], out)
}

/// The number of a node's fields.
const FIELDS: usize = 7;

const META: &str = r#""meta":{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],
"node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic","concatenated string","sliced string","symbol","bigint","object shape"],"string","number","number","number","number","number"],
"edge_fields":["type","name_or_index","to_node"],
"edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],
"trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],
"trace_node_fields":["id","function_info_index","count","size","children"],
"sample_fields":["timestamp_us","last_assigned_id"],
"location_fields":["object_index","script_id","line","column"]}"#;

// Places in the list of node types, and in the list of edge types.
const STRING: usize = 2;
const OBJECT: usize = 3;
// memlab does not follow nodes of the type `code`.
const CLOSURE: usize = 5;
const SYNTHETIC: usize = 9;
const PROPERTY: usize = 2;

/// The number of the root.
const ROOT_ID: u32 = 1;

/// Writes a graph. A sample is a time in microseconds, and the highest number that a node had until then.
pub(crate) fn write_with_samples(
    graph: &HeapGraph,
    samples: &[(u64, u32)],
    out: &mut dyn Write,
) -> io::Result<()> {
    let snapshot = Snapshot::of(graph);
    let (frames, scripts) = (Frames::of(&graph.traces), Scripts::of(&graph.traces));
    let mut strings = StringTable::default();
    writeln!(out, "{{\"snapshot\":{{{META},")?;
    let edges = graph.edges.len() + 1;
    write!(out, "\"node_count\":{},\"edge_count\":{edges},", graph.nodes.len() + 2)?;
    writeln!(out, "\"trace_function_count\":{}}},", frames.frames.len() + 1)?;
    snapshot.write_nodes(&mut strings, out)?;
    snapshot.write_edges(&mut strings, out)?;
    write!(out, "\"trace_function_infos\":[0,{},{},0,0,0", strings.place("(root)"), strings.place(""))?;
    for (number, frame) in (1..).zip(&frames.frames) {
        write_function(number, frame, &scripts, &mut strings, out)?;
    }
    writeln!(out, "],")?;
    write_trace_tree(graph, &frames, out)?;
    write!(out, "\"samples\":[")?;
    let mut is_first = true;
    for (time, id) in samples {
        write_comma(&mut is_first, out)?;
        write!(out, "{time},{id}")?;
    }
    writeln!(out, "],")?;
    snapshot.write_locations(out)?;
    write!(out, "\"strings\":[")?;
    let mut is_first = true;
    for text in &strings.texts {
        write_comma(&mut is_first, out)?;
        writeln!(out)?;
        write_text(text, out)?;
    }
    writeln!(out, "]}}")
}

/// The graph in the order of the file: the root, the note, and the nodes by number.
struct Snapshot<'g> {
    graph: &'g HeapGraph,
    /// Places of nodes in the graph, in the order of the file.
    order: Vec<usize>,
    /// The place of each node in the file.
    ordinals: Vec<usize>,
    /// Places of edges in the graph. Edges of one node are adjacent, and in the order of nodes.
    edges: Vec<usize>,
    /// The number of edges of each node. The last one is the root's.
    counts: Vec<usize>,
}

impl<'g> Snapshot<'g> {
    fn of(graph: &'g HeapGraph) -> Self {
        let count = graph.nodes.len();
        let mut order: Vec<usize> = (0..count).collect();
        // Within a class, DevTools expect ascending numbers.
        order.sort_by_key(|at| graph.nodes[*at].id);
        let mut ordinals = vec![0; count];
        // The root and the note come first.
        (2..).zip(&order).for_each(|(ordinal, at)| ordinals[*at] = ordinal);
        let mut edges: Vec<usize> = (0..graph.edges.len()).collect();
        edges.sort_by_key(|edge| graph.edges[*edge].from.map_or(0, |from| ordinals[from]));
        let mut counts = vec![0; count + 1];
        graph.edges.iter().for_each(|edge| counts[edge.from.unwrap_or(count)] += 1);
        Self { graph, order, ordinals, edges, counts }
    }

    fn write_nodes(&self, strings: &mut StringTable<'g>, out: &mut dyn Write) -> io::Result<()> {
        let graph = self.graph;
        let (root, note) = (strings.place(&graph.meaning), strings.place(&graph.note));
        let edges = self.counts[graph.nodes.len()] + 1;
        write!(
            out,
            "\"nodes\":[{SYNTHETIC},{root},{ROOT_ID},0,{edges},0,0\n,{STRING},{note},{},0,0,0,0",
            self.note()
        )?;
        for at in &self.order {
            let HeapNode { kind, name, bytes, id, trace, .. } = &graph.nodes[*at];
            let kind = if *kind == HeapKind::Object { OBJECT } else { CLOSURE };
            let (name, trace) = (strings.place(name), trace.map_or(0, trace_id));
            write!(out, "\n,{kind},{name},{id},{bytes},{},{trace},0", self.counts[*at])?;
        }
        writeln!(out, "],")
    }

    /// The number of the note. It is even, which means that it is not in the time line, so no node has it.
    fn note(&self) -> u32 {
        ROOT_ID + 1
    }

    fn write_edges(&self, strings: &mut StringTable<'g>, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "\"edges\":[{PROPERTY},{},{FIELDS}", strings.place("note"))?;
        for edge in self.edges.iter().map(|edge| &self.graph.edges[*edge]) {
            let name = strings.place(&edge.name);
            write!(out, "\n,{PROPERTY},{name},{}", self.ordinals[edge.to] * FIELDS)?;
        }
        writeln!(out, "],")
    }

    fn write_locations(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut scripts: FxHashMap<&str, usize> = FxHashMap::default();
        write!(out, "\"locations\":[")?;
        let mut is_first = true;
        for at in &self.order {
            let node = &self.graph.nodes[*at];
            let (HeapKind::Object, Some(file), Some(line)) = (node.kind, node.file.as_deref(), node.line)
            else {
                continue;
            };
            let next = scripts.len() + 1;
            let script = *scripts.entry(file).or_insert(next);
            write_comma(&mut is_first, out)?;
            write!(out, "{},{script},{},0", self.ordinals[*at] * FIELDS, line.saturating_sub(1))?;
        }
        writeln!(out, "],")
    }
}

/// The number of a trace. The root of all traces has number 1.
fn trace_id(trace: usize) -> usize {
    trace + 2
}

fn write_function<'g>(
    number: usize,
    frame: &'g CallNode,
    scripts: &Scripts<'_>,
    strings: &mut StringTable<'g>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (name, file) =
        (strings.place_of(frame.label()), strings.place(frame.file.as_deref().unwrap_or_default()));
    // Lines count from 1 here.
    write!(out, "\n,{number},{name},{file},{},{},0", scripts.number(frame), frame.line.unwrap_or(0))
}

fn write_trace_tree(graph: &HeapGraph, frames: &Frames<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "\"trace_tree\":[1,0,0,0,[")?;
    let mut is_first = true;
    for step in Walk::of(&graph.traces).steps() {
        match step {
            Step::Enter(at) => {
                let own = &graph.traces.nodes[at];
                write_comma(&mut is_first, out)?;
                let (id, function) = (trace_id(at), frames.of_node[at] + 1);
                write!(out, "{id},{function},{},{},[", own.own(0), own.own(1))?;
                is_first = true;
            }
            Step::Leave(_) => {
                write!(out, "]")?;
                is_first = false;
            }
        }
    }
    writeln!(out, "]],")
}

/// The distinct texts of a file.
struct StringTable<'g> {
    texts: Vec<Cow<'g, str>>,
    places: FxHashMap<Cow<'g, str>, usize>,
}

impl Default for StringTable<'_> {
    fn default() -> Self {
        // V8's first text stands for none.
        let dummy = Cow::Borrowed("<dummy>");
        Self { texts: vec![dummy.clone()], places: FxHashMap::from_iter([(dummy, 0)]) }
    }
}

impl<'g> StringTable<'g> {
    fn place(&mut self, text: &'g str) -> usize {
        self.place_of(printable(text))
    }

    fn place_of(&mut self, text: Cow<'g, str>) -> usize {
        let next = self.texts.len();
        let place = *self.places.entry(text.clone()).or_insert(next);
        if place == next {
            self.texts.push(text);
        }
        place
    }
}
