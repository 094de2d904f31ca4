//! The whole service: its routes, and the memory page around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use memory_debug_axum::{Credentials, MemoryDebugLayer, trace_routes};
use shop::{AppState, OptIns};

use crate::routes::routes;

/// The routes of the service, and `/debug/memory` for clients with `credentials`.
pub fn app(state: &AppState, credentials: Credentials) -> Router {
    app_with(state, credentials, OptIns::default())
}

/// Like [`app`], with optional parts of the memory page.
pub fn app_with(state: &AppState, credentials: Credentials, opt_ins: OptIns) -> Router {
    let mut routes = routes(state.clone()).layer(DefaultBodyLimit::max(AppState::MAX_BODY));
    if let Some(tracer) = &opt_ins.tracer {
        routes = routes.layer(trace_routes(tracer));
    }
    let memory = MemoryDebugLayer::new(credentials)
        .service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .configure(|endpoint| opt_ins.apply(endpoint));
    routes.layer(memory)
}

#[cfg(test)]
mod tests;
