//! Which types hold the memory of a live actix-web service? Ask it:
//!
//! ```text
//! curl -u ops:$PASSWORD https://host/debug/memory
//! ```
//!
//! One macro makes jemalloc the allocator and lets it sample allocations; one middleware adds the page, behind HTTP
//! basic authentication:
//!
//! ```standalone_crate
//! use actix_web::{App, test, web};
//! use memory_debug_actix::{Credentials, MemoryDebug, generate_password};
//!
//! # #[cfg(feature = "jemalloc")]
//! memory_debug_actix::install!();
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // In production `Credentials::from_env()`, with the file in MEMORY_DEBUG_PASSWORD_FILE.
//!     let credentials = Credentials::new("ops", generate_password()?)?;
//!     let memory = MemoryDebug::new(credentials).service("shop", env!("CARGO_PKG_VERSION"));
//!
//!     // What `HttpServer::new` takes: each worker makes its own application, and all share one page.
//!     let app = move || App::new().wrap(memory.clone()).route("/", web::get().to(async || "hello"));
//!
//!     // Instead of `HttpServer::new(app)`: one request with no credentials, one to the application.
//!     let app = test::init_service(app()).await;
//!     let page = test::call_service(&app, test::TestRequest::with_uri("/debug/memory").to_request()).await;
//!     assert_eq!(page.status(), 401);
//!     let home = test::call_service(&app, test::TestRequest::with_uri("/").to_request()).await;
//!     assert_eq!(home.status(), 200);
//!     Ok(())
//! }
//! ```
//!
//! # Middleware or service
//!
//! [`MemoryDebug`] is both. With [`App::wrap`](actix_web::App::wrap) it sees every request before the application's
//! routes, and takes those whose path, as sent, is the page's. Middleware that is wrapped later stands outside of it.
//! With [`App::service`](actix_web::App::service) it is one of the application's services: it may stand in a
//! [scope](actix_web::web::scope), and what the router takes for its path - after decoding, say - is answered with
//! the same 401 as any other page of it.
//!
//! A page that [hides](Endpoint::hide) leaves requests to the application only as a middleware. A service has nobody to
//! leave them to, and answers an empty 404, as actix-web does without a default service.
//!
//! Settings that [`MemoryDebug`] has no method for are those of [`Endpoint`], by [`MemoryDebug::configure`].
//!
//! What the page shows is in the documentation of [`memory_debug_endpoint`], which this crate adapts.
//!
//! # What it does not do
//!
//! It terminates no TLS, and reads no request body but that of `PUT /debug/memory/profiling`.
//!
//! # Features
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `allocative` | no | `register_root`: what chosen values retain, by field |
//! | `flamegraph` | no | `/debug/memory/heap/flamegraph` |
//! | `fleet` | no | `Endpoint::siblings`, through `configure`: `/fleet` for the processes of one host (Linux) |
//! | `jemalloc` | yes | as in `memory-debug-core`: allocator statistics and the heap profile |
//! | `metrics` | no | `memory_debug_core::metrics::record`: the numbers for a recorder of the `metrics` facade |
//! | `peers` | no | `Endpoint::peers`, through `configure`: `/fleet?scope=peers` for instances elsewhere (brings rustls) |
//! | `prometheus` | yes | `/metrics`, for Prometheus |
//! | `tracing` | yes | audit events, as in `memory-debug-endpoint` |
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]

mod future;
mod memory_debug;
mod middleware;
mod reply;
mod service;
#[cfg(test)]
mod tests;

pub use memory_debug_endpoint;
#[cfg(feature = "peers")]
pub use memory_debug_endpoint::Peers;
pub use memory_debug_endpoint::memory_debug_core;
#[cfg(feature = "jemalloc")]
pub use memory_debug_endpoint::memory_debug_core::install;
pub use memory_debug_endpoint::memory_debug_core::{
    AllocatorStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts, Collected, Collector, InstanceId,
    InstanceInfo, LimitSource, MachineMemory, MemoryReport, ProcessMemory, Resource, RowSource, Scope,
    Tracked, TypeRow, TypeSummary, Work, summary,
};
#[cfg(feature = "allocative")]
pub use memory_debug_endpoint::memory_debug_core::{
    RegisteredRoot, allocative, register_root, register_static_root,
};
pub use memory_debug_endpoint::{
    Collect, ConfigError, ConfigErrorKind, Connection, Credentials, CredentialsError, CredentialsErrorKind,
    Endpoint, Limits, Role, Shortage, generate_password,
};

pub use self::future::ResponseFuture;
pub use self::memory_debug::MemoryDebug;
pub use self::middleware::MemoryDebugMiddleware;
