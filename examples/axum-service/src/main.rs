//! Runs the service.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use axum_service::app;
use shop::Opened;

memory_debug_axum::install!();

#[tokio::main]
async fn main() -> ExitCode {
    let serve = async |Opened { listener, state, credentials, stop }| {
        axum::serve(listener, app(&state, credentials)).with_graceful_shutdown(stop).await
    };
    shop::run(env!("CARGO_PKG_NAME"), serve).await
}
