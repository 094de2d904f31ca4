//! Counts the time and the bytes of futures, spans and routes.
//!
//! A profiler that samples stacks sees the loop that polls, and not the request for which it polls. A [`Tracer`]
//! follows each call from its creation to its end, also while it waits, and stands it below the call that created it.
//! It counts nothing and has no memory until it is installed.
//!
//! ```
//! use memory_debug_tracer::{RouteLabel, TraceExt, Tracer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! async fn load(id: u64) -> Vec<u8> {
//!     async { vec![7; 4096] }.traced("load").await
//! }
//!
//! let tracer = Tracer::new();
//! tracer.install();
//! // The layers for axum and tower and the middleware for actix do this for each request.
//! let request = tracer.route_future(|| RouteLabel::new("GET", Some("/items/{id}")), load(3));
//! assert_eq!(request.await.len(), 4096);
//! tracer.uninstall();
//!
//! # let instance = memory_debug_report::InstanceInfo::new(memory_debug_core::instance_id(), 1);
//! let trace = tracer.report(instance).trace.expect("it has counted");
//! assert_eq!(trace.nodes[0].name, "GET /items/{id}");
//! assert_eq!((trace.nodes[1].name.as_str(), trace.nodes[1].depth), ("load", 1));
//! # }
//! ```
//!
//! # What is counted
//!
//! A node is a parent, a name and a place in the source. The parent is the call that ran when this call was *created*,
//! not the call that polls it. So a task that a request spawns stands below the request.
//!
//! - Calls: how many began, finished, were dropped before they finished, and are still open.
//! - Total time: from the creation to the end. Open calls count until now. Calls that overlap add up to more than the
//!   total of their parent. The own total is the time in which no call directly below was open.
//! - Busy time, allocated and freed bytes: what passed while the call was polled or entered, on the thread that did it.
//!   A poll counts when it ends. The own part leaves out what was polled inside, so the own parts of all nodes add up
//!   to the whole. Bytes are exact, rounded to the size classes of jemalloc. Memory that is freed elsewhere or later is
//!   not matched to the code that allocated it.
//! - For each route: requests in flight, and bytes per request (mean, p50, p99, maximum).
//! - For each route: live bytes, if live samples are recorded. Requests have their route in live samples also while no
//!   tracer counts. [`inherit_route`] passes the route on to a task.
//!
//! A call counts only if it began while the tracer counted. Calls that were open before do not appear, and what they
//! create stands at the root.
//!
//! # What it costs
//!
//! While nothing counts, a call costs one relaxed load at its creation, and its polls a comparison. While it counts, an
//! entry and an exit read the clock twice, and allocate nothing once their node exists. `measure/spans/run` measures
//! it. A tracer that is made a millisecond before it counts reads the processor's counter, if that is the kernel's
//! clock. The number of nodes bounds all memory; nothing grows with the number of spans, tasks or requests.
//!
//! # Security
//!
//! Names are names of spans, names that the program gives to futures, methods, patterns of routes and places in the
//! source. The tracer never reads fields, arguments, paths of requests or messages.
//!
//! # Features
//!
//! | feature | default | |
//! |---|---|---|
//! | `jemalloc` | yes | bytes, if jemalloc is the global allocator |
//! | `tracing` | no | `Tracer::layer`: each span of the crate `tracing` is a call |
//!
//! # How the parts fit together
//!
//! - [`Tracer`] is made once and shared. A program installs and uninstalls it; an operator starts it for a limited time
//!   through the page (`TraceSource`). Several tracers can exist, and the one that was installed last gets the futures.
//! - [`TraceExt::traced`] makes a [`Traced`] future. [`Call`] does the same for code that is not a future.
//! - [`Tracer::route_future`] makes a [`RouteFuture`] for a request, [`Tracer::route`] a [`RouteCall`], and
//!   [`Tracer::enter_route`] an [`EnteredRoute`] for a service whose call returns a future. [`Tracer::defer_route`] makes a
//!   [`DeferredRoute`] for a service whose call does nothing else.
//! - `Tracer::layer` makes a layer for a subscriber of the crate `tracing`. It leaves other layers alone.
//!
//! # Modules, from the ground up
//!
//! - `sync`: atomic numbers, of the standard library or of loom
//! - `clock`: time as numbers
//! - `adding`: additions to numbers, alone or beside other threads
//! - `intervals`: how many intervals are open, and how long all lasted
//! - `histogram`: a distribution in a fixed number of buckets
//! - `chunks`: a table that grows up to a limit
//! - `index`: finds nodes by their key, without a lock
//! - `name`: the names of nodes
//! - `known_routes`: the routes that this process has seen, each with its label
//! - `numbers`: what calls of one node add up to
//! - `node`: what makes two calls the same node
//! - `lane`: numbers that one thread alone adds to
//! - `table`: the nodes of one counting
//! - `slots`: open calls, by number
//! - `position`: where a call stands among the others
//! - `kept`: what a thread keeps from one call to the next
//! - `spans`: open spans, by their id
//! - `routes`: bytes per request, by route
//! - `counts`: everything that is counted from one start to the next
//! - `counting`: the tracers that count now
//! - `frames`: the calls that one thread has entered
//! - `thread`: beginnings, entries, exits and ends of calls, on their thread
//! - `call`: calls as values
//! - `inherit`: futures whose live memory counts for a route
//! - `traced`: futures that are counted
//! - `route`: requests that are counted by route
//! - `layer`: counts the spans of the crate `tracing`
//! - `report`: what was counted, as a value
//! - `tracer`: what a program makes, installs and shows
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "tracing"), allow(dead_code, reason = "some parts are for spans only"))]

// In the order of the list above.
mod sync;
mod clock;
mod adding;
mod intervals;
mod histogram;
mod chunks;
mod index;
mod name;
mod known_routes;
mod numbers;
mod node;
mod lane;
mod table;
mod slots;
mod position;
mod kept;
mod spans;
mod routes;
mod counts;
mod counting;
mod frames;
mod thread;
mod call;
mod inherit;
mod traced;
mod route;
#[cfg(feature = "tracing")]
mod layer;
mod report;
mod tracer;

pub use call::{Call, CallGuard};
pub use inherit::{InheritRoute, inherit_route};
#[cfg(feature = "tracing")]
pub use layer::TracerLayer;
pub use name::RouteLabel;
pub use route::{DeferredRoute, EnteredRoute, RouteCall, RouteFuture};
pub use traced::{TraceExt, Traced};
pub use tracer::Tracer;
