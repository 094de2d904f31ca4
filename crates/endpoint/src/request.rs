//! What a request says: its path, its parameters and the headers that it is read from.

pub(crate) mod alias;
mod base_path;
pub(crate) mod change;
mod if_match;
mod negotiate;
mod query;
mod snapshot_ref;

pub(crate) use self::base_path::BasePath;
pub(crate) use self::change::{Change, Draft, etag};
pub(crate) use self::if_match::IfMatch;
pub(crate) use self::negotiate::{negotiate, negotiate_problem};
pub(crate) use self::query::{Query, invalid};
pub(crate) use self::snapshot_ref::{Base, Target};
