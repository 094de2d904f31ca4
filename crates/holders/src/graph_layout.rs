//! The places of a graph's nodes in a picture: layers from left to right, from roots to types.

use memory_debug_report::units::Bytes;

use crate::graph::{GraphKind, GraphNode, HolderGraph};

const BOX_WIDTH: u64 = 224;
const BOX_HEIGHT: u64 = 44;
const GAP: u64 = 64;
const ROW: u64 = BOX_HEIGHT + 16;
const MARGIN: u64 = 8;

/// The width of the widest curve.
const WIDEST: f64 = 10.0;

/// The longest name in a box, in characters. The title of the box has the whole name.
const MOST_CHARS: usize = 28;

/// A picture of a graph.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct GraphPicture {
    /// The width, in pixels.
    pub width: u64,
    /// The height, in pixels.
    pub height: u64,
    /// The boxes, one for each node.
    pub boxes: Vec<GraphBox>,
    /// The curves, one for each edge.
    pub curves: Vec<GraphCurve>,
}

/// The box of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GraphBox {
    /// What the node stands for.
    pub kind: GraphKind,
    /// Its left edge.
    pub x: u64,
    /// Its upper edge.
    pub y: u64,
    /// Its width.
    pub width: u64,
    /// Its height.
    pub height: u64,
    /// The first line of text: the name, cut to the width of the box.
    pub name: String,
    /// The second line: the bytes.
    pub bytes: String,
    /// The whole name with the bytes.
    pub title: String,
}

/// The curve of an edge.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct GraphCurve {
    /// The attribute `d` of a path.
    pub path: String,
    /// The width of the line, by the share of the bytes.
    pub width: f64,
    /// The names of both ends, with the bytes.
    pub title: String,
}

impl HolderGraph {
    /// Places the nodes. Within a layer, the node with the most bytes is on top.
    #[must_use]
    pub fn picture(&self) -> GraphPicture {
        let mut order: Vec<usize> = (0..self.nodes.len()).collect();
        // What found no room comes last. The sort is stable.
        order.sort_by_key(|at| {
            let node = &self.nodes[*at];
            (node.kind == GraphKind::More, std::cmp::Reverse(node.bytes))
        });
        let mut rows = vec![0_u64; self.nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0)];
        let mut places = vec![(0, 0); self.nodes.len()];
        for at in order {
            let layer = self.nodes[at].layer;
            places[at] = (MARGIN + layer as u64 * (BOX_WIDTH + GAP), MARGIN + rows[layer] * ROW);
            rows[layer] += 1;
        }
        let boxes = self.nodes.iter().zip(&places).map(|(node, place)| placed(node, *place)).collect();
        let most = self.edges.iter().map(|edge| edge.bytes).max().unwrap_or(0).max(1) as f64;
        let curves = self.edges.iter().map(|edge| GraphCurve {
            path: curve(places[edge.from], places[edge.to]),
            width: (WIDEST * edge.bytes as f64 / most).max(1.0),
            title: format!(
                "{} holds {}: {}",
                self.nodes[edge.from].name,
                self.nodes[edge.to].name,
                Bytes(edge.bytes)
            ),
        });
        GraphPicture {
            width: 2 * MARGIN + (rows.len() as u64 * (BOX_WIDTH + GAP)).saturating_sub(GAP),
            height: 2 * MARGIN + rows.iter().max().copied().unwrap_or(0) * ROW,
            curves: curves.collect(),
            boxes,
        }
    }
}

fn placed(node: &GraphNode, (x, y): (u64, u64)) -> GraphBox {
    let bytes = Bytes(node.bytes).to_string();
    let mut name: String = node.name.chars().take(MOST_CHARS).collect();
    if name.len() < node.name.len() {
        name.pop();
        name.push('…');
    }
    let title = format!("{}: {bytes}", node.name);
    GraphBox { kind: node.kind, x, y, width: BOX_WIDTH, height: BOX_HEIGHT, name, bytes, title }
}

/// A curve from the right of one box to the left of another. A curve that leads back goes below the boxes.
fn curve(from: (u64, u64), to: (u64, u64)) -> String {
    let (x1, y1) = (from.0 + BOX_WIDTH, from.1 + BOX_HEIGHT / 2);
    let (x2, y2) = (to.0, to.1 + BOX_HEIGHT / 2);
    if x2 > x1 {
        let middle = x1.midpoint(x2);
        return format!("M{x1} {y1}C{middle} {y1} {middle} {y2} {x2} {y2}");
    }
    let below = from.1.max(to.1) + ROW;
    let (right, left) = (x1 + GAP / 2, x2.saturating_sub(GAP / 2));
    format!("M{x1} {y1}C{right} {below} {left} {below} {x2} {y2}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn boxes_of_a_layer_stand_below_each_other_and_never_overlap() {
        let picture = HolderGraph::of(&sample::report(), 100).picture();
        for (index, one) in picture.boxes.iter().enumerate() {
            assert!(one.x + one.width <= picture.width && one.y + one.height <= picture.height, "{one:?}");
            for other in &picture.boxes[..index] {
                let is_apart = one.x.abs_diff(other.x) >= BOX_WIDTH || one.y.abs_diff(other.y) >= BOX_HEIGHT;
                assert!(is_apart, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn curves_are_as_wide_as_their_share_and_never_invisible() {
        let picture = HolderGraph::of(&sample::report(), 100).picture();
        let widths: Vec<_> = picture.curves.iter().map(|curve| curve.width).collect();
        assert!(widths.iter().all(|width| (1.0..=WIDEST).contains(width)), "{widths:?}");
        assert!(widths.contains(&WIDEST) && widths.iter().any(|width| *width < 2.0), "{widths:?}");
    }

    #[test]
    fn a_long_name_is_cut_in_its_box_and_whole_in_its_title() {
        let picture = HolderGraph::of(&sample::named(&"x".repeat(100)), 100).picture();
        let cut = picture.boxes.iter().find(|drawn| drawn.title.starts_with('x')).unwrap();
        assert_eq!((cut.name.chars().count(), cut.name.ends_with('…')), (MOST_CHARS, true));
        assert!(cut.title.starts_with(&"x".repeat(100)), "{cut:?}");
    }

    #[test]
    fn an_empty_graph_has_an_empty_picture() {
        let picture = HolderGraph::default().picture();
        assert!(picture.boxes.is_empty() && picture.curves.is_empty());
    }
}
