//! Calls as a picture: each box stands below its caller, and is as wide as its share. The numbers are in a table
//! beside it, which is the accessible form.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Trace, TraceEvent, TraceKind, TraceNode};

/// The height of a row, in pixels.
const ROW: u64 = 20;

/// Boxes below this share of the picture are too narrow to see.
const LEAST_SHARE: f64 = 0.001;

/// Deeper calls are not drawn.
const MOST_ROWS: u64 = 32;

/// A box: its node, its place and its width. Both are fractions from 0 to 1.
struct Box<'a> {
    node: &'a TraceNode,
    left: f64,
    share: f64,
    number: u64,
}

/// The picture of `trace` with at most `most` boxes, the widest. Empty if the event has no numbers.
///
/// The width of a box is its own number and the widths of the boxes below it, so boxes never leave their caller.
/// Places and widths are attributes of the picture, because the page's policy forbids inline styles.
pub(crate) fn icicle(trace: &Trace, event: TraceEvent, most: usize) -> Markup {
    let boxes = boxes(trace, event, most);
    let rows = boxes.iter().map(|drawn| drawn.node.depth + 1).max().unwrap_or(0);
    let of = name(event);
    html! {
        @if rows > 0 {
            svg.icicle height=(rows * ROW) role="img" aria-label={ "Calls by " (of) ". The table below has the numbers." } {
                @for drawn in &boxes { (drawn.markup(event)) }
            }
        }
    }
}

/// What an event is called in a sentence.
pub(crate) fn name(event: TraceEvent) -> &'static str {
    match event {
        TraceEvent::Busy => "busy time",
        TraceEvent::Allocated => "allocated bytes",
        _ => "total time",
    }
}

fn boxes(trace: &Trace, event: TraceEvent, most: usize) -> Vec<Box<'_>> {
    let (parents, weights) = (trace.parents(), trace.weights(event));
    let roots = parents.iter().zip(&weights).filter(|(parent, _)| parent.is_none());
    let whole = roots.map(|(_, weight)| *weight as f64).sum::<f64>();
    if whole <= 0.0 {
        return Vec::new();
    }
    let mut begin_of_next_root = 0.0;
    // Where the next child of each node begins.
    let mut begins = Vec::with_capacity(weights.len());
    let mut boxes = Vec::new();
    for ((node, parent), weight) in trace.nodes.iter().zip(&parents).zip(&weights) {
        let begin = parent.and_then(|parent| begins.get_mut(parent)).unwrap_or(&mut begin_of_next_root);
        let (left, share) = (*begin, *weight as f64 / whole);
        *begin += share;
        begins.push(left);
        if share >= LEAST_SHARE && node.depth < MOST_ROWS {
            boxes.push(Box { node, left, share, number: *weight });
        }
    }
    // Sorting is stable, so a caller stays before its calls.
    boxes.sort_by(|one, other| other.share.total_cmp(&one.share));
    boxes.truncate(most);
    boxes
}

impl Box<'_> {
    fn markup(&self, event: TraceEvent) -> Markup {
        let name = content::short_name(&self.node.name);
        let percent = |fraction: f64| format!("{:.2}%", 100.0 * fraction);
        let number = content::trace_quantity(event, self.number);
        html! {
            svg x=(percent(self.left)) y=(self.node.depth * ROW) width=(percent(self.share)) height=(ROW - 1) {
                title { (name) ": " (number) ", " (percent(self.share)) }
                rect class=(class(self.node.kind)) width="100%" height="100%" {}
                text x="4" y="14" { (name) }
            }
        }
    }
}

fn class(kind: TraceKind) -> &'static str {
    match kind {
        TraceKind::Route => "heat-5",
        TraceKind::Future => "heat-3",
        TraceKind::Span => "heat-2",
        _ => "heat-1",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trace whose nodes have these depths and own busy times.
    fn trace(nodes: &[(u64, u64)]) -> Trace {
        let node = |(place, (depth, own)): (usize, &(u64, u64))| serde_json::json!({"depth": depth, "name": format!("n{place}"), "own_busy_ns": own});
        let nodes: Vec<_> = nodes.iter().enumerate().map(node).collect();
        serde_json::from_value(serde_json::json!({ "nodes": nodes })).unwrap()
    }

    #[test]
    fn a_box_stands_below_its_caller_beside_the_boxes_before_it() {
        let trace = trace(&[(0, 10), (1, 20), (2, 30), (1, 15), (0, 25)]);
        let boxes = boxes(&trace, TraceEvent::Busy, 100);
        let places: Vec<_> = boxes.iter().map(|drawn| (&*drawn.node.name, drawn.left, drawn.share)).collect();
        assert_eq!(
            places,
            [("n0", 0.0, 0.75), ("n1", 0.0, 0.5), ("n2", 0.0, 0.3), ("n4", 0.75, 0.25), ("n3", 0.5, 0.15)]
        );
    }

    #[test]
    fn the_widest_boxes_are_drawn_with_their_callers() {
        let deep: Vec<_> = (0..100).map(|depth| (depth, 1)).collect();
        let trace = trace(&deep);
        assert_eq!(boxes(&trace, TraceEvent::Busy, 1_000).len(), MOST_ROWS as usize);
        let depths: Vec<_> =
            boxes(&trace, TraceEvent::Busy, 3).iter().map(|drawn| drawn.node.depth).collect();
        assert_eq!(depths, [0, 1, 2]);
    }

    #[test]
    fn a_number_that_is_missing_or_0_everywhere_has_no_picture() {
        for (trace, event) in [
            (trace(&[(0, 1)]), TraceEvent::Allocated),
            (trace(&[(0, 0), (1, 0)]), TraceEvent::Busy),
            (trace(&[]), TraceEvent::Busy),
        ] {
            assert_eq!(icicle(&trace, event, 100).into_string(), "");
        }
    }

    #[test]
    fn s33_s34_names_are_text_and_places_are_attributes() {
        let mut trace = trace(&[(0, 1)]);
        trace.nodes[0].name = "<script>alert(1)</script>\"'".into();
        let text = icicle(&trace, TraceEvent::Busy, 100).into_string();
        assert!(text.contains("<text x=\"4\" y=\"14\">&lt;script&gt;alert(1)&lt;/script&gt;"), "{text}");
        assert!(text.contains("x=\"0.00%\" y=\"0\" width=\"100.00%\" height=\"19\""), "{text}");
        assert!(!text.contains("<script>") && !text.contains("style="), "{text}");
    }
}
