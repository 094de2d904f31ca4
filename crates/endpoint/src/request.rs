//! The parts of a request: its path, its parameters and its headers.

pub(crate) mod alias;
mod asking;
mod base_path;
mod change;
mod head;
mod if_match;
mod json_object;
mod negotiate;
mod path_id;
mod query;
mod snapshot_ref;
mod trace_change;

pub(crate) use self::asking::Asking;
pub(crate) use self::base_path::BasePath;
pub(crate) use self::change::{Change, etag};
pub(crate) use self::head::Head;
pub(crate) use self::if_match::IfMatch;
pub(crate) use self::negotiate::{negotiate, negotiate_problem};
pub(crate) use self::path_id::PathId;
pub(crate) use self::query::{Query, invalid, link_query};
pub(crate) use self::snapshot_ref::{Base, Target};
pub(crate) use self::trace_change::TraceChange;
