//! The table of paths below the base.

use memory_debug_core::{Page, Scope};

use crate::role::Role;

/// The paths below the base. The request path is compared as sent; a trailing `/` is another, unknown path, because
/// relative links on the page would mean something else there.
const ROUTES: [Route; 4] = [
    Route { path: "", page: Page::Overview, role: Role::Read, names_types: true },
    Route { path: "/stats", page: Page::Stats, role: Role::Read, names_types: false },
    Route { path: "/types", page: Page::Types, role: Role::Read, names_types: true },
    Route { path: "/doctor", page: Page::Doctor, role: Role::Read, names_types: true },
];

/// A page and what it asks for.
#[derive(Debug)]
pub(crate) struct Route {
    path: &'static str,
    pub(crate) page: Page,
    /// The least role that sees it.
    role: Role,
    /// Whether it names types and call sites, which may need more.
    names_types: bool,
}

/// What every path allows.
pub(crate) const ALLOWED_METHODS: &str = "GET, HEAD";

impl Route {
    /// The route at `rest`, the path below the base.
    pub(crate) fn at(rest: &str) -> Option<&'static Self> {
        ROUTES.iter().find(|route| route.path == rest)
    }

    /// The role that it takes to see the page, where names of types need `types_need`.
    pub(crate) fn role(&self, types_need: Role) -> Role {
        if self.names_types { self.role.max(types_need) } else { self.role }
    }
}

/// The paths of all pages under `base`, for an error that lists them.
pub(crate) fn paths(base: &str) -> Vec<String> {
    ROUTES.iter().map(|Route { path, .. }| format!("{base}{path}")).collect()
}

/// What has to be collected for a page. Overview, types and doctor share one scope, and so one collection.
pub(crate) fn scope_of(page: Page) -> Scope {
    match page {
        Page::Stats => Scope::Stats,
        _ => Scope::Everything,
    }
}

/// What is collected for a page, in words.
pub(crate) fn kind(page: Page) -> &'static str {
    match scope_of(page) {
        Scope::Stats => "statistics",
        _ => "types and statistics",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s20_paths_are_matched_exactly() {
        for (rest, page) in [
            ("", Page::Overview),
            ("/stats", Page::Stats),
            ("/types", Page::Types),
            ("/doctor", Page::Doctor),
        ] {
            assert_eq!(Route::at(rest).map(|route| route.page), Some(page));
        }
        for rest in
            ["/", "//stats", "/stats/", "/Stats", "/st%61ts", "/./stats", "/types;x", "/heap", "stats"]
        {
            assert!(Route::at(rest).is_none(), "{rest}");
        }
    }
}
