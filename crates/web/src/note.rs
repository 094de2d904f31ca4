//! Notes about what a page shows.

use maud::{Markup, html};
use memory_debug_report::render::content;

/// The note about what was left out, if something was.
pub(crate) fn left_out(note: Option<&str>) -> Markup {
    html! { @if let Some(note) = note { p.note { (note) } } }
}

/// Caveats, one below the other.
pub(crate) fn caveats(notes: &[String]) -> Markup {
    html! { @for note in notes { p.note { "Note: " (content::printable(note)) } } }
}

/// The statement that a request failed.
pub(crate) fn problem(status: u16, title: &str, detail: &str) -> Markup {
    html! { p.problem { strong { (status) " " (title) } ": " (detail) } }
}
