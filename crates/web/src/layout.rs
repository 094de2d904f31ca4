//! The frame of every page: head, navigation and footer.

use maud::{DOCTYPE, Markup, html};

use crate::assets::{icon, script, style_sheet};
use crate::bar::patterns;
use crate::site::Site;

/// The path of the flame graph, which only logins that may change something can read.
const FLAME_GRAPH: &str = "/heap/flamegraph";

/// The path of who holds the memory, which only logins that may change something can read.
const HOLDERS: &str = "/holders";

/// The path of the monitor. Services without a monitor do not list it.
const MONITOR: &str = "/monitor";

/// The path of the tracer. Services without a tracer do not list it.
const TRACE: &str = "/trace";

/// The pages in the navigation: path and name.
const PAGES: &[(&str, &str)] = &[
    ("", "Overview"),
    ("/types", "Types"),
    (FLAME_GRAPH, "Flame graph"),
    ("/snapshots", "Snapshots"),
    ("/leaks", "Leaks"),
    (HOLDERS, "Holders"),
    ("/doctor", "Doctor"),
    (MONITOR, "Monitor"),
    (TRACE, "Trace"),
    ("/stats", "Statistics"),
    ("/profiling", "Profiling"),
];

/// The pages that the navigation shows to this login.
fn pages(site: &Site) -> impl Iterator<Item = (&'static str, &'static str)> {
    let is_shown = |path| match path {
        FLAME_GRAPH | HOLDERS => site.may_change(),
        MONITOR => site.has_monitor(),
        TRACE => site.has_tracer(),
        _ => true,
    };
    PAGES.iter().copied().filter(move |(path, _)| is_shown(*path))
}

/// The target of a link to the page at `path`. A link never starts a scan of the heap.
fn target(path: &str) -> &str {
    if path == HOLDERS { "/holders?last=true" } else { path }
}

/// The name of the page at `path` below the base.
pub(crate) fn name(path: &str) -> &str {
    PAGES
        .iter()
        .find(|(known, _)| *known == path)
        .map_or_else(|| path.trim_start_matches('/'), |(_, name)| name)
}

/// A whole page. `identity` says which process answers; it is empty on pages that are not about one process.
pub(crate) fn page(site: &Site, title: &str, identity: &[String], content: &Markup) -> String {
    page_with(site, title, identity, &html! {}, content)
}

/// A whole page that loads more files: `head` is for its head.
pub(crate) fn page_with(
    site: &Site,
    title: &str,
    identity: &[String],
    head: &Markup,
    content: &Markup,
) -> String {
    let heading = identity.first().map_or(title, String::as_str);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · " (heading) " · memory" }
                link rel="stylesheet" href=(site.link(&format!("/assets/{}", style_sheet().name)));
                link rel="icon" type="image/svg+xml" href=(site.link(&format!("/assets/{}", icon().name)));
                script defer src=(site.link(&format!("/assets/{}", script().name))) integrity=(script().integrity) {}
                (head)
            }
            body data-base=(site.link("")) {
                (patterns())
                a.skip href="#content" { "Skip to content" }
                header {
                    (self::identity(identity))
                    nav aria-label="Pages" {
                        ul {
                            @for (path, name) in pages(site) {
                                li {
                                    @if path == site.path() {
                                        a href=(site.link(target(path))) aria-current="page" { (name) }
                                    } @else {
                                        (site.a(target(path), name))
                                    }
                                }
                            }
                        }
                    }
                }
                main #content tabindex="-1" {
                    h1 { (title) }
                    (content)
                }
                footer {
                    p {
                        "Login: " bdi { (site.login()) } ". The login ends when the browser is closed. "
                        @if ![FLAME_GRAPH, "/purge"].contains(&site.path()) {
                            "The same page as text: add " code { "format=text" } " to its address, or "
                            code { "format=json" } " for programs."
                        }
                    }
                }
            }
        }
    }
    .into_string()
}

/// The line that says which process a page is about.
pub(crate) fn identity(parts: &[String]) -> Markup {
    html! {
        @if let [name, others @ ..] = parts {
            p.identity {
                strong { bdi { (name) } }
                @for part in others { " " span { bdi { (part) } } }
            }
        }
    }
}
