//! Which types hold the memory of a live actix-web service? Ask it:
//!
//! ```text
//! curl -u ops:$PASSWORD https://host/debug/memory
//! ```
//!
//! One macro makes jemalloc the allocator and turns on its sampling. One middleware adds the page, behind HTTP basic
//! authentication:
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
//!     // In production: `Credentials::from_env()`, with MEMORY_DEBUG_PASSWORD_FILE naming the file.
//!     let credentials = Credentials::new("ops", generate_password()?)?;
//!     let memory = MemoryDebug::new(credentials).service("shop", env!("CARGO_PKG_VERSION"));
//!
//!     // `HttpServer::new` takes this closure. Each worker makes its own application, and all share one page.
//!     let app = move || App::new().wrap(memory.clone()).route("/", web::get().to(async || "hello"));
//!
//!     // Instead of `HttpServer::new(app)`: one request without credentials, and one to the application.
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
//! [`MemoryDebug`] works as both.
//!
//! With [`App::wrap`](actix_web::App::wrap) it is a middleware. It sees every request before the application's routes,
//! and answers a request whose path, as sent, belongs to the page. Middleware that is wrapped later is outside of it.
//!
//! With [`App::service`](actix_web::App::service) it is one of the application's services, and can be in a
//! [scope](actix_web::web::scope). The router may match a path only after decoding it. Such a request gets the same 401
//! as any other request for the page.
//!
//! A [hidden](Endpoint::hide) page passes requests on to the application only as a middleware. A service cannot pass
//! them on. It answers an empty 404, as actix-web does without a default service.
//!
//! [`MemoryDebug::configure`] reaches every setting of the [`Endpoint`]. The documentation of
//! [`memory_debug_endpoint`], which this crate adapts, describes what the page shows.
//!
//! # What it does not do
//!
//! It terminates no TLS. It reads no request body except the body of `PUT /debug/memory/profiling`.
//!
//! # Features
//!
#![doc = include_str!("../features.md")]
//!
//! The minimum supported Rust version is 1.88.
//!
//! # Modules, from the ground up
//!
//! - `memory_debug`: the settings
//! - `reply`: converts requests and replies between actix-web and the endpoint
//! - `future`: the future of a response
//! - `middleware`: the page around an application
//! - `service`: the page as one of an application's services
//! - `block_watch`: names the routes that block a worker
//! - `trace_routes`: counts the time and the bytes of requests by route

#![forbid(unsafe_code)]

mod future;
mod memory_debug;
mod middleware;
mod reply;
mod service;
#[cfg(feature = "monitor")]
mod block_watch;
#[cfg(feature = "tracer")]
mod trace_routes;
#[cfg(test)]
mod tests;

#[doc(no_inline)]
pub use memory_debug_endpoint;
#[doc(inline)]
pub use memory_debug_endpoint::exports::*;
#[doc(no_inline)]
pub use memory_debug_endpoint::memory_debug_core;

#[cfg(feature = "monitor")]
pub use self::block_watch::{BlockWatch, BlockWatchMiddleware};
pub use self::future::ResponseFuture;
pub use self::memory_debug::MemoryDebug;
pub use self::middleware::MemoryDebugMiddleware;
#[cfg(feature = "tracer")]
pub use self::trace_routes::{TraceRoutes, TraceRoutesMiddleware};
#[cfg(feature = "monitor")]
#[doc(no_inline)]
pub use memory_debug_endpoint::exports::monitor::BlockWatchFuture;
#[cfg(feature = "tracer")]
#[doc(no_inline)]
pub use memory_debug_endpoint::exports::tracer::RouteFuture;
