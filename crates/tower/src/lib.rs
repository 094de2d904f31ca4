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
//! # What it needs
//!
//! The response body has to be made from [`Bytes`](bytes::Bytes) (`axum::body::Body`, `http_body_util::Full<Bytes>`
//! `hyper`'s and `reqwest`'s bodies are), so the layer returns the inner service's own type and boxes nothing. Where
//! the body is another, map it first, for example with `tower_http::map_response_body`. The request body has to be a
//! [`Body`](http_body::Body) of any kind, as those of servers are.
//!
//! # With tonic
//!
//! tonic's body is not made from `Bytes`, that of the axum router inside it is, so the layer goes around that router:
//!
//! ```ignore
//! let routes = tonic::service::Routes::new(greeter).into_axum_router().layer(MemoryDebugLayer::new(credentials));
//! tonic::transport::Server::builder().add_routes(routes.into()).serve(address).await?;
//! ```
//!
//! tonic speaks HTTP/2 alone unless it is built with `.accept_http1(true)`: `curl --http2-prior-knowledge`. For a layer
//! around the whole server, map the body inside of it: `tonic::transport::Server::builder().layer(layers)` with
//!
//! ```ignore
//! let layers = tower::ServiceBuilder::new()
//!     .layer(MemoryDebugLayer::new(credentials))
//!     .map_response(|response: http::Response<tonic::body::Body>| response.map(axum::body::Body::new));
//! ```
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

mod future;
mod layer;
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
    AllocatorStats, Ceiling, CgroupLevel, CgroupMemory, CgroupParts, Collector, FieldRow, InstanceId,
    InstanceInfo, LimitSource, MachineMemory, MemoryReport, ProcessMemory, Reconciliation, Resource, RootRow,
    RootSummary, RowSource, Scope, Tracked, TypeRow, TypeSummary, Work, summary,
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
pub use self::layer::MemoryDebugLayer;
pub use self::service::MemoryDebug;
