//! The table of what can be asked for: methods and paths below the base.

use memory_debug_core::{Page, SnapshotId};

use crate::auth::Role;
use crate::reply::Format;
use crate::request::alias;

/// Something that can be asked for.
#[derive(Debug)]
pub(crate) struct Operation {
    /// `GET` includes `HEAD`.
    method: &'static str,
    /// Below the base. `{id}` stands for the id of a snapshot.
    path: &'static str,
    pub(crate) what: What,
    /// The least role that may.
    role: Role,
    /// Whether the answer names types and call sites, which may need more.
    names_types: bool,
    /// The parameters it has.
    pub(crate) parameters: &'static [&'static str],
    /// The formats it has, the preferred one first.
    pub(crate) formats: &'static [Format],
}

/// What is asked for, without its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Page(Page),
    Heap,
    /// The heap, and first all that was ever allocated.
    Allocations,
    Flamegraph,
    ListSnapshots,
    TakeSnapshot,
    ShowSnapshot,
    DropSnapshot,
    Diff,
    Leaks,
    Metrics,
    Profiling,
    Purge,
    SetProfiling,
    Fleet,
}

const PLAIN: &[&str] = &["format", "force"];
const GO: &[&str] = &["debug", "seconds", "gc"];
const TABLE: &[&str] = &["format", "force", "top", "sort", "filter", "group", "depth", "focus", "ignore"];

const fn page(
    path: &'static str,
    page: Page,
    names_types: bool,
    parameters: &'static [&'static str],
) -> Operation {
    Operation {
        method: "GET",
        path,
        what: What::Page(page),
        role: Role::Read,
        names_types,
        parameters,
        formats: Format::PAGE,
    }
}

const fn operation(method: &'static str, path: &'static str, what: What) -> Operation {
    Operation {
        method,
        path,
        what,
        role: Role::Read,
        names_types: true,
        parameters: &["format"],
        formats: Format::PAGE,
    }
}

/// The request path is compared as sent; a trailing `/` is another, unknown path, because relative links on the page
/// would mean something else there.
const OPERATIONS: &[Operation] = &[
    page("", Page::Overview, true, &["format", "force", "top"]),
    page("/stats", Page::Stats, false, &["format", "force", "detail"]),
    page("/types", Page::Types, true, TABLE),
    page("/doctor", Page::Doctor, true, PLAIN),
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "debug", "symbols", "top", "seconds"],
        formats: Format::PROFILE,
        ..operation("GET", "/heap", What::Heap)
    },
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "by", "count", "base"],
        formats: Format::PICTURE,
        ..operation("GET", "/heap/flamegraph", What::Flamegraph)
    },
    operation("GET", "/snapshots", What::ListSnapshots),
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "label"],
        ..operation("POST", "/snapshots", What::TakeSnapshot)
    },
    Operation {
        parameters: &["format"],
        formats: &[Format::Text, Format::Json, Format::Pprof],
        ..operation("GET", "/snapshots/{id}", What::ShowSnapshot)
    },
    Operation { role: Role::Profile, ..operation("DELETE", "/snapshots/{id}", What::DropSnapshot) },
    Operation {
        parameters: &[
            "format", "force", "base", "target", "growth", "top", "filter", "group", "depth", "focus",
            "ignore",
        ],
        ..operation("GET", "/diff", What::Diff)
    },
    operation("GET", "/leaks", What::Leaks),
    Operation {
        names_types: false,
        parameters: &["format", "force", "types"],
        formats: Format::METRICS,
        ..operation("GET", "/metrics", What::Metrics)
    },
    Operation { names_types: false, ..operation("GET", "/profiling", What::Profiling) },
    Operation {
        names_types: false,
        role: Role::Profile,
        ..operation("PUT", "/profiling", What::SetProfiling)
    },
    Operation { names_types: false, role: Role::Profile, ..operation("POST", "/purge", What::Purge) },
    Operation {
        parameters: &["format", "force", "scope", "top", "filter"],
        ..operation("GET", "/fleet", What::Fleet)
    },
];

/// At paths of their own, see [`alias`]. Only what Go's have, and no other formats.
const ALIASES: &[Operation] = &[
    Operation {
        role: Role::Profile,
        parameters: GO,
        formats: Format::GO,
        ..operation("GET", alias::HEAP, What::Heap)
    },
    Operation {
        role: Role::Profile,
        parameters: GO,
        formats: Format::GO,
        ..operation("GET", alias::ALLOCS, What::Allocations)
    },
];

