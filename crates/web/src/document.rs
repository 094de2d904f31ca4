//! Pages as the sections of one file, which needs no service and no network.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{
    Conclusion, MemoryReport, Page, ReportDiff, Selection, SnapshotDiff, SnapshotInfo, TypesView, diagnose,
};

use crate::assets::{icon, script, style_sheet};
use crate::bar::patterns;
use crate::blocks::blocks;
use crate::conclusion::conclusion;
use crate::diff::between_snapshots;
use crate::history::history;
use crate::report_change::between_reports;
use crate::site::Site;
use crate::table_query::TableQuery;
use crate::{findings, layout, pages, policy, raw, resident, type_table};

/// The content of a file that shows what a service answered.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    /// The reports, the oldest first. The pages show the newest.
    pub reports: &'a [MemoryReport],
    /// The snapshots, the oldest first.
    pub snapshots: &'a [SnapshotInfo],
    /// What changed in the meantime.
    pub change: Option<Change<'a>>,
    /// What the file lacks, one sentence each.
    pub notes: &'a [String],
}

/// The change between two moments.
#[derive(Clone, Copy, Debug)]
pub enum Change<'a> {
    /// Between two reports.
    Reports(&'a ReportDiff),
    /// Between two snapshots.
    Snapshots(&'a SnapshotDiff),
}

/// One section: its id, its heading and its content.
type Section = (&'static str, &'static str, Markup);

impl Document<'_> {
    /// The file. It contains its style sheet, its script and its icon, and links only to its own sections.
    pub fn html(&self) -> String {
        let sections = self.sections();
        let latest = self.reports.last();
        let identity = latest.map(content::identity).unwrap_or_default();
        let title = identity.first().map_or("snapshots", String::as_str);
        let at = latest.map(|report| content::printable(&report.collected_at));
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy::of_document());
                    meta name="referrer" content="no-referrer";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    title { (title) @if let Some(at) = &at { " · " (at) } " · memory" }
                    link rel="icon" type="image/svg+xml" href=(embedded_icon());
                    style { (raw::asset(style_sheet())) }
                }
                body {
                    (patterns())
                    a.skip href="#content" { "Skip to content" }
                    header {
                        (layout::identity(&identity))
                        nav aria-label="Sections" {
                            ul { @for (id, name, _) in &sections { li { a href={ "#" (id) } { (name) } } } }
                        }
                    }
                    main #content tabindex="-1" {
                        @for (id, name, content) in &sections {
                            section id=(id) aria-label=(name) { h1 { (name) } (content) }
                        }
                    }
                    footer {
                        p { "Saved by " code { "memory-debug report" } ". This file needs no service and no network." }
                    }
                    script { (raw::asset(script())) }
                }
            }
        }
        .into_string()
    }

    /// The sections that have content.
    fn sections(&self) -> Vec<Section> {
        let site = Site::document(self.ids());
        let mut sections = vec![("overview", "Overview", self.overview(&site))];
        if let Some(report) = self.reports.last() {
            let query = TableQuery { view: &every_row(), selection: &Selection::default() };
            let types = html! {
                (type_table::table(&site, report, query)) (pages::reconciliation(report))
            };
            sections.push(("types", "Types", types));
            sections.push(("doctor", "Doctor", findings::all(&diagnose(report))));
        }
        if self.reports.len() > 1 {
            sections.push(("history", "History", history(self.reports)));
        }
        if !self.snapshots.is_empty() {
            sections.push(("snapshots", "Snapshots", snapshots(self.snapshots)));
        }
        if let Some(change) = self.change {
            let content = match change {
                Change::Reports(reports) => between_reports(reports),
                Change::Snapshots(snapshots) => between_snapshots(snapshots),
            };
            sections.push(("diff", "Changes", content));
        }
        if let Some(report) = self.reports.last() {
            sections.push(("stats", "Statistics", pages::all_numbers(report)));
        }
        sections
    }

    /// The ids of the sections, for links between them.
    fn ids(&self) -> Vec<&'static str> {
        let mut ids = vec!["overview"];
        if !self.reports.is_empty() {
            ids.extend(["types", "doctor", "stats"]);
        }
        ids.extend((!self.snapshots.is_empty()).then_some("snapshots"));
        ids.extend(self.change.is_some().then_some("diff"));
        ids
    }

    fn overview(&self, site: &Site) -> Markup {
        html! {
            @for note in self.notes { p.note { (content::printable(note)) } }
            @match self.reports.last() {
                Some(report) => {
                    @let diagnosis = diagnose(report);
                    (conclusion(site, &Conclusion::of(report, &diagnosis)))
                    (findings::short(&diagnosis))
                    p.summary { (content::collected(report)) }
                    (resident::numbers(report))
                    (pages::unavailable(report, Page::Overview))
                },
                None => p { "There is no report, only snapshots." },
            }
        }
    }
}

/// All rows that a report has.
fn every_row() -> TypesView {
    TypesView { top: usize::MAX, ..TypesView::default() }
}

/// The icon as a URL that contains it.
fn embedded_icon() -> String {
    format!("data:{};base64,{}", icon().content_type, STANDARD.encode(&icon().bytes))
}

