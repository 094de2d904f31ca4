//! The whole service: its routes, and the memory page around them.

use std::convert::Infallible;
use std::error::Error;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::combinators::BoxBody;
use hyper::body::Body;
use memory_debug_tower::{Credentials, MemoryDebugLayer, ResponseBody, TraceRoutesLayer};
use shop::{AppState, OptIns};
use tower::{Service, ServiceBuilder, service_fn};

use crate::routes::answer;

/// The body of all responses: the service's own boxed body, as is common with hyper, or the body of the
/// memory page.
pub type AppBody = ResponseBody<BoxBody<Bytes, Infallible>>;

/// The routes of the service, and `/debug/memory` for clients with `credentials`.
pub fn app<B>(
    state: AppState,
    credentials: Credentials,
) -> impl Service<Request<B>, Response = Response<AppBody>, Error = Infallible, Future: Send> + Clone + Send
where
    B: Body<Data: Send, Error: Error + Send + Sync + 'static> + Send + 'static,
{
    app_with(state, credentials, OptIns::default())
}

/// Like [`app`], with optional parts of the memory page.
pub fn app_with<B>(
    state: AppState,
    credentials: Credentials,
    opt_ins: OptIns,
) -> impl Service<Request<B>, Response = Response<AppBody>, Error = Infallible, Future: Send> + Clone + Send
where
    B: Body<Data: Send, Error: Error + Send + Sync + 'static> + Send + 'static,
{
    // Nothing tells the pattern of a request before this service has matched its path.
    let trace = opt_ins.tracer.as_ref().map(TraceRoutesLayer::new);
    let memory = MemoryDebugLayer::new(credentials)
        .service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .configure(|endpoint| opt_ins.apply(endpoint));
    ServiceBuilder::new().layer(memory).option_layer(trace).service(service_fn(move |request| {
        let state = state.clone();
        async move { Ok(answer(&state, request).await) }
    }))
}

#[cfg(test)]
mod tests;