/// What a request found at its path.
#[derive(Debug)]
pub(crate) enum Found {
    /// This, with the id in its path.
    Operation(&'static Operation, Option<SnapshotId>),
    /// Other methods, as `Allow` has them.
    Methods(String),
    Nothing,
}

impl Operation {
    /// What `method` means at `rest`, the path below the base.
    pub(crate) fn find(method: &str, rest: &str) -> Found {
        Self::find_in(OPERATIONS, method, rest)
    }

    /// What `method` means at `path`, one of [`alias::PATHS`].
    pub(crate) fn find_alias(method: &str, path: &str) -> Found {
        Self::find_in(ALIASES, method, path)
    }

    fn find_in(operations: &'static [Self], method: &str, rest: &str) -> Found {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut methods = Vec::new();
        for operation in operations {
            let Some(id) = operation.matches(rest) else { continue };
            if operation.method == method {
                return Found::Operation(operation, id);
            }
            methods.push(operation.method);
            methods.extend((operation.method == "GET").then_some("HEAD"));
        }
        if methods.is_empty() { Found::Nothing } else { Found::Methods(methods.join(", ")) }
    }

    /// The id in a path that is this one, if it has one.
    fn matches(&self, rest: &str) -> Option<Option<SnapshotId>> {
        match self.path.strip_suffix("{id}") {
            Some(before) => rest.strip_prefix(before)?.parse().ok().map(Some),
            None => (rest == self.path).then_some(None),
        }
    }

    /// Whether what it does is described by the body of the request. All others leave a body unread.
    pub(crate) fn has_body(&self) -> bool {
        self.what == What::SetProfiling
    }

    /// Whether it is what peers add up.
    pub(crate) fn is_for_peers(&self) -> bool {
        self.what == What::Page(Page::Overview)
    }

    /// The role that it takes, where names of types need `role_for_types`.
    pub(crate) fn role(&self, role_for_types: Role) -> Role {
        if self.names_types { self.role.max(role_for_types) } else { self.role }
    }
}

/// The paths of all that can be asked for under `base`, for an error that lists them.
pub(crate) fn paths(base: &str) -> Vec<String> {
    let mut paths: Vec<_> = OPERATIONS.iter().map(|operation| operation.path).collect();
    paths.dedup();
    paths.into_iter().map(|path| format!("{base}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(method: &str, rest: &str) -> Option<What> {
        match Operation::find(method, rest) {
            Found::Operation(operation, _) => Some(operation.what),
            _ => None,
        }
    }

    #[test]
    fn s20_paths_are_matched_exactly() {
        for (rest, page) in [
            ("", Page::Overview),
            ("/stats", Page::Stats),
            ("/types", Page::Types),
            ("/doctor", Page::Doctor),
        ] {
            assert_eq!(found("GET", rest), Some(What::Page(page)));
            assert_eq!(found("HEAD", rest), Some(What::Page(page)));
        }
        let id = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(found("GET", &format!("/snapshots/{id}")), Some(What::ShowSnapshot));
        assert_eq!(found("DELETE", &format!("/snapshots/{id}")), Some(What::DropSnapshot));
        for rest in
            ["/", "//stats", "/stats/", "/Stats", "/st%61ts", "/./stats", "/types;x", "/heaps", "stats"]
        {
            assert!(matches!(Operation::find("GET", rest), Found::Nothing), "{rest}");
        }
        for id in ["", "{id}", "../x", &id[1..], &id.to_uppercase(), &format!("{id}0"), &format!("{id}/")] {
            assert!(matches!(Operation::find("GET", &format!("/snapshots/{id}")), Found::Nothing), "{id}");
        }
    }

    #[test]
    fn s23_what_changes_something_is_no_get_and_other_methods_are_told() {
        for (method, rest, allowed) in [
            ("POST", "", "GET, HEAD"),
            ("get", "/types", "GET, HEAD"),
            ("PUT", "/snapshots", "GET, HEAD, POST"),
            ("POST", "/snapshots/000102030405060708090a0b0c0d0e0f", "GET, HEAD, DELETE"),
            ("POST", "/profiling", "GET, HEAD, PUT"),
        ] {
            let Found::Methods(methods) = Operation::find(method, rest) else { panic!("{method} {rest}") };
            assert_eq!(methods, allowed);
        }
        for operation in OPERATIONS.iter().filter(|operation| operation.method != "GET") {
            assert_eq!(operation.role(Role::Read), Role::Profile, "{operation:?}");
        }
    }
}
