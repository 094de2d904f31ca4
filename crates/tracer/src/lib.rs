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
//! - `routes`: bytes per request, by route
//! - `counts`: everything that is counted from one start to the next
//! - `counting`: the tracers that count now
//! - `thread`: the calls that this thread has entered
//! - `call`: calls as values
//! - `traced`: futures that are counted
//! - `route`: requests that are counted by route
//! - `report`: what was counted, as a value
//! - `tracer`: what a program makes, installs and shows

#![forbid(unsafe_code)]

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
mod routes;
mod counts;
mod counting;
mod thread;
mod call;
mod traced;
mod route;
mod report;
mod tracer;

pub use call::{Call, CallGuard};
pub use name::RouteLabel;
pub use route::{RouteCall, RouteFuture};
pub use traced::{TraceExt, Traced};
pub use tracer::Tracer;
