//! The replies to clients: formats, headers, pages and problems.

mod format;
mod headers;
mod message;
mod problem;

pub(crate) use self::format::{Format, GraphFormat};
pub use self::message::Reply;
pub(crate) use self::problem::Problem;
