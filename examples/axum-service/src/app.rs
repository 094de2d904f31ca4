//! The service as a whole: its routes, and the page around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use memory_debug_axum::{Credentials, MemoryDebugLayer};
use shop::AppState;

use crate::routes::routes;

/// The routes of the service, and `/debug/memory` for those who know `credentials`.
pub fn app(state: &AppState, credentials: Credentials) -> Router {
    let memory =
        MemoryDebugLayer::new(credentials).service(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    routes(state.clone()).layer(DefaultBodyLimit::max(AppState::MAX_BODY)).layer(memory)
}

#[cfg(test)]
mod tests;
