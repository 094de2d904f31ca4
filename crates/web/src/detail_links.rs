//! Links to the allocator's tables, which are read only on demand.

use maud::{Markup, html};

use crate::site::Site;

/// The tables: values of `detail`, and names.
const TABLES: &[(&str, &str)] = &[
    ("arenas,bins", "arenas and size classes"),
    ("arena_bins", "unused memory by arena and size class"),
    ("arenas,bins,arena_bins", "all of these"),
];

/// Links to the pages with these tables.
pub(crate) fn detail_links(site: &Site) -> Markup {
    html! {
        p {
            "Read on demand: "
            @for (index, (parts, name)) in TABLES.iter().enumerate() {
                @if index > 0 { " · " }
                (site.a(&format!("/stats?detail={parts}"), name))
            }
        }
    }
}
