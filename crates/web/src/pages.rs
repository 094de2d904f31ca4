//! The pages of a report.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::units::Bytes;
use memory_debug_report::{MemoryReport, Page, Reconciliation, TypesView, diagnose};

use crate::bar::{Part, bar};
use crate::blocks::Blocks;
use crate::layout;
use crate::site::Site;
use crate::{findings, type_table};

/// The overview. `note` says what was left out.
///
/// It has the most important numbers, the doctor's warnings, the largest types.
pub fn overview(site: &Site, report: &MemoryReport, view: &TypesView, note: Option<&str>) -> String {
    let body = html! {
        @if let Some(note) = note { p.note { (note) } }
        (numbers(report))
        (findings::short(&diagnose(report)))
        h2 { "Types" }
        (type_table::table(site, report, view))
        (reconciliation(report))
        (unavailable(report, Page::Overview))
    };
    layout::page(site, "Overview", &content::identity(report), &body)
}

/// The table of types, with its form. `note` says what was left out.
pub fn types(site: &Site, report: &MemoryReport, view: &TypesView, note: Option<&str>) -> String {
    let body = html! {
        @if let Some(note) = note { p.note { (note) } }
        form.query action=(site.link("/types")) {
            label { "Types that contain " input name="filter" value=[view.filter.as_deref()] maxlength="128"; }
            label {
                "Rows "
                select name="top" {
                    @for rows in [20, 50, 200, 1000] { option selected[rows == view.top] { (rows) } }
                }
            }
            button { "Show" }
        }
        (type_table::table(site, report, view))
        (reconciliation(report))
        (unavailable(report, Page::Types))
    };
    layout::page(site, "Types", &content::identity(report), &body)
}

/// The doctor: all findings with their advice.
pub fn doctor(site: &Site, report: &MemoryReport) -> String {
    let body = html! { (numbers(report)) (findings::all(&diagnose(report))) };
    layout::page(site, "Doctor", &content::identity(report), &body)
}

/// All numbers of the process, its container and the allocator.
pub fn stats(site: &Site, report: &MemoryReport) -> String {
    let body = html! {
        p.summary { (content::collected(report)) }
        (Blocks::of(|out| content::write_stats(out, report)))
        (unavailable(report, Page::Stats))
    };
    layout::page(site, "Statistics", &content::identity(report), &body)
}

/// A page whose content is the same as its text for a terminal.
pub fn text(site: &Site, text: &str) -> String {
    let title = layout::name(site.path());
    layout::page(site, title, &[], &html! { pre tabindex="0" { (text) } })
}

/// The page about a request that failed. `retry` is a number of seconds. `can_continue` offers a link to the requested
/// page.
pub fn problem(
    site: &Site,
    status: u16,
    title: &str,
    detail: &str,
    retry: Option<u64>,
    can_continue: bool,
) -> String {
    let body = html! {
        p.problem { strong { (status) " " (title) } ": " (detail) }
        @if let Some(seconds) = retry { p { "Try again in " (seconds) " s." } }
        @if can_continue {
            p { "Nothing was collected. " a href=(site.link(site.path())) { "Open " (layout::name(site.path())) } }
        }
    };
    layout::page(site, title, &[], &body)
}

/// The most important numbers, and the parts of resident memory as a picture.
fn numbers(report: &MemoryReport) -> Markup {
    html! {
        p.numbers { (content::memory(report)) }
        @for line in content::limits(report) { p.limit { (line) } }
        @if let Some(numbers) = &report.reconciliation { (waterfall(numbers)) }
    }
}

fn waterfall(numbers: &Reconciliation) -> Markup {
    let own =
        [numbers.thread_cache_bytes, numbers.internal_bytes, numbers.metadata_bytes, numbers.sampling_bytes];
    let own = own.into_iter().flatten().fold(0, u64::saturating_add);
    let parts = [
        ("in use", numbers.in_use_bytes),
        ("fragmentation", numbers.fragmentation_bytes),
        ("unused pages", numbers.dirty_bytes),
        ("jemalloc's own", Some(own).filter(|bytes| *bytes > 0)),
        ("outside jemalloc", numbers.outside_bytes),
    ];
    let parts: Vec<_> =
        parts.into_iter().filter_map(|(name, bytes)| Some(Part { name, bytes: bytes? })).collect();
    html! {
        @if let Some(resident) = numbers.resident_bytes {
            figure {
                (bar(&parts, resident))
                figcaption {
                    ul.legend {
                        @for (index, part) in parts.iter().enumerate() {
                            li { span class={ "swatch part-" (index) } {} (part.name) " " b { (format!("{:.1}", Bytes(part.bytes))) } }
                        }
                    }
                }
            }
        }
    }
}

fn reconciliation(report: &MemoryReport) -> Markup {
    html! {
        @if let Some(numbers) = &report.reconciliation {
            details {
                summary { "How the table compares with jemalloc and the kernel" }
                pre tabindex="0" { (content::reconciliation(numbers)) }
            }
        }
    }
}

/// The values that are missing, with their reasons.
fn unavailable(report: &MemoryReport, page: Page) -> Markup {
    let reasons = content::unavailable(report, page);
    html! {
        @if !reasons.is_empty() {
            h2 { "Not available" }
            dl.unavailable {
                @for (values, reason) in reasons { dt { (values) } dd { (reason) } }
            }
        }
    }
}
