//! The memory debug endpoint as a tower layer.
//!
//! [`MemoryDebugLayer`] wraps any HTTP service; [`MemoryDebug`] is the wrapped service. `GET /debug/memory` with the
//! right user and password shows which types hold the memory of the process.
//!
//! # Example
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response, StatusCode};
//! use http_body_util::Full;
//! use memory_debug_tower::{Credentials, MemoryDebugLayer, generate_password};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let service = ServiceBuilder::new()
//!     .layer(MemoryDebugLayer::new(Credentials::new("ops", generate_password()?)?))
//!     .service(service_fn(|_request: Request<Full<Bytes>>| async {
//!         Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("hello")))
//!     }));
//!
//! let request = Request::get("/debug/memory").body(Full::default())?;
//! assert_eq!(service.oneshot(request).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # Where to put it
//!
//! Outside of whatever answers before the application: layers further out (tracing, compression, CORS) act on the page
//! too, layers further in (the application's own authentication, body limits) do not. Applied twice, the outer one
//! answers.
//!
//! # Bodies
//!
//! The request body can be any [`Body`](http_body::Body). So can the response body if its `Data` is
//! [`Bytes`](bytes::Bytes): hyper services return `BoxBody`, `UnsyncBoxBody`, `Either` or `Incoming`, tonic has a body
//! of its own. Responses then have the body [`ResponseBody`] of the inner one. It is an enum: no box is added, and no
//! byte is copied.
//!
//! Where the type must stay what it is, [`same_body`](layer::MemoryDebugLayer::same_body) keeps it. The inner body
//! then needs `From<Bytes>`, as `Full<Bytes>`, `axum::body::Body` and `reqwest::Body` have it. Around an axum router use
//! memory-debug-axum, which does that: axum boxes all bodies but its own.
//!
//! A service on hyper whose body is a box:
//!
//! ```
//! use bytes::Bytes;
//! use http::{Request, Response};
//! use http_body_util::{BodyExt, Full, combinators::BoxBody};
//! use memory_debug_tower::{Credentials, MemoryDebugLayer, generate_password};
//! use std::convert::Infallible;
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! async fn hello<B>(_request: Request<B>) -> Result<Response<BoxBody<Bytes, std::io::Error>>, Infallible> {
//!     let body = Full::from("hello").map_err(|never| match never {}).boxed();
//!     Ok(Response::new(body))
//! }
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let service = ServiceBuilder::new()
//!     .layer(MemoryDebugLayer::new(Credentials::new("ops", generate_password()?)?))
//!     .service(service_fn(hello));
//! // For each connection: `hyper_util::service::TowerToHyperService::new(service.clone())`.
//!
//! let response = service.oneshot(Request::get("/").body(Full::<Bytes>::default())?).await?;
//! assert_eq!(response.into_body().collect().await?.to_bytes(), "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # With tonic
//!
//! The layer goes around the whole server:
//!
//! ```ignore
//! tonic::transport::Server::builder()
//!     .accept_http1(true)
//!     .layer(MemoryDebugLayer::new(credentials))
//!     .add_service(greeter)
//!     .serve(address)
//!     .await?;
//! ```
//!
//! Without `accept_http1(true)` tonic speaks HTTP/2 alone: `curl --http2-prior-knowledge`.
//!
//! # What it does not do
//!
//! It terminates no TLS, and reads no request body but that of `PUT /debug/memory/profiling`. Who is at the other end of a connection it knows only if told where
//! servers put it ([`MemoryDebugLayer::connection`]), and needs it to tell plain HTTP from this machine and guesses of
//! one address from those of others.
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
//! | `serve` | no | module `serve`: the page on a listener of its own, also for programs without a web server; brings hyper and tokio |
//!
//! The minimum supported Rust version is 1.88.

#![forbid(unsafe_code)]

mod body;
mod future;
pub mod layer;
#[cfg(feature = "serve")]
pub mod serve;
mod service;
#[cfg(test)]
mod tests;

#[cfg(feature = "peers")]
pub use memory_debug_endpoint::Peers;
pub use memory_debug_endpoint::memory_debug_core;
#[cfg(feature = "jemalloc")]
pub use memory_debug_endpoint::memory_debug_core::install;
pub use memory_debug_endpoint::memory_debug_core::{
    AllocatorStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts, Collected, Collector, FieldRow,
    InstanceId, InstanceInfo, LimitSource, MachineMemory, MemoryReport, ProcessMemory, Reconciliation,
    Resource, RootRow, RootSummary, RowSource, Scope, Tracked, TypeRow, TypeSummary, Work, summary,
};
#[cfg(feature = "allocative")]
pub use memory_debug_endpoint::memory_debug_core::{
    RegisteredRoot, allocative, register_root, register_static_root,
};
pub use memory_debug_endpoint::{
    Collect, ConfigError, ConfigErrorKind, Connection, Credentials, CredentialsError, CredentialsErrorKind,
    Endpoint, Limits, Role, Shortage, generate_password,
};

pub use self::body::{AnyBody, BodyKind, ResponseBody, SameBody};
pub use self::future::ResponseFuture;
pub use self::service::MemoryDebug;

/// Puts the memory page in front of a service with a response body of any type: [`layer::MemoryDebugLayer`].
pub type MemoryDebugLayer = layer::MemoryDebugLayer<AnyBody>;
