//! The flame graph, and its call tree without script.

mod call_tree;

use maud::{Markup, html};
use memory_debug_report::RowId;

use crate::assets::{Asset, flame_script, flame_style_sheet};
use crate::layout;
use crate::site::Site;

pub use call_tree::call_tree;

const TITLE: &str = "Flame graph";

/// The memory that a flame graph shows.
#[derive(Clone, Debug, Default)]
pub struct GraphSource {
    /// The snapshot to compare with, as in the parameter `base`.
    pub base: Option<String>,
    /// The only type. `None` for all types.
    pub row: Option<RowId>,
}

impl GraphSource {
    /// Adds the parameters of this memory to `target`, which has a query.
    fn of(&self, target: &str) -> String {
        let base = self.base.iter().map(|base| format!("&base={base}"));
        let row = self.row.iter().map(|row| format!("&type={row}"));
        base.chain(row).fold(target.to_owned(), |target, parameter| target + &parameter)
    }
}

/// The frame of the flame graph. The page's script fetches the call tree and fills the frame, so this page needs no
/// collection.
pub fn flame_graph(site: &Site, source: &GraphSource) -> String {
    let body = html! {
        @if let Some(row) = source.row { (only_type(site, row)) }
        p #flame-status role="status" {
            "This picture needs a script. The "
            (site.a(&source.of("/heap/flamegraph?view=tree"), "call tree"))
            " has the same numbers without."
        }
        (viewer(site, source))
        (downloads(site, source))
    };
    let head = html! {
        link rel="stylesheet" href=(link(site, flame_style_sheet()));
        script defer src=(link(site, flame_script())) integrity=(flame_script().integrity) {}
    };
    layout::page_with(site, TITLE, &[], &head, &body)
}

fn link(site: &Site, asset: &Asset) -> String {
    site.link(&format!("/assets/{}", asset.name))
}

/// The line that says that other types are left out.
fn only_type(site: &Site, row: RowId) -> Markup {
    html! {
        p {
            "Only the memory of "
            (site.a(&format!("/types/{row}"), "one type"))
            ". "
            (site.a("/heap/flamegraph", "All memory"))
        }
    }
}

/// The parts that the script fills. Hidden until then.
fn viewer(site: &Site, source: &GraphSource) -> Markup {
    let tree = site.link(&source.of("/heap/tree?by=type&format=json"));
    html! {
        div #flame hidden data-tree=(tree) data-snapshots=(site.link("/snapshots?format=json")) {
            (tools(source))
            nav #flame-trail aria-label="Zoom" {}
            div.tabs role="group" aria-label="Form" {
                button #flame-tab-graph type="button" { "Graph" }
                button #flame-tab-table type="button" { "Table" }
                button #flame-tab-gone type="button" hidden[source.base.is_none()] { "Gone" }
            }
            (legend(source.base.is_some()))
            div #flame-graph {
                div #flame-callers .flame hidden { div role="tree" aria-label="Callers" {} }
                div #flame-callees .flame { div role="tree" aria-label="Call tree" {} }
                p #flame-limit hidden { "Rows with very many boxes are not drawn. Zoom in to see them." }
                p.summary {
                    "Keys: arrows move, Enter zooms, Esc leaves the zoom, / searches, n and p step through what was found."
                }
            }
            div #flame-table hidden {
                div #flame-rows .scroll role="region" aria-label="Table" tabindex="0" {}
                p #flame-more { "There are more rows. Close some, or zoom into a function first." }
            }
            div #flame-gone .scroll role="region" aria-label="Gone" tabindex="0" hidden {}
            div #flame-details role="region" aria-label="Details" {}
        }
    }
}

