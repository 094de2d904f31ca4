//! The table of routes: one row for each page, with its method and its path below the base.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::auth::{Authorized, Role};
use crate::reply::{Format, Problem};
use crate::request::{Asking, Change, Head, PathId, Query, TraceChange, alias};
use crate::request_body;
use crate::view::{self, Kind, PageRequest};

/// One page: which requests it accepts, and who may read it.
#[derive(Debug)]
pub(crate) struct Operation {
    /// The method. `GET` includes `HEAD`.
    method: &'static str,
    /// The path below the base. `{id}` stands for the id of a snapshot, `{row}` for the id of a row of the table.
    path: &'static str,
    /// Reads the client's request for this page.
    pub(crate) read: Read,
    /// The kind of work that the page needs, unless a parameter changes it.
    pub(crate) kind: Kind,
    /// The least role that a login needs.
    role: Role,
    /// Whether the answer names types and call sites, for which a login may need another role.
    pub(crate) names_types: bool,
    pub(crate) parameters: &'static [&'static str],
    /// The formats, the preferred one first.
    pub(crate) formats: &'static [Format],
    /// Whether peers ask each other for this page.
    pub(crate) is_for_peers: bool,
}

/// The function that reads a request for a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// Reads the head alone. The body is left unread.
    Head(ReadHead),
    /// Reads the head, and the body as well if it is a form. Any other body is left unread.
    HeadOrForm(ReadHead, ReadBody),
    /// Reads the body.
    Body(ReadBody),
    /// Reads the body, in the second way if it is a form.
    BodyOrForm(ReadBody, ReadBody),
}

/// How a body is read. Errors of single fields take precedence over its error.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadBody {
    /// As JSON.
    Json(ReadJson),
    /// As a form with these fields, which are added to the parameters of the page.
    Form(&'static [&'static str], ReadForm),
}

/// Reads a page from JSON.
pub(crate) type ReadJson = fn(&[u8], &Head, &Authorized) -> Result<Arc<dyn PageRequest>, Problem>;

/// Reads a page from the parameters in the address together with the fields of a form.
pub(crate) type ReadForm = fn(&mut Query, &Head, &Authorized) -> Result<Arc<dyn PageRequest>, Problem>;

/// Reads a page's parameters. Errors of single parameters and of the role take precedence over its error.
pub(crate) type ReadHead = fn(&mut Asking<'_>) -> Result<Arc<dyn PageRequest>, Problem>;

const PLAIN: &[&str] = &["format", "force"];
const GO: &[&str] = &["debug", "seconds", "gc"];
const TABLE: &[&str] = &["format", "force", "top", "sort", "filter", "group", "depth", "focus", "ignore"];

/// A `GET` page that names types, as text and JSON, for every login that may read.
const fn get(path: &'static str, kind: Kind, read: ReadHead) -> Operation {
    Operation {
        method: "GET",
        path,
        read: Read::Head(read),
        kind,
        role: Role::Read,
        names_types: true,
        parameters: &["format"],
        formats: Format::PAGE,
        is_for_peers: false,
    }
}

/// A request that changes something, for which a login needs [`Role::Profile`].
const fn change(method: &'static str, path: &'static str, kind: Kind, read: Read) -> Operation {
    let row = get(path, kind, view::overview);
    Operation { method, read, role: Role::Profile, ..row }
}

/// All pages below the base path.
///
/// The request path is compared as sent. A trailing `/` makes it a different, unknown path, because relative links on
/// the page would then point elsewhere.
const OPERATIONS: &[Operation] = &[
    Operation {
        parameters: &["format", "force", "top"],
        is_for_peers: true,
        ..get("", Kind::Everything, view::overview)
    },
    Operation {
        names_types: false,
        parameters: &["format", "force", "detail"],
        ..get("/stats", Kind::Stats, view::stats)
    },
    Operation { names_types: false, parameters: PLAIN, ..get("/instance", Kind::Stats, view::instance) },
    Operation { parameters: TABLE, ..get("/types", Kind::Everything, view::types) },
    Operation { parameters: PLAIN, ..get("/types/{row}", Kind::Everything, view::type_detail) },
    Operation { parameters: PLAIN, ..get("/doctor", Kind::Everything, view::doctor) },
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "debug", "symbols", "top", "seconds"],
        formats: Format::PROFILE,
        ..get("/heap", Kind::Everything, view::heap)
    },
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "by", "count", "base", "type", "view"],
        formats: Format::PICTURE,
        ..get("/heap/flamegraph", Kind::Everything, view::flamegraph)
    },
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "by", "focus", "ignore", "base", "type", "nodes"],
        formats: Format::JSON,
        ..get("/heap/tree", Kind::Everything, view::tree)
    },
    Operation {
        parameters: &["format", "deleted"],
        ..get("/snapshots", Kind::Snapshots, view::list_snapshots)
    },
    Operation {
        parameters: &["format", "force", "label"],
        ..change("POST", "/snapshots", Kind::Everything, TAKE_SNAPSHOT)
    },
    Operation { formats: Format::SNAPSHOT, ..get("/snapshots/{id}", Kind::Snapshots, view::show_snapshot) },
    change("DELETE", "/snapshots/{id}", Kind::Snapshots, Read::Head(view::drop_snapshot)),
    Operation {
        parameters: &[
            "format", "force", "base", "target", "growth", "top", "filter", "group", "depth", "focus",
            "ignore",
        ],
        ..get("/diff", Kind::Everything, view::diff)
    },
    get("/leaks", Kind::Snapshots, view::leaks),
    Operation {
        role: Role::Profile,
        parameters: &["format", "force", "top", "type", "depth", "scans", "seconds", "last"],
        formats: Format::HOLDERS,
        ..get("/holders", Kind::Holders, view::holders)
    },
    Operation { role: Role::Profile, ..get("/holders/progress", Kind::ScanState, view::scan_progress) },
    Operation { parameters: &["format", "top"], ..get("/monitor", Kind::Monitor, view::monitor) },
    Operation { parameters: &["format", "top"], ..get("/monitor/tasks", Kind::Monitor, view::tasks) },
    Operation {
        names_types: false,
        parameters: &["format", "force", "types"],
        formats: Format::METRICS,
        ..get("/metrics", Kind::Stats, view::metrics)
    },
    Operation {
        names_types: false,
        parameters: &["format", "changed"],
        ..get("/profiling", Kind::Allocator, view::profiling)
    },
    Operation {
        names_types: false,
        formats: Format::DATA,
        ..change("PUT", "/profiling", Kind::Allocator, Read::Body(ReadBody::Json(view::set_profiling)))
    },
    Operation {
        names_types: false,
        parameters: &["format", "top", "events"],
        formats: Format::TRACE,
        ..get("/trace", Kind::Tracer, view::trace)
    },
    Operation { names_types: false, ..change("POST", "/trace", Kind::Tracer, CHANGE_TRACE) },
    Operation { names_types: false, ..change("POST", "/purge", Kind::Allocator, Read::Head(view::purge)) },
    Operation {
        parameters: &["format", "force", "scope", "top", "filter"],
        ..get("/fleet", Kind::Fleet, view::fleet)
    },
];

