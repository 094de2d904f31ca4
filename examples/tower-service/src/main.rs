//! Runs the service.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use shop::Opened;
use tower_hyper_service::{app_with, serve};

memory_debug_tower::install!();

#[tokio::main]
async fn main() -> ExitCode {
    let serve = async |Opened { listener, state, credentials, opt_ins, stop }| {
        serve(listener, app_with(state, credentials, opt_ins), stop).await;
        Ok(())
    };
    shop::run(env!("CARGO_PKG_NAME"), serve).await
}
