//! The flame graph, and its call tree without script.

mod call_tree;

use maud::{Markup, html};

use crate::assets::{Asset, flame_script, flame_style_sheet};
use crate::layout;
use crate::site::Site;

pub use call_tree::call_tree;

const TITLE: &str = "Flame graph";

/// The frame of the flame graph. The page's script fetches the call tree and fills the frame, so this page needs no
/// collection. `base` is the snapshot to compare with.
pub fn flame_graph(site: &Site, base: Option<&str>) -> String {
    let body = html! {
        p #flame-status role="status" {
            "This picture needs a script. The "
            a href=(site.link(&with_base("/heap/flamegraph?view=tree", base))) { "call tree" }
            " has the same numbers without."
        }
        (viewer(site, base))
        (downloads(site, base))
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

fn with_base(target: &str, base: Option<&str>) -> String {
    base.map_or_else(|| target.to_owned(), |base| format!("{target}&base={base}"))
}

/// The parts that the script fills. Hidden until then.
fn viewer(site: &Site, base: Option<&str>) -> Markup {
    let tree = site.link(&with_base("/heap/tree?by=type&format=json", base));
    html! {
        div #flame hidden data-tree=(tree) data-snapshots=(site.link("/snapshots?format=json")) {
            (tools())
            nav #flame-trail aria-label="Zoom" {}
            div.tabs role="group" aria-label="Form" {
                button #flame-tab-graph type="button" { "Graph" }
                button #flame-tab-table type="button" { "Table" }
                button #flame-tab-gone type="button" hidden[base.is_none()] { "Gone" }
            }
            (legend(base.is_some()))
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

fn tools() -> Markup {
    let choices = [
        ("m", "Width", [("bytes", "bytes"), ("objects", "objects")]),
        ("by", "Ends with", [("type", "types"), ("function", "functions")]),
        ("inv", "Begins with", [("", "the outermost callers"), ("1", "where the memory was allocated")]),
        ("flip", "Drawn as", [("", "icicles"), ("1", "flames")]),
    ];
    html! {
        div.query {
            label { "Search " input #flame-q type="search" maxlength="128" autocomplete="off"; }
            button #flame-previous type="button" { "Previous" }
            button #flame-next type="button" { "Next" }
            output #flame-found {}
            output #flame-step {}
            @for (name, label, options) in choices {
                label {
                    (label) " "
                    select #{ "flame-" (name) } {
                        @for (value, text) in options { option value=(value) { (text) } }
                    }
                }
            }
            label { "Compare with " select #flame-base { option value="" { "nothing" } } }
        }
    }
}

/// Links to the same profile in other formats. Each collects when it is opened.
fn downloads(site: &Site, base: Option<&str>) -> Markup {
    let formats = [
        (with_base("/heap/flamegraph?view=tree", base), "call tree, a page without script"),
        (with_base("/heap/flamegraph?format=svg", base), "SVG, a picture"),
        ("/heap?format=pprof".to_owned(), "pprof, for go tool pprof and speedscope"),
        ("/heap?format=collapsed".to_owned(), "collapsed stacks, for other flame graph tools"),
        (with_base("/heap/tree?by=type", base), "call tree as JSON, for programs"),
    ];
    html! {
        h2 { "Other forms" }
        ul {
            @for (target, name) in formats { li { a href=(site.link(&target)) { (name) } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s33_the_frame_has_no_code_and_no_styles_of_its_own() {
        let page =
            flame_graph(&Site::new("/debug/memory", "/heap/flamegraph", "ops", "profile"), Some("last"));
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
        assert!(page.contains("data-tree=\"../heap/tree?by=type&amp;format=json&amp;base=last\""), "{page}");
    }
}
