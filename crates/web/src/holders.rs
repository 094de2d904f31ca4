//! The page of who holds the memory, and the page of a running scan.

use maud::{Markup, html};
use memory_debug_holders::{
    HolderGraph, HoldersReport, ProgressReport, RunningScan, write_holders, write_progress,
};
use memory_debug_report::render::content;

use crate::blocks::blocks;
use crate::holder_graph::holder_graph;
use crate::layout;
use crate::note;
use crate::site::Site;

const PATH: &str = "/holders";

/// Other forms of the page: the format, and what it is for.
const FORMATS: &[(&str, &str)] = &[
    ("svg", "the graph as SVG"),
    ("dot", "the graph for Graphviz"),
    ("json", "JSON, for programs"),
    ("text", "text"),
];

/// Who holds the memory. `report` is `None` if no scan has ended, and `running` is the scan that runs. `filter` selected the
/// types. The graph has at most `most_nodes` boxes. `note` says what was left out.
pub fn holders(
    site: &Site,
    report: Option<&HoldersReport>,
    running: Option<&RunningScan>,
    filter: Option<&str>,
    most_nodes: usize,
    note: Option<&str>,
) -> String {
    let body = html! {
        (note::left_out(note))
        @if let Some(running) = running {
            p.note { "A scan runs: " (running.to_string()) ". " (site.a("/holders?last=true", "Show the result")) }
        }
        (form(site, filter))
        @match report {
            Some(report) => {
                @if let Some(filter) = filter { p { "Only types with " code { (content::printable(filter)) } ". " (site.a("/holders?last=true", "All types")) } }
                @let graph = HolderGraph::of(report, most_nodes);
                (holder_graph(&graph))
                (blocks(&|out| write_holders(out, report)))
                @if report.coverage.is_some() { (downloads(site, filter)) }
            },
            None => p { "No scan of this process has ended yet." },
        }
    };
    let identity = report.map(|report| content::identity_of(&report.instance)).unwrap_or_default();
    layout::page(site, layout::name(PATH), &identity, &body)
}

/// Whether a scan runs, and how far it is.
pub fn scan_progress(site: &Site, progress: &ProgressReport) -> String {
    let body = html! {
        (blocks(&|out| write_progress(out, progress)))
        p { (site.a("/holders/progress", "Show the progress again")) " · " (site.a("/holders?last=true", "The last result")) }
    };
    layout::page(site, "Scan", &content::identity_of(&progress.instance), &body)
}

/// The form that starts a scan. The answer is the result.
fn form(site: &Site, filter: Option<&str>) -> Markup {
    html! {
        form method="get" action=(site.link(PATH)) {
            label { "Type " input type="text" name="type" maxlength="128" value=[filter]; }
            " "
            label {
                "Scans "
                select name="scans" {
                    option value="3" { "3, with unreachable memory" }
                    option value="1" { "1, faster" }
                }
            }
            " "
            label { "Seconds " input type="number" name="seconds" min="1" max="60" value="20"; }
            " "
            button { "Scan the heap" }
        }
        p.summary {
            "A scan reads the memory of the process on a thread of low priority; it takes a second or two for each GiB. "
            (site.a("/holders/progress", "Progress of the scan")) "."
        }
    }
}

/// Links to other forms of the last result.
fn downloads(site: &Site, filter: Option<&str>) -> Markup {
    html! {
        p {
            "The same result: "
            @for (index, (format, name)) in FORMATS.iter().enumerate() {
                @if index > 0 { " · " }
                @let last = [("last", "true".to_owned()), ("format", (*format).to_owned())];
                @let parameters: Vec<_> = last.into_iter().chain(filter.map(|filter| ("type", filter.to_owned()))).collect();
                a href=(site.link_with(PATH, &parameters)) { (name) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const HOSTILE: &str = "</text><script>alert(1)</script>\"'><img src=x onerror=1>";

    fn report(name: &str) -> HoldersReport {
        let link = json!({"type_name": name, "bytes": 64});
        serde_json::from_value(json!({
            "schema": "memory-debug/v1", "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "service": name, "pid": 7},
            "scanned_at": name, "duration_us": 1, "cpu_us": 1,
            "coverage": {"scans": 3, "heap_bytes": 9, "read_bytes": 9, "ended_early": name, "recorded_since": name},
            "types": [
                {"type_name": name, "bytes": 1 << 20, "bytes_stderr": 1e5, "samples": 9, "chains": [
                    {"links": [link], "root": {"kind": "static", "name": name, "also": [name]}, "bytes": 1 << 20,
                     "bytes_stderr": 1e5, "samples": 9}], "unknown_bytes": 9},
                {"type_name": "Node", "bytes": 1 << 20, "bytes_stderr": 1e5, "samples": 9, "unreachable": {
                    "bytes": 1 << 20, "bytes_stderr": 1e5, "samples": 9, "scans": 3, "holds": [link], "cycle": ["Node", name]}},
            ],
            "omitted": 0, "unavailable": {"x": name},
        }))
        .unwrap()
    }

    fn page(name: &str) -> String {
        let running = RunningScan::new(name, 1, 2, 0);
        let site = Site::new("/debug/memory", "/holders", "ops", "profile");
        holders(&site, Some(&report(name)), Some(&running), Some(name), 20, Some(name))
    }

    #[test]
    fn unreachable_memory_comes_first_and_the_graph_is_inline() {
        let page = page("Session");
        let unreachable = page.find("<h2>unreachable</h2>").unwrap();
        assert!(
            unreachable < page.find("Session ← Session ← static Session (also Session)").unwrap(),
            "{page}"
        );
        assert!(
            page.contains("<svg class=\"holders\"") && page.contains("a cycle: Node → Session → Node"),
            "{page}"
        );
        assert!(page.contains("./holders?last=true&amp;format=svg&amp;type=Session"), "{page}");
    }

    #[test]
    fn without_a_result_the_page_offers_a_scan() {
        let site = Site::new("/debug/memory", "/holders", "ops", "profile");
        let page = holders(&site, None, None, None, 20, None);
        assert!(page.contains("No scan of this process has ended yet."), "{page}");
        assert!(page.contains("<form method=\"get\" action=\"./holders\">"), "{page}");
        assert!(!page.contains("<svg class=\"holders\"") && !page.contains("The same result"), "{page}");
        let running = RunningScan::new("2026-11-20T12:12:00Z", 1 << 20, 4 << 20, 0);
        let page = holders(&site, None, Some(&running), None, 20, None);
        assert!(page.contains("A scan runs: scan 1, read 1.0 MiB of 4.0 MiB (25 %)"), "{page}");
    }

    #[test]
    fn s33_s34_names_are_text_and_no_style_is_inline() {
        let (plain, hostile) = (page("x"), page(HOSTILE));
        assert_eq!(hostile.matches('<').count(), plain.matches('<').count(), "{hostile}");
        for forbidden in ["<img", "<script>", "\"'", "style="] {
            assert!(!hostile.contains(forbidden), "{forbidden}: {hostile}");
        }
        assert!(hostile.contains("&lt;script&gt;alert(1)"), "{hostile}");
    }
}
