//! Which types hold the memory of a live axum service? Ask it:
//!
//! ```text
//! curl -u ops:$PASSWORD https://host/debug/memory
//! ```
//!
//! One macro makes jemalloc the allocator and turns on its sampling. One layer adds the page, behind HTTP basic
//! authentication:
//!
//! ```standalone_crate
//! use axum::body::Body;
//! use axum::http::{Request, StatusCode};
//! use axum::{Router, routing::get};
//! use memory_debug_axum::{Credentials, MemoryDebugLayer, generate_password};
//! use tower::ServiceExt;
//!
//! # #[cfg(feature = "jemalloc")]
//! memory_debug_axum::install!();
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // In production: `Credentials::from_env()`, with MEMORY_DEBUG_PASSWORD_FILE naming the file.
//!     let credentials = Credentials::new("ops", generate_password()?)?;
//!
//!     let app = Router::new()
//!         .route("/", get(|| async { "hello" }))
//!         .layer(MemoryDebugLayer::new(credentials).service("shop", env!("CARGO_PKG_VERSION")));
//!
//!     // Instead of `axum::serve(listener, app)`: one request without credentials, and one to the application.
//!     let page = Request::get("/debug/memory").body(Body::empty())?;
//!     assert_eq!(app.clone().oneshot(page).await?.status(), StatusCode::UNAUTHORIZED);
//!     let home = Request::get("/").body(Body::empty())?;
//!     assert_eq!(app.oneshot(home).await?.status(), StatusCode::OK);
//!     Ok(())
//! }
//! ```
//!
//! # What the page shows
//!
//! | Path | Page |
//! |---|---|
//! | `/debug/memory` | the overview: what the kernel, the container and jemalloc count, and the largest types |
//! | `/debug/memory/stats` | all of these numbers, without types; cheap |
//! | `/debug/memory/types?top=50&sort=bytes&filter=Session` | live bytes and objects by type, each with its standard error |
//! | `/debug/memory/types?group=function` | live bytes and objects by function, or by `element`, `file`, `line`, `crate`, `thread`, `thread_id`, `size_class`, `age`, `route` |
//! | `/debug/memory/doctor` | what is wrong, with evidence and the line that fixes it |
//!
//! The project's README lists all pages. Each page is text or, with `?format=json` or `Accept: application/json`, JSON
//! (`memory-debug/v1`). `sort` is `bytes`, `count` or `name`. `top` goes up to 1000. `filter` is a literal part of the
//! type's name.
//!
//! Sampled numbers are estimates, and each states its error. Values of type [`Tracked`] are counted exactly. What a
//! registered root retains is measured exactly, field by field (`register_root`, feature `allocative`).
//!
//! # Layer or router
//!
//! Add [`MemoryDebugLayer`] to a router **after** its routes and its fallback, because `Router::layer` wraps only what
//! was added before. Put it around the outermost router. A nested router without its own fallback passes unknown paths,
//! including the page, to the fallback of the outer router.
//!
//! [`router`] is a router to [merge](axum::Router::merge) or [nest](axum::Router::nest). It works in any order.
//! [`router_with`] takes a layer with settings: [`path`](MemoryDebugLayer::path),
//! [`service`](MemoryDebugLayer::service), and every other setting of [`Endpoint`] through
//! [`configure`](MemoryDebugLayer::configure).
//!
//! If the page is [hidden](Endpoint::hide), the layer passes requests on to the router inside it. [`router`] has no
//! routes inside. It answers an empty 404, as axum does without a fallback, except that its answer to `HEAD` has a
//! `Content-Length`. To hide the page, use the layer.
//!
//! # What it costs
//!
//! Until the first request with the right password, this crate starts no thread or timer, and opens no file. A request
//! for another path pays one comparison. A request for the page collects on a separate thread. One collection runs at a
//! time, and all waiting requests share it.
//!
//! jemalloc's sampling has a cost of its own. `install!(profiling = on_demand)` starts with sampling off, and
//! PUT `/debug/memory/profiling` turns it on for a limited time:
//!
//! ```text
//! curl -u ops:$PASSWORD -X PUT -H 'Content-Type: application/json' -d '{"active":true,"for_seconds":300}' \
//!     https://host/debug/memory/profiling
//! ```
//!
//! # What it does not do
//!
//! - It has no TLS. Basic authentication sends the password with each request, so encrypt in front of the service.
//! - It does not lock out logins. [`Credentials::new`] accepts only passwords that cannot be guessed, and guesses at
//!   passwords from [`Credentials::allow_weak`] are slowed down.
//! - It shows no heap contents, environment or arguments on any page, and no addresses unless you
//!   [allow them](Endpoint::allow_raw_addresses).
//! - It keeps no history. All numbers are of the moment; Prometheus and Pyroscope keep series.
//! - With `panic = "abort"` a panicking collector ends the process, as any panic does.
//!
//! # Features
//!
#![doc = include_str!("../features.md")]
//!
//! And in this crate only:
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `serve` | no | module `serve`: the page on its own listener, for ports that only operators reach |
//! | `tokio` | yes | [`connect_info`]: gives the layer the client's address from axum |
//!
//! The minimum supported Rust version is 1.88.
//!
//! # Modules, from the ground up
//!
//! - `connect_info`: reads the client's address from axum's `ConnectInfo`
//! - `router`: the page as a router
//! - `route_pattern`: the pattern that axum's router matched
//! - `block_watch`: names the routes that block a worker
//! - `trace_routes`: counts the time and the bytes of requests by route

#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod connect_info;
mod router;
#[cfg(any(feature = "monitor", feature = "tracer"))]
mod route_pattern;
#[cfg(feature = "monitor")]
mod block_watch;
#[cfg(feature = "tracer")]
mod trace_routes;

// The example in README.md, which people copy first, must compile.
#[cfg(all(doctest, feature = "jemalloc"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

pub use memory_debug_tower::SameBody;
#[doc(inline)]
pub use memory_debug_tower::memory_debug_endpoint::exports::*;
#[cfg(feature = "serve")]
pub use memory_debug_tower::serve;
#[cfg(feature = "monitor")]
pub use memory_debug_tower::{BlockWatch, BlockWatchFuture, BlockWatchLayer};
#[cfg(feature = "tracer")]
pub use memory_debug_tower::{RouteFuture, TraceRoutes, TraceRoutesLayer};
#[doc(no_inline)]
pub use memory_debug_tower::{memory_debug_core, memory_debug_endpoint};

#[cfg(feature = "monitor")]
pub use self::block_watch::block_watch;
#[cfg(feature = "tokio")]
pub use self::connect_info::connect_info;
pub use self::router::{router, router_with};
#[cfg(feature = "tracer")]
pub use self::trace_routes::trace_routes;

/// Puts the memory page in front of a router, and keeps the type of its body:
/// [`layer::MemoryDebugLayer`](memory_debug_tower::layer::MemoryDebugLayer).
pub type MemoryDebugLayer = memory_debug_tower::layer::MemoryDebugLayer<SameBody>;

/// A service with the memory page in front. Made by [`MemoryDebugLayer`].
pub type MemoryDebug<S> = memory_debug_tower::MemoryDebug<S, SameBody>;

/// The future of [`MemoryDebug`].
pub type ResponseFuture<F> = memory_debug_tower::ResponseFuture<F, SameBody>;
