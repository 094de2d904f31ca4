//! The call tree as JSON, in columns.

use std::collections::HashMap;
use std::io;

use memory_debug_profile::SymbolizedFrame;
use memory_debug_report::render::PrintableJson;
use memory_debug_report::{SnapshotId, SnapshotInfo};
use serde::{Serialize, Serializer};

use crate::call_tree::{CallLabel, CallNode, CallTree, NodeChange};
use crate::content::UNATTRIBUTED;

/// The schema of a call tree as JSON.
const SCHEMA: &str = "memory-debug-tree/v1";

/// Writes a call tree as JSON in one line. `notes` explain why names are missing; `base` is the earlier profile, if the
/// tree has changes.
///
/// The nodes are columns, because a member name in each of thousands of nodes would be most of the text.
///
/// # Errors
///
/// Errors of `out`.
pub fn write_json(
    mut out: impl io::Write,
    tree: &CallTree<'_>,
    collected_at: &str,
    notes: &[String],
    base: Option<&SnapshotInfo>,
) -> io::Result<()> {
    let names = Names::of(tree);
    let total = tree.nodes.first().map(|root| TotalJson {
        bytes: root.live.bytes,
        objects: root.live.objects,
        bytes_stderr: root.bytes_stderr,
    });
    let document = TreeJson {
        schema: SCHEMA,
        collected_at,
        sample_bytes: tree.sample_rate.bytes(),
        total,
        base: base.map(|base| BaseJson { id: &base.id, taken_at: &base.taken_at }),
        threshold: tree.threshold,
        notes,
        strings: &names.strings,
        frames: &names.frames,
        nodes: NodesJson {
            parent: Column(&tree.nodes, |node| node.parent.map_or(-1, index_of)),
            frame: &names.frame_of,
            r#type: &names.type_of,
            bytes: Column(&tree.nodes, |node| node.live.bytes),
            objects: Column(&tree.nodes, |node| node.live.objects),
            stderr: Column(&tree.nodes, |node| whole(node.bytes_stderr)),
            smaller: Column(&tree.nodes, |node| match node.label {
                CallLabel::Smaller(count) => count,
                _ => 0,
            }),
            before_bytes: base.map(|_| Column(&tree.nodes, |node| change(node).before.bytes)),
            change_stderr: base.map(|_| Column(&tree.nodes, |node| whole(change(node).bytes_stderr))),
            significant: base.map(|_| Column(&tree.nodes, |node| u8::from(change(node).is_significant))),
        },
        pruned: PrunedJson { nodes: tree.pruned.nodes, bytes: tree.pruned.bytes },
    };
    serde_json::to_writer(PrintableJson(&mut out), &document)?;
    out.write_all(b"\n")
}

#[derive(Serialize)]
struct TreeJson<'a> {
    schema: &'a str,
    collected_at: &'a str,
    sample_bytes: u64,
    total: Option<TotalJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<BaseJson<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    notes: &'a [String],
    strings: &'a [&'a str],
    frames: &'a [(i64, i64, Option<u32>)],
    nodes: NodesJson<'a>,
    pruned: PrunedJson,
}

#[derive(Serialize)]
struct TotalJson {
    bytes: i64,
    objects: i64,
    bytes_stderr: f64,
}

#[derive(Serialize)]
struct BaseJson<'a> {
    id: &'a SnapshotId,
    taken_at: &'a str,
}

#[derive(Serialize)]
struct PrunedJson {
    nodes: u64,
    bytes: i64,
}

/// The nodes as columns of equal length. -1 stands for no parent, no frame or no type.
#[derive(Serialize)]
struct NodesJson<'a> {
    parent: Column<'a, i64>,
    frame: &'a [i64],
    r#type: &'a [i64],
    bytes: Column<'a, i64>,
    objects: Column<'a, i64>,
    stderr: Column<'a, u64>,
    /// The number of smaller nodes that a node stands for; 0 if it is no such node.
    smaller: Column<'a, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before_bytes: Option<Column<'a, i64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change_stderr: Option<Column<'a, u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    significant: Option<Column<'a, u8>>,
}

/// One number of each node.
struct Column<'a, T>(&'a [CallNode<'a>], fn(&CallNode<'a>) -> T);

impl<T: Serialize> Serialize for Column<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(self.1))
    }
}

fn change(node: &CallNode<'_>) -> NodeChange {
    node.change.unwrap_or_default()
}

/// An error in whole bytes.
fn whole(bytes: f64) -> u64 {
    bytes.round() as u64
}

fn index_of(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

/// The texts of a tree, each once.
#[derive(Default)]
struct Names<'a> {
    strings: Vec<&'a str>,
    /// Name, file and line.
    frames: Vec<(i64, i64, Option<u32>)>,
    frame_of: Vec<i64>,
    type_of: Vec<i64>,
    known_strings: HashMap<&'a str, i64>,
    known_frames: HashMap<(i64, i64, Option<u32>), i64>,
}

