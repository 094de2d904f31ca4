//! Runs the service.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use axum_service::app_with;
use shop::Opened;

#[cfg(not(feature = "frame-pointers"))]
memory_debug_axum::install!();
#[cfg(feature = "frame-pointers")]
memory_debug_axum::install!(unwinder = frame_pointers, lg_prof_sample = 17);

#[tokio::main]
async fn main() -> ExitCode {
    let serve = async |Opened { listener, state, credentials, opt_ins, stop }| {
        let app = app_with(&state, credentials, opt_ins);
        axum::serve(listener, app).with_graceful_shutdown(stop).await
    };
    shop::run(env!("CARGO_PKG_NAME"), serve).await
}
