//! The call tree as nested lists that open without script.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter;

use maud::{Markup, html};
use memory_debug_report::MemoryReport;
use memory_debug_report::render::content;
use memory_debug_tree::{CallLabel, CallTree, cells, label};

use super::{GraphSource, downloads, only_type};
use crate::layout;
use crate::site::Site;

/// Nodes below this share of all bytes are left out.
const LEAST_SHARE: f64 = 0.005;

/// Maximum number of nodes on the page. The largest are shown.
const MOST_NODES: usize = 500;

/// Nodes of at least this share are open.
const OPEN_SHARE: f64 = 0.1;

/// The call tree of a report. The links lead to other forms of `source`.
pub fn call_tree(site: &Site, report: &MemoryReport, tree: &CallTree<'_>, source: &GraphSource) -> String {
    let shown = Shown::of(tree);
    let body = html! {
        p.summary { (content::collected(report)) }
        @if let Some(row) = source.row { (only_type(site, row)) }
        p.summary { (shown.note()) }
        ul.calls { (shown.node(0)) }
        (downloads(site, source))
    };
    layout::page(site, "Call tree", &content::identity(report), &body)
}

/// The nodes that are shown, with their children.
struct Shown<'a> {
    tree: &'a CallTree<'a>,
    /// The shown children of each node, the largest first.
    children: Vec<Vec<usize>>,
    total: i64,
    count: usize,
}

impl<'a> Shown<'a> {
    fn of(tree: &'a CallTree<'a>) -> Self {
        let bytes = |node: usize| tree.nodes[node].live.bytes;
        let total = tree.nodes.first().map_or(0, |root| root.live.bytes);
        let least = (total as f64 * LEAST_SHARE).max(1.0);
        let large = (1..tree.nodes.len()).filter(|node| bytes(*node) as f64 >= least);
        // A parent is at least as large as its children, and comes before them.
        let mut ranked: BinaryHeap<_> = large.map(|node| (bytes(node), Reverse(node))).collect();
        let count = ranked.len().min(MOST_NODES - 1);
        let mut children = vec![Vec::new(); tree.nodes.len()];
        for (_, Reverse(node)) in iter::from_fn(|| ranked.pop()).take(count) {
            if let Some(parent) = tree.nodes[node].parent {
                children[parent].push(node);
            }
        }
        Self { tree, children, total, count }
    }

    fn note(&self) -> String {
        format!(
            "{} of {} nodes: those with at least {} % of all bytes, at most {MOST_NODES}.",
            self.count + 1,
            self.tree.nodes.len(),
            LEAST_SHARE * 100.0
        )
    }

    /// A node, with the nodes below it. A chain of only children is one item, because browsers limit how deeply items
    /// can be nested.
    fn node(&self, node: usize) -> Markup {
        let mut chain = vec![node];
        let mut last = node;
        while let [only] = self.children.get(last).map_or(&[][..], Vec::as_slice) {
            chain.push(*only);
            last = *only;
        }
        let below = self.children.get(last).map_or(&[][..], Vec::as_slice);
        let first = self.tree.nodes.get(node);
        let is_open = first.is_some_and(|node| node.live.bytes as f64 >= self.total as f64 * OPEN_SHARE);
        html! {
            li {
                @if chain.len() == 1 && below.is_empty() {
                    (self.line(node))
                } @else {
                    details open[is_open] {
                        summary { (self.line(node)) }
                        @for node in &chain[1..] { p { (self.line(*node)) } }
                        @if !below.is_empty() {
                            ul { @for child in below { (self.node(*child)) } }
                        }
                    }
                }
            }
        }
    }

    fn line(&self, node: usize) -> Markup {
        let Some(node) = self.tree.nodes.get(node) else { return html! { "No memory." } };
        let (name, place) = label(node.label);
        let [bytes, error, objects, share] = cells(node, self.total);
        html! {
            b { (share) } " " (bytes) " " (error) " in " (objects) " objects: "
            @if matches!(node.label, CallLabel::Function(_) | CallLabel::Type(_)) { bdi { code { (name) } } } @else { (name) }
            @if let Some(place) = place { " " bdi.summary { (place) } }
        }
    }
}
