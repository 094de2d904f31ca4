//! Which types hold the memory of a live axum service? Ask it:
//!
//! ```text
//! curl -u ops:$PASSWORD https://host/debug/memory
//! ```
//!
//! One macro makes jemalloc the allocator and lets it sample allocations; one layer adds the page, behind HTTP basic
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
//!     // In production `Credentials::from_env()`, with the file in MEMORY_DEBUG_PASSWORD_FILE.
//!     let credentials = Credentials::new("ops", generate_password()?)?;
//!
//!     let app = Router::new()
//!         .route("/", get(|| async { "hello" }))
//!         .layer(MemoryDebugLayer::new(credentials).service("shop", env!("CARGO_PKG_VERSION")));
//!
//!     // Instead of `axum::serve(listener, app)`: one request with no credentials, one to the application.
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
//! | `/debug/memory` | overview: what the kernel, the container and jemalloc count, and the largest types |
//! | `/debug/memory/stats` | the same numbers in full, without types; cheap |
//! | `/debug/memory/types?top=50&sort=bytes&filter=Session` | live bytes and objects by type, each with its standard error |
//! | `/debug/memory/types?group=function` | the same by function, or `element`, `file`, `line`, `crate`, `thread`, `thread_id`, `size_class` |
//! | `/debug/memory/doctor` | what is wrong, with evidence and the line that mends it |
//!
//! Each as text or, with `?format=json` or `Accept: application/json`, as JSON (`memory-debug/v1`). `sort` is `bytes`,
//! `count` or `name`, `top` goes up to 1000, `filter` is a literal part of the type's name. Sampled numbers are
//! estimates and say how good they are; [`Tracked`] values are counted exactly, and what a registered root retains is
//! measured exactly, field by field (`register_root`, feature `allocative`).
//!
//! # Layer or router
//!
//! [`MemoryDebugLayer`] goes around a router, **after** its routes and its fallback: `Router::layer` wraps only what was
//! added before. Put it around the outermost router: a nested one without a fallback of its own passes unknown paths,
//! the page among them, to the fallback of the outer. [`router`] is a router to [merge](axum::Router::merge) or
//! [nest](axum::Router::nest), and does not depend on the order. Settings
//! ([`path`](MemoryDebugLayer::path), [`limits`](MemoryDebugLayer::limits), [`service`](MemoryDebugLayer::service), and
//! with [`configure`](MemoryDebugLayer::configure) all others of [`Endpoint`]) are the layer's, and [`router_with`] takes
//! it.
//!
//! A page that [hides](Endpoint::hide) leaves requests to what the layer is put around. [`router`] has nothing in it,
//! and answers an empty 404, as axum does without a fallback (but `HEAD` with a `Content-Length`); so to hide, take the
//! layer.
//!
//! # What it costs
//!
//! Until the first request with the right password nothing of ours runs: no thread, no timer, no file. Other paths pay
//! one comparison. A request for the page collects on a thread of its own, one collection at a time, shared by all who
//! wait. jemalloc's sampling costs what it costs; `install!(profiling = on_demand)` starts with it off, and PUT
//! `/debug/memory/profiling` turns it on for a time:
//!
//! ```text
//! curl -u ops:$PASSWORD -X PUT -H 'Content-Type: application/json' -d '{"active":true,"for_seconds":300}' \
//!     https://host/debug/memory/profiling
//! ```
//!
//! # What it does not do
//!
//! - No TLS: basic authentication sends the password with each request, so encrypt in front of the service.
//! - No lock-out for passwords that are beyond guessing, which [`Credentials::new`] insists on; guesses at those of
//!   [`Credentials::allow_weak`] are slowed.
//! - No heap contents, environment or arguments on any page, and no addresses unless [opted in to](Endpoint::allow_raw_addresses).
//! - No history: numbers are of the moment. Prometheus and Pyroscope keep series.
//! - With `panic = "abort"` a panicking collector ends the process, as any panic does.
//!
//! # Features
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `allocative` | no | `register_root`: what chosen values retain, by field |
//! | `flamegraph` | no | `/debug/memory/heap/flamegraph` |
//! | `fleet` | no | `Endpoint::siblings`, through `configure`: `/fleet` for the processes of one host (Linux) |
//! | `jemalloc` | yes | [`install!`], allocator statistics and the heap profile; without it the page shows what the kernel counts |
//! | `metrics` | no | `memory_debug_core::metrics::record`: the numbers for a recorder of the `metrics` facade |
//! | `peers` | no | `Endpoint::peers`, through `configure`: `/fleet?scope=peers` for instances elsewhere (brings rustls) |
//! | `prometheus` | yes | `/metrics`, for Prometheus |
//! | `serve` | no | module `serve`: the page on a listener of its own, for ports that only operators reach |
//! | `tokio` | yes | [`connect_info`]: the layer learns the peer's address as axum tells it |
//! | `tracing` | yes | audit events, as in `memory-debug-endpoint` |
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]

#[cfg(feature = "tokio")]
mod connect_info;
mod router;

// The first example people copy must compile.
#[cfg(all(doctest, feature = "jemalloc"))]
#[doc = include_str!("../../../README.md")]
struct Readme;

#[cfg(feature = "peers")]
pub use memory_debug_tower::Peers;
#[cfg(feature = "jemalloc")]
pub use memory_debug_tower::install;
pub use memory_debug_tower::memory_debug_core;
#[cfg(feature = "serve")]
pub use memory_debug_tower::serve;
pub use memory_debug_tower::{
    AllocatorStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts, Collect, Collected, Collector,
    ConfigError, ConfigErrorKind, Connection, Credentials, CredentialsError, CredentialsErrorKind, Endpoint,
    FieldRow, InstanceId, InstanceInfo, LimitSource, Limits, MachineMemory, MemoryReport, ProcessMemory,
    Reconciliation, Resource, Role, RootRow, RootSummary, RowSource, SameBody, Scope, Shortage, Tracked,
    TypeRow, TypeSummary, Work, generate_password, summary,
};
#[cfg(feature = "allocative")]
pub use memory_debug_tower::{RegisteredRoot, allocative, register_root, register_static_root};

#[cfg(feature = "tokio")]
pub use self::connect_info::connect_info;
pub use self::router::{router, router_with};

/// Puts the memory page in front of a router, and keeps its body as it is:
/// [`layer::MemoryDebugLayer`](memory_debug_tower::layer::MemoryDebugLayer).
pub type MemoryDebugLayer = memory_debug_tower::layer::MemoryDebugLayer<SameBody>;

/// A service with the memory page in front. Made by [`MemoryDebugLayer`].
pub type MemoryDebug<S> = memory_debug_tower::MemoryDebug<S, SameBody>;

/// The future of [`MemoryDebug`].
pub type ResponseFuture<F> = memory_debug_tower::ResponseFuture<F, SameBody>;
