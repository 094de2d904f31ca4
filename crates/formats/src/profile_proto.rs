//! The encoder of pprof's messages, for exporters that write fields of their own.

mod message;
mod strings;
pub mod tag;

pub use message::Message;
pub use strings::Strings;
