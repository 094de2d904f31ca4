//! Who holds what, as a picture. The tables beside it have the same numbers, and are the accessible form.

use maud::{Markup, html};
use memory_debug_holders::{GraphBox, GraphKind, HolderGraph};

/// The picture of a graph, in a region that scrolls. Nothing if the graph is empty.
///
/// Colours are classes, and places are attributes, because the page's policy forbids inline styles.
pub(crate) fn holder_graph(graph: &HolderGraph) -> Markup {
    let picture = graph.picture();
    html! {
        @if !picture.boxes.is_empty() {
            div.scroll role="region" aria-label="Who holds what" tabindex="0" {
                svg.holders width=(picture.width) height=(picture.height) role="img"
                    aria-label="Roots on the left hold what is right of them. The tables below have the numbers." {
                    @for curve in &picture.curves {
                        path d=(curve.path) fill="none" stroke="currentColor" stroke-opacity=".3"
                            stroke-width=(format!("{:.1}", curve.width)) { title { (curve.title) } }
                    }
                    @for drawn in &picture.boxes { (drawing(drawn)) }
                }
            }
        }
    }
}

fn drawing(drawn: &GraphBox) -> Markup {
    html! {
        g {
            title { (drawn.title) }
            rect class="rest" x=(drawn.x) y=(drawn.y) width=(drawn.width) height=(drawn.height) rx="4"
                stroke="currentColor" stroke-dasharray=[dashes(drawn.kind)] stroke-width=(border(drawn.kind)) {}
            text x=(drawn.x + 8) y=(drawn.y + 18) font-size="12" fill="currentColor" { (drawn.name) }
            text x=(drawn.x + 8) y=(drawn.y + 36) font-size="12" fill="currentColor" { (drawn.bytes) }
        }
    }
}

/// The border tells roots from types, also where there are no colours.
fn border(kind: GraphKind) -> &'static str {
    match kind {
        GraphKind::Root | GraphKind::Unreachable => "3",
        _ => "1",
    }
}

fn dashes(kind: GraphKind) -> Option<&'static str> {
    matches!(kind, GraphKind::Unreachable | GraphKind::More).then_some("6 3")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_graph_has_no_picture() {
        assert_eq!(holder_graph(&HolderGraph::default()).into_string(), "");
    }
}
