//! The smallest service with a memory page.

#![forbid(unsafe_code)]

use axum::{Router, routing::get};
use memory_debug_axum::{Credentials, MemoryDebugLayer};

memory_debug_axum::install!(); // jemalloc as the allocator, with its sampling profiler on

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let credentials = Credentials::from_env()?; // MEMORY_DEBUG_PASSWORD_FILE or MEMORY_DEBUG_PASSWORD
    let app = Router::new().route("/", get(async || "hello")).layer(MemoryDebugLayer::new(credentials));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
