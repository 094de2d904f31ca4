//! The service as a whole: its routes, and the page around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use memory_debug_axum::{Credentials, MemoryDebugLayer};
use shop::{AppState, OptIns};

use crate::routes::routes;

/// The routes of the service, and `/debug/memory` for those who know `credentials`.
pub fn app(state: &AppState, credentials: Credentials) -> Router {
    app_with(state, credentials, OptIns::default())
}

/// The same, with more on the page than it has by default.
pub fn app_with(state: &AppState, credentials: Credentials, opt_ins: OptIns) -> Router {
    let memory = MemoryDebugLayer::new(credentials)
        .service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
        .configure(|endpoint| opt_ins.apply(endpoint));
    routes(state.clone()).layer(DefaultBodyLimit::max(AppState::MAX_BODY)).layer(memory)
}

#[cfg(test)]
mod tests;
