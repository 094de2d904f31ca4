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
//! # Settings
//!
//! [`MemoryDebugLayer::configure`](layer::MemoryDebugLayer::configure) reaches every setting of the [`Endpoint`]. The
//! layer has shorter methods for the name of the [service](layer::MemoryDebugLayer::service) and for the
//! [path](layer::MemoryDebugLayer::path).
//!
//! # Where to put it
//!
//! Put the layer around everything that can answer before the application does. Layers further out (tracing,
//! compression, CORS) also act on the page. Layers further in (the application's own authentication, body limits) do
//! not. If the layer is applied twice, the outer one answers.
//!
//! # Bodies
//!
//! The request body can be any [`Body`](http_body::Body). The response body can be any body whose `Data` is
//! [`Bytes`](bytes::Bytes): hyper services return `BoxBody`, `UnsyncBoxBody`, `Either` or `Incoming`, and tonic has a
//! body of its own. All responses then have the body [`ResponseBody`] around the inner service's body. It is an enum:
//! it adds no box and copies no byte.
//!
//! Where the body's type must not change, use [`same_body`](layer::MemoryDebugLayer::same_body). The inner body then
//! needs `From<Bytes>`, which `Full<Bytes>`, `axum::body::Body` and `reqwest::Body` have. Around an axum router use
//! memory-debug-axum, which keeps the type, because axum boxes every body but its own.
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
//! Put the layer around the whole server:
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
//! Without `accept_http1(true)` tonic speaks only HTTP/2: use `curl --http2-prior-knowledge`.
//!
//! # What it does not do
//!
//! It terminates no TLS. It reads no request body except the body of `PUT /debug/memory/profiling`.
//!
//! It knows a client's address only if [`connection`](layer::MemoryDebugLayer::connection) says where the server puts
//! it. The address is needed to recognise plain HTTP from this machine, and to count one client's guesses apart from
//! other clients' guesses.
//!
//! # Features
//!
#![doc = include_str!("../features.md")]
//!
//! And in this crate only:
//!
//! | Feature | Default | Effect |
//! |---|---|---|
//! | `serve` | no | module `serve`: the page on a separate listener, also for programs without a web server (brings hyper and tokio) |
//!
//! The minimum supported Rust version is 1.88.
//!
//! # Modules, from the ground up
//!
//! - `body`: the response body, from the application or the page
//! - `future`: the response future
//! - `service`: answers requests for the page and passes on all others
//! - `layer`: holds the settings and makes services
//! - `serve`: the page on its own listener
//! - `route_pattern`: how a router tells which pattern a request matched
//! - `block_watch`: names the routes that block a worker
//! - `trace_routes`: counts the time and the bytes of requests by route

#![forbid(unsafe_code)]

mod body;
mod future;
pub mod layer;
#[cfg(feature = "serve")]
pub mod serve;
mod service;
#[cfg(any(feature = "monitor", feature = "tracer"))]
mod route_pattern;
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
pub use self::block_watch::{BlockWatch, BlockWatchLayer};
pub use self::body::{AnyBody, BodyKind, ResponseBody, SameBody};
pub use self::future::ResponseFuture;
pub use self::service::MemoryDebug;
#[cfg(feature = "tracer")]
pub use self::trace_routes::{TraceRoutes, TraceRoutesLayer};
#[cfg(feature = "monitor")]
#[doc(no_inline)]
pub use memory_debug_endpoint::exports::monitor::BlockWatchFuture;
#[cfg(feature = "tracer")]
#[doc(no_inline)]
pub use memory_debug_endpoint::exports::tracer::RouteFuture;

/// Puts the memory page in front of a service with a response body of any type: [`layer::MemoryDebugLayer`].
pub type MemoryDebugLayer = layer::MemoryDebugLayer<AnyBody>;
