//! Counts the time and the bytes of futures, spans and routes.
//!
//! # Modules, from the ground up
//!
//! - `sync`: atomic numbers, of the standard library or of loom
//! - `clock`: time as numbers
//! - `intervals`: how many intervals are open, and how long all lasted
//! - `histogram`: a distribution in a fixed number of buckets
//! - `hasher`: a hash of a few words
//! - `chunks`: a table that grows up to a limit
//! - `index`: finds nodes by their key, without a lock
//! - `name`: the names of nodes
//! - `node`: the numbers of one node
//! - `table`: the nodes of one counting
//! - `slots`: open calls, by number
//! - `position`: where a call stands among the others
//! - `spans`: open spans, by their id
//! - `routes`: bytes per request, by route
//! - `counts`: everything that is counted from one start to the next
//! - `counting`: the tracers that count now
//! - `frames`: the calls that one thread has entered
//! - `thread`: beginnings, entries, exits and ends of calls, on their thread
//! - `call`: calls as values
//! - `traced`: futures that are counted
//! - `route`: requests that are counted by route
//! - `layer`: counts the spans of the crate `tracing`
//! - `report`: what was counted, as a value
//! - `tracer`: what a program makes, installs and shows

#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "some parts are for spans only"))]

// In the order of the list above.
mod sync;
mod clock;
mod intervals;
mod histogram;
mod hasher;
mod chunks;
mod index;
mod name;
mod node;
mod table;
mod slots;
mod position;
mod spans;
mod routes;
mod counts;
mod counting;
mod frames;
mod thread;
mod call;
mod traced;
mod route;
#[cfg(feature = "tracing")]
mod layer;
mod report;
mod tracer;

pub use call::{Call, CallGuard};
#[cfg(feature = "tracing")]
pub use layer::TracerLayer;
pub use name::RouteLabel;
pub use route::{RouteCall, RouteFuture};
pub use traced::{TraceExt, Traced};
pub use tracer::Tracer;
