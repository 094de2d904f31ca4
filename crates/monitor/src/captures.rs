//! What is captured before a kill, and when.
//!
//! There are three levels, each cheaper than the one before. A *snapshot* has types, and takes some megabytes and up to
//! a second. A *raw dump* is written by jemalloc itself from a fixed buffer; it gets its types later, elsewhere. The
//! *flight record* has numbers and the largest types known by then, and takes one write, on a thread of its own. The room
//! that is left and the growth decide.

mod flight_place;
mod folder_reader;
mod growth;
mod job;
mod marks;
mod recorder;
mod settings;
mod status;

pub use folder_reader::read_captures;
pub(crate) use job::{Job, JobResult};
pub(crate) use recorder::Recorder;
pub use settings::Captures;
pub(crate) use status::Known;
