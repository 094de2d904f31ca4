//! The place where a script puts the button that watches the instance.

use maud::{Markup, html};
use memory_debug_report::InstanceInfo;

/// Numbers that a page can watch.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Watched {
    /// The numbers of the process and the allocator.
    Numbers,
    /// The numbers, and the rows of the table of types.
    NumbersAndTypes,
}

/// Names the instance and the pages to poll. Without script the place stays empty.
pub(crate) fn watch(instance: &InstanceInfo, watched: Watched) -> Markup {
    let pages = match watched {
        Watched::Numbers => "stats",
        Watched::NumbersAndTypes => "stats types",
    };
    html! { div.watch data-watch=(pages) data-instance=(instance.id) {} }
}