/// What widths and colours mean.
fn legend(is_compared: bool) -> Markup {
    let (width, colours): (_, &[(&str, &str)]) = if is_compared {
        let width = "Width: memory now. Colour: change since the snapshot.";
        let colours = &[
            ("same", "no change beyond noise"),
            ("grown1", "grown"),
            ("grown3", "grown to more than three times"),
            ("shrunk1", "shrunk"),
            ("shrunk3", "shrunk to less than a third"),
        ];
        (width, colours)
    } else {
        let colours =
            &[("crate0", "functions, a colour for each crate"), ("type", "types"), ("same", "sums")];
        ("Width: memory now.", colours)
    };
    html! {
        p #flame-legend {
            (width)
            @for (colour, meaning) in colours { span { i class=(colour) aria-hidden="true" {} (meaning) } }
        }
    }
}

/// A choice: its name, its label, and its values with their texts.
type Choice = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

/// How the graph can be drawn.
const CHOICES: &[Choice] = &[
    ("m", "Width", &[("bytes", "bytes"), ("objects", "objects")]),
    ("by", "Ends with", &[("type", "types"), ("function", "functions")]),
    ("inv", "Begins with", &[("", "the outermost callers"), ("1", "where the memory was allocated")]),
    ("flip", "Drawn as", &[("", "icicles"), ("1", "flames")]),
];

fn tools(source: &GraphSource) -> Markup {
    html! {
        div.query {
            label { "Search " input #flame-q type="search" maxlength="128" autocomplete="off"; }
            button #flame-previous type="button" { "Previous" }
            button #flame-next type="button" { "Next" }
            output #flame-found {}
            output #flame-step {}
            @for (name, label, options) in CHOICES {
                label {
                    (label) " "
                    select #{ "flame-" (name) } {
                        @for (value, text) in *options { option value=(value) { (text) } }
                    }
                }
            }
            form {
                label { "Compare with " select #flame-base name="base" { option value="" { "nothing" } } }
                @if let Some(row) = source.row { input type="hidden" name="type" value=(row); }
                " " button { "Compare" }
            }
        }
    }
}

/// Links to the same profile in other formats. Each collects when it is opened.
fn downloads(site: &Site, source: &GraphSource) -> Markup {
    let formats = [
        (source.of("/heap/flamegraph?view=tree"), "call tree, a page without script"),
        (source.of("/heap/flamegraph?format=svg"), "SVG, a picture"),
        ("/heap?format=pprof".to_owned(), "pprof, for go tool pprof and speedscope"),
        ("/heap?format=collapsed".to_owned(), "collapsed stacks, for other flame graph tools"),
        (source.of("/heap/tree?by=type"), "call tree as JSON, for programs"),
    ];
    html! {
        h2 { "Other forms" }
        ul {
            @for (target, name) in formats.iter().filter(|(target, _)| site.has_page(target)) {
                li { (site.a(target, name)) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s33_the_frame_has_no_code_and_no_styles_of_its_own() {
        let row = Some("0123456789abcdef".parse().unwrap());
        let source = GraphSource { base: Some("last".to_owned()), row };
        let page = flame_graph(&Site::new("/debug/memory", "/heap/flamegraph", "ops", "profile"), &source);
        for forbidden in ["style=", "<style", "onclick", "onload", "javascript:", "http:", "https:"] {
            assert!(!page.contains(forbidden), "{forbidden}: {page}");
        }
        assert_eq!(page.matches("<script").count(), 2);
        for script in page.split("<script").skip(1) {
            assert!(
                script.starts_with(" defer src=\"../assets/") && script.contains("\"></script>"),
                "{script}"
            );
        }
        let tree =
            "data-tree=\"../heap/tree?by=type&amp;format=json&amp;base=last&amp;type=0123456789abcdef\"";
        assert!(page.contains(tree), "{page}");
    }

    #[test]
    fn a_picture_that_the_service_cannot_draw_is_not_offered() {
        let site = Site::new("/debug/memory", "/heap/flamegraph", "ops", "profile");
        let source = GraphSource { base: None, row: Some("0123456789abcdef".parse().unwrap()) };
        assert!(flame_graph(&site, &source).contains("SVG"));
        let page = flame_graph(&site.without(&["/heap/flamegraph?format=svg"]), &source);
        assert!(!page.contains("SVG") && page.contains("pprof"), "{page}");
    }
}
