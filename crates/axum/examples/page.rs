//! A service with a memory page, with any features of this crate: `cargo run -p memory-debug-axum --example page`.
//!
//! It listens on `BIND` and prints the address.

#![forbid(unsafe_code)]

use std::env;

use axum::Router;
use memory_debug_axum::{Credentials, MemoryDebugLayer};

#[cfg(feature = "jemalloc")]
memory_debug_axum::install!();

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bind = env::var("BIND").unwrap_or_else(|_| "127.0.0.1:3000".to_owned());
    let listener = tokio::net::TcpListener::bind(bind).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let page = MemoryDebugLayer::new(Credentials::from_env()?);
    axum::serve(listener, Router::new().layer(page)).await?;
    Ok(())
}
