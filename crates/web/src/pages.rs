//! The pages of a report.

use maud::{Markup, html};
use memory_debug_report::render::content;
use memory_debug_report::{Conclusion, MemoryReport, Page, Selection, TypesView, diagnose};

use crate::blocks::blocks;
use crate::conclusion::conclusion;
use crate::detail_links::detail_links;
use crate::layout;
use crate::note;
use crate::prose::prose;
use crate::site::Site;
use crate::table_query::TableQuery;
use crate::watch::{Watched, watch};
use crate::{findings, monitor, purge, resident, type_table};

/// The overview. `note` says what was left out.
///
/// It has the most important numbers, the doctor's warnings, the largest types.
pub fn overview(site: &Site, report: &MemoryReport, view: &TypesView, note: Option<&str>) -> String {
    let diagnosis = diagnose(report);
    let query = TableQuery { view, selection: &Selection::default() };
    let body = html! {
        (note::left_out(note))
        (watch(&report.instance, Watched::NumbersAndTypes))
        (monitor::earlier(site, report))
        (conclusion(site, &Conclusion::of(report, &diagnosis)))
        (findings::short(&diagnosis))
        (resident::numbers(report))
        h2 { "Types" }
        (type_table::table(site, report, query))
        (reconciliation(report))
        (unavailable(report, Page::Overview))
    };
    layout::page(site, "Overview", &content::identity(report), &body)
}

/// The table of types, with its form. `note` says what was left out.
pub fn types(
    site: &Site,
    report: &MemoryReport,
    view: &TypesView,
    selection: &Selection,
    note: Option<&str>,
) -> String {
    let query = TableQuery { view, selection };
    let body = html! {
        (note::left_out(note))
        (watch(&report.instance, Watched::NumbersAndTypes))
        (query.form(site))
        (type_table::table(site, report, query))
        (reconciliation(report))
        (unavailable(report, Page::Types))
    };
    layout::page(site, "Types", &content::identity(report), &body)
}

/// The doctor: all findings with their advice.
pub fn doctor(site: &Site, report: &MemoryReport) -> String {
    let diagnosis = diagnose(report);
    let body = html! {
        (watch(&report.instance, Watched::Numbers))
        (conclusion(site, &Conclusion::of(report, &diagnosis)))
        (findings::all(&diagnosis))
    };
    layout::page(site, "Doctor", &content::identity(report), &body)
}

/// All numbers of the process, its container and the allocator.
pub fn stats(site: &Site, report: &MemoryReport) -> String {
    let body = html! {
        (watch(&report.instance, Watched::Numbers))
        (all_numbers(report))
        @if report.allocator.is_some() { (detail_links(site)) (purge::button(site)) }
        (unavailable(report, Page::Stats))
    };
    layout::page(site, "Statistics", &content::identity(report), &body)
}

pub(crate) fn all_numbers(report: &MemoryReport) -> Markup {
    html! {
        p.summary { (content::collected(report)) }
        (blocks(&|out| content::write_stats(out, report)))
    }
}

/// The page about a request that failed. `retry` is a number of seconds. `can_continue` offers a link to the page at
/// the requested path.
pub fn problem(
    site: &Site,
    status: u16,
    title: &str,
    detail: &str,
    retry: Option<u64>,
    can_continue: bool,
) -> String {
    let body = html! {
        (note::problem(status, title, detail))
        @if let Some(seconds) = retry { p { "Try again in " (seconds) " s." } }
        @if can_continue {
            p { a href=(site.link(site.path())) { "Open " (layout::name(site.path())) } }
        }
    };
    layout::page(site, title, &[], &body)
}

pub(crate) fn reconciliation(report: &MemoryReport) -> Markup {
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
pub(crate) fn unavailable(report: &MemoryReport, page: Page) -> Markup {
    let reasons = content::unavailable(report, page);
    html! {
        @if !reasons.is_empty() {
            h2 { "Not available" }
            dl.unavailable {
                @for (values, reason) in reasons { dt { (values) } dd { (prose(&reason)) } }
            }
        }
    }
}