impl<'a> Names<'a> {
    fn of(tree: &'a CallTree<'_>) -> Self {
        let mut names = Self::default();
        for node in &tree.nodes {
            let (frame, r#type) = match node.label {
                CallLabel::Function(frame) => (names.frame(frame), -1),
                CallLabel::Type(name) => (-1, names.string(name.unwrap_or(UNATTRIBUTED))),
                _ => (-1, -1),
            };
            names.frame_of.push(frame);
            names.type_of.push(r#type);
        }
        names
    }

    fn string(&mut self, text: &'a str) -> i64 {
        *self.known_strings.entry(text).or_insert_with(|| {
            self.strings.push(text);
            index_of(self.strings.len() - 1)
        })
    }

    fn frame(&mut self, frame: SymbolizedFrame<'a>) -> i64 {
        let name = self.string(frame.function);
        let file = frame.file.map_or(-1, |file| self.string(file));
        let frame = (name, file, Some(frame.line).filter(|line| *line > 0));
        *self.known_frames.entry(frame).or_insert_with(|| {
            self.frames.push(frame);
            index_of(self.frames.len() - 1)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::call_tree::TreeOptions;
    use crate::sample::profile;

    fn written(tree: &CallTree<'_>, base: Option<&SnapshotInfo>) -> Value {
        let mut json = Vec::new();
        write_json(&mut json, tree, "2026-11-21T09:00:00.000Z", &["a note".to_owned()], base).unwrap();
        assert_eq!(json.iter().filter(|byte| **byte == b'\n').count(), 1);
        serde_json::from_slice(&json).unwrap()
    }

    #[test]
    fn a_tree_is_columns_that_name_each_text_once() {
        let profile = profile(1, &[(&["push", "read", "main"], 2, 200), (&["push", "main"], 1, 100)]);
        let tree = CallTree::of(None, &profile, &TreeOptions { shows_types: true, ..TreeOptions::default() });
        let json = written(&tree, None);
        assert_eq!(json["schema"], SCHEMA);
        assert_eq!(json["total"], json!({"bytes": 300, "objects": 3, "bytes_stderr": 0.0}));
        let columns = json["nodes"].as_object().unwrap();
        assert_eq!((&columns["parent"][0], &columns["frame"][0]), (&json!(-1), &json!(-1)));
        for (name, column) in columns {
            assert_eq!(column.as_array().unwrap().len(), tree.nodes.len(), "{name}");
        }
        assert!(!columns.contains_key("before_bytes") && json.get("base").is_none());
        assert_eq!(
            json["strings"],
            json!([
                "code without symbols in main",
                "code without symbols in push",
                "unattributed",
                "code without symbols in read"
            ])
        );
        assert_eq!(json["frames"].as_array().unwrap().len(), 3);
        assert_eq!(json["pruned"], json!({"nodes": 0, "bytes": 0}));
    }

    #[test]
    fn a_comparison_has_a_verdict_for_each_node() {
        let profile = profile(1, &[(&["push", "main"], 2, 200)]);
        let tree = CallTree::of(Some(&profile), &profile, &TreeOptions::default());
        let base: SnapshotInfo = serde_json::from_value(json!({
            "schema": "memory-debug-snapshot/v1", "id": "000102030405060708090a0b0c0d0e0f", "stacks": 2,
            "taken_at": "2026-11-21T08:00:00.000Z", "sampled_bytes": 300,
            "instance": {"id": "00000000-0000-4000-8000-000000000000", "pid": 1},
        }))
        .unwrap();
        let json = written(&tree, Some(&base));
        assert_eq!(json["base"], json!({"id": base.id, "taken_at": "2026-11-21T08:00:00.000Z"}));
        assert_eq!(json["nodes"]["before_bytes"], json["nodes"]["bytes"]);
        assert_eq!(json["nodes"]["significant"], json!(vec![0; tree.nodes.len()]));
        assert!(json["threshold"].as_f64().is_some_and(|threshold| threshold > 1.9));
    }

    #[test]
    fn a_small_tree_counts_what_it_summed() {
        let profile = profile(1, &[(&["push", "main"], 2, 200), (&["pull", "thread"], 1, 100)]);
        let tree = CallTree::of(None, &profile, &TreeOptions { nodes: 2, ..TreeOptions::default() });
        let json = written(&tree, None);
        assert_eq!(json["nodes"]["bytes"], json!([300, 300]));
        assert_eq!(
            (&json["nodes"]["smaller"][1], &json["pruned"]),
            (&json!(4), &json!({"nodes": 4, "bytes": 300}))
        );
    }
}
