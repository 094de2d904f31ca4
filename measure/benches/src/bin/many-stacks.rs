//! Serves the memory page for a heap with N distinct stacks: `many-stacks N`.
//!
//! `measure/headroom` requests every page, and measures how much memory each answer takes. Every allocation is
//! recorded, so the profile has all stacks. The user is `ops`, and `MEMORY_DEBUG_PASSWORD` has the password.

#![forbid(unsafe_code)]

use std::error::Error;

use axum::Router;
use memory_debug_axum::{Credentials, MemoryDebugLayer};
use memory_debug_benches::named_stacks::fill;
use tokio::net::TcpListener;

memory_debug_axum::install!(lg_prof_sample = 0);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Box<dyn Error>> {
    let held = fill(std::env::args().nth(1).ok_or("usage: many-stacks STACKS")?.parse()?);
    let credentials = Credentials::new("ops", std::env::var("MEMORY_DEBUG_PASSWORD")?)?;
    let layer = MemoryDebugLayer::new(credentials).configure(|endpoint| endpoint.allow_raw_addresses());
    let app = Router::new().layer(layer);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on {}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    drop(held);
    Ok(())
}
