//! Serves the page of a heap with N distinct stacks: `many-stacks N`.
//!
//! `measure/headroom` asks every page of it, and reads how much memory each answer takes. Every allocation is recorded,
//! so each of the stacks is in the profile. The user is `ops`, with the password in `MEMORY_DEBUG_PASSWORD`.

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