/// Changes that programs make with other methods or bodies. HTML has only the methods `GET` and `POST`, and forms.
const OF_BROWSERS: &[Operation] = &[
    change("POST", "/snapshots/{id}/delete", Kind::Snapshots, Read::Head(view::drop_snapshot)),
    Operation {
        names_types: false,
        ..change("POST", "/profiling", Kind::Allocator, Read::Body(SET_PROFILING))
    },
];

const SET_PROFILING: ReadBody = ReadBody::Form(Change::FIELDS, view::set_profiling_by_form);

const CHANGE_TRACE: Read = if cfg!(feature = "html") {
    let form = ReadBody::Form(TraceChange::FIELDS, view::change_trace_by_form);
    Read::BodyOrForm(ReadBody::Json(view::change_trace), form)
} else {
    Read::Body(ReadBody::Json(view::change_trace))
};

/// A body that is not a form is left unread, as it was before there were forms.
const TAKE_SNAPSHOT: Read = if cfg!(feature = "html") {
    Read::HeadOrForm(view::take_snapshot, ReadBody::Form(&["label"], view::take_labelled_snapshot))
} else {
    Read::Head(view::take_snapshot)
};

/// Pages at fixed paths, see [`alias`]. They have the parameters and formats of the same pages in Go.
const ALIASES: &[Operation] = &[
    Operation {
        role: Role::Profile,
        parameters: GO,
        formats: Format::GO,
        ..get(alias::HEAP, Kind::Everything, view::heap)
    },
    Operation {
        role: Role::Profile,
        parameters: GO,
        formats: Format::GO,
        ..get(alias::ALLOCS, Kind::Everything, view::allocations)
    },
];

/// The outcome of looking up a path and a method.
#[derive(Debug)]
pub(crate) enum Found {
    /// A page, with the id from its path.
    Operation(&'static Operation, PathId),
    /// The path exists, but only for other methods. They are listed as in the header `Allow`.
    Methods(String),
    Nothing,
}

impl Operation {
    /// Looks up `method` at `rest`, the path below the base.
    pub(crate) fn find(method: &str, rest: &str) -> Found {
        let of_browsers = if cfg!(feature = "html") { OF_BROWSERS } else { &[] };
        Self::find_in(OPERATIONS.iter().chain(of_browsers), method, rest)
    }

    /// Looks up `method` at `path`, one of [`alias::PATHS`].
    pub(crate) fn find_alias(method: &str, path: &str) -> Found {
        Self::find_in(ALIASES, method, path)
    }

    fn find_in(operations: impl IntoIterator<Item = &'static Self>, method: &str, rest: &str) -> Found {
        let method = if method == "HEAD" { "GET" } else { method };
        let mut methods = Vec::new();
        for operation in operations {
            let Some(id) = PathId::of(rest, operation.path) else { continue };
            if operation.method == method {
                return Found::Operation(operation, id);
            }
            methods.push(operation.method);
            methods.extend((operation.method == "GET").then_some("HEAD"));
        }
        if methods.is_empty() { Found::Nothing } else { Found::Methods(methods.join(", ")) }
    }

    /// The least role that a login needs. `role_for_types` counts as well if the page names types.
    pub(crate) fn role(&self, names_types: bool, role_for_types: Role) -> Role {
        if names_types { self.role.max(role_for_types) } else { self.role }
    }
}

impl ReadBody {
    /// The `Content-Type` that the body must have.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Json(_) => request_body::JSON,
            Self::Form(..) => request_body::FORM,
        }
    }

    /// Reads the page from the body. `query` has the parameters in the address.
    pub(crate) fn page(
        self,
        body: &[u8],
        mut query: Query,
        head: &Head,
        proof: &Authorized,
    ) -> Result<Arc<dyn PageRequest>, Problem> {
        match self {
            Self::Json(read) => read(body, head, proof),
            Self::Form(fields, read) => {
                query.add_form(fields, body);
                let page = read(&mut query, head, proof);
                query.finish()?;
                page
            }
        }
    }
}

/// The paths of all pages below `base`, for an error that lists them.
pub(crate) fn paths(base: &str) -> Vec<String> {
    let mut paths: Vec<_> = OPERATIONS.iter().map(|operation| operation.path).collect();
    paths.dedup();
    paths.into_iter().map(|path| format!("{base}{path}")).collect()
}