fn snapshots(snapshots: &[SnapshotInfo]) -> Markup {
    let rows = snapshots.iter().map(|snapshot| {
        let [_, taken_at, bytes, stacks, since, label] = content::snapshot_cells(snapshot);
        vec![taken_at, bytes, stacks, since, label]
    });
    let headings = ["snapshot", "sampled", "stacks", "samples since", "label"];
    let rows: Vec<_> = rows.collect();
    html! { (blocks(&|out| out.table(&headings, &rows))) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A report at `minute`, of a service with a type that has this name.
    fn report(minute: u8, name: &str) -> MemoryReport {
        let report = serde_json::json!({
            "schema": "memory-debug/v1",
            "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "service": name, "pid": 7, "host": name},
            "collected_at": format!("2026-11-20T12:{minute:02}:00Z"),
            "duration_us": 1,
            "process": {"resident_bytes": 1_048_576 * u64::from(minute)},
            "cgroup": null,
            "machine": null,
            "allocator": null,
            "types": {
                "group": "container", "total_bytes": 4096, "total_objects": 1,
                "rows": [{"type": name, "full_type": name, "objects": 1, "bytes": 4096 * u64::from(minute),
                          "objects_stderr": 0.0, "bytes_stderr": 0.0, "source": "sampled"}],
            },
            "unavailable": {"allocator": name},
        });
        serde_json::from_value(report).unwrap()
    }

    fn snapshot(label: &str) -> SnapshotInfo {
        let info = serde_json::json!({
            "schema": "memory-debug-snapshot/v1", "id": "0".repeat(32), "label": label,
            "taken_at": "2026-11-20T12:00:00Z", "stacks": 1, "sampled_bytes": 1,
            "instance": {"id": "6f1c9a2e-0000-4000-8000-000000000001", "pid": 7},
        });
        serde_json::from_value(info).unwrap()
    }

    /// A document with all sections.
    fn full(name: &str) -> String {
        let reports = [report(1, name), report(2, name)];
        let diff = ReportDiff::between(&reports[0], &reports[1]).unwrap();
        let notes = [name.to_owned()];
        let snapshots = [snapshot(name)];
        let change = Some(Change::Reports(&diff));
        Document { reports: &reports, snapshots: &snapshots, change, notes: &notes }.html()
    }

    /// The values of all attributes with this name.
    fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
        let begin = format!(" {attribute}=\"");
        html.split(&begin).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn s39_a_document_loads_nothing_and_links_only_to_itself() {
        let latest = [report(1, "shop")];
        for html in [
            full("shop"),
            Document { reports: &latest, ..Document::default() }.html(),
            Document { snapshots: &[snapshot("a")], ..Document::default() }.html(),
        ] {
            let ids = values(&html, "id");
            assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "an id occurs twice: {ids:?}");
            for link in values(&html, "href") {
                let is_section = link.strip_prefix('#').is_some_and(|id| ids.contains(&id));
                assert!(is_section || link.starts_with("data:image/svg+xml;base64,"), "{link}");
            }
            for attribute in ["src", "action", "style", "onclick", "onload", "integrity"] {
                assert_eq!(values(&html, attribute), [""; 0], "{attribute}");
            }
            assert!(!html.contains("<form") && !html.contains("frame-ancestors"), "{html}");
        }
    }

    #[test]
    fn s39_the_policy_of_a_document_names_its_style_sheet_and_its_script() {
        let html = full("shop");
        let policy =
            values(&html, "content").into_iter().find(|value| value.starts_with("default-src 'none'"));
        let policy = policy.unwrap();
        for file in [script(), style_sheet()] {
            assert!(policy.contains(&format!("'{}'", file.integrity)), "{policy}");
        }
        assert!(
            !policy.contains("'self'") && !policy.contains("unsafe") && !policy.contains("connect"),
            "{policy}"
        );
        assert!(html.find("http-equiv") < html.find("<style>"), "the policy comes first");
    }

    #[test]
    fn s34_names_do_not_change_the_shape_of_a_document() {
        let tags = |html: &str| html.matches('<').count();
        let plain = full("x");
        for name in
            ["<script>alert(1)</script>", "\"><img src=x onerror=1>", "</style></script>", "&lt;", "\0"]
        {
            let html = full(name);
            assert_eq!(tags(&html), tags(&plain), "{name:?}");
            assert_eq!(values(&html, "src").len() + values(&html, "onerror").len(), 0, "{name:?}");
        }
    }

    #[test]
    fn navigation_names_exactly_the_sections_with_content() {
        let sections = |document: Document<'_>| {
            let ids: Vec<_> = document.sections().iter().map(|(id, ..)| *id).collect();
            assert!(document.ids().iter().all(|id| ids.contains(id)), "{ids:?}");
            ids
        };
        let reports = [report(1, "shop"), report(2, "shop")];
        let snapshots = [snapshot("a")];
        let one = Document { reports: &reports[..1], ..Document::default() };
        assert_eq!(sections(one), ["overview", "types", "doctor", "stats"]);
        let two = Document { reports: &reports, snapshots: &snapshots, ..Document::default() };
        assert_eq!(sections(two), ["overview", "types", "doctor", "history", "snapshots", "stats"]);
        let none = Document { snapshots: &snapshots, ..Document::default() };
        assert_eq!(sections(none), ["overview", "snapshots"]);
    }

    #[test]
    fn change_between_reports_has_numbers_rows_and_total() {
        let html = full("shop");
        let change = &html[html.find("<section id=\"diff\"").unwrap()..];
        for part in
            ["change from instance 6f1c9a2e", "process.resident_bytes", "+1.00 MiB", "id=\"grown\"", "total "]
        {
            assert!(change.contains(part), "{part}: {change}");
        }
    }
}
