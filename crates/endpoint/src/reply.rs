//! What goes back to the client: the formats, the headers, and problems instead of pages.

mod format;
mod headers;
mod message;
mod problem;

pub(crate) use self::format::Format;
pub use self::message::Reply;
pub(crate) use self::problem::Problem;
