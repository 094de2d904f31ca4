//! What holds the memory, with a link to the page that shows more.

use maud::{Markup, html};
use memory_debug_report::{Conclusion, HeldBy};

use crate::prose::prose;
use crate::purge;
use crate::site::Site;

/// The conclusion at the top of the overview.
pub(crate) fn conclusion(site: &Site, conclusion: &Conclusion) -> Markup {
    let (class, target, words) = next(conclusion.held_by);
    html! {
        section class={ "conclusion " (class) } aria-label="Conclusion" {
            p.sentence { (prose(&conclusion.sentence)) }
            @if let Some(growth) = &conclusion.growth { p { (prose(growth)) } }
            p.next {
                (site.a(target, words))
                @if site.has_page("/leaks") { " " (site.a("/leaks", "Leaks")) }
                @if let Some(rule) = &conclusion.rule { " " span.quiet { "Rule: " (rule) } }
                @if conclusion.held_by == HeldBy::Allocator { (purge::button(site)) }
            }
        }
    }
}

/// The class of the box, and the page to read next.
fn next(held_by: HeldBy) -> (&'static str, &'static str, &'static str) {
    match held_by {
        HeldBy::Unknown => ("unknown", "/stats", "What is known"),
        HeldBy::OutsideJemalloc => ("outside", "/stats", "Numbers of the kernel"),
        HeldBy::Allocator => ("allocator", "/stats", "Numbers of the allocator"),
        HeldBy::Fragmentation => ("fragmentation", "/stats?detail=arenas,bins", "Arenas and size classes"),
        _ => ("program", "/types", "All types"),
    }
}
