//! The table of paths below the base.

use memory_debug_core::{Page, Scope};

/// The paths below the base. The request path is compared as sent; a trailing `/` is another, unknown path, because
/// relative links on the page would mean something else there.
const ROUTES: [(&str, Page); 4] =
    [("", Page::Overview), ("/stats", Page::Stats), ("/types", Page::Types), ("/doctor", Page::Doctor)];

/// What every path allows.
pub(crate) const ALLOWED_METHODS: &str = "GET, HEAD";

/// The page at `rest`, the path below the base.
pub(crate) fn page_at(rest: &str) -> Option<Page> {
    ROUTES.iter().find(|(path, _)| *path == rest).map(|&(_, page)| page)
}

/// The paths of all pages under `base`, for an error that lists them.
pub(crate) fn paths(base: &str) -> Vec<String> {
    ROUTES.iter().map(|(path, _)| format!("{base}{path}")).collect()
}

/// What has to be collected for a page. Overview, types and doctor share one scope, and so one collection.
pub(crate) fn scope_of(page: Page) -> Scope {
    match page {
        Page::Stats => Scope::Stats,
        _ => Scope::Everything,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s20_paths_are_matched_exactly() {
        assert!(matches!(page_at(""), Some(Page::Overview)));
        assert!(matches!(page_at("/stats"), Some(Page::Stats)));
        assert!(matches!(page_at("/types"), Some(Page::Types)));
        assert!(matches!(page_at("/doctor"), Some(Page::Doctor)));
        for rest in
            ["/", "//stats", "/stats/", "/Stats", "/st%61ts", "/./stats", "/types;x", "/heap", "stats"]
        {
            assert!(page_at(rest).is_none(), "{rest}");
        }
    }
}
