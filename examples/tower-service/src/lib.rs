//! The back office of a small shop on hyper and tower, without a framework.
//!
//! The package `shop` holds the data. This package adds HTTP, and `/debug/memory`, which shows where the
//! memory is. Two lines are enough for that: `memory_debug_tower::install!()` in `main.rs` and the layer in
//! [`app`].
//!
//! ```text
//! cargo run --release -p tower-hyper-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod app;
mod routes;
mod server;

pub use app::{AppBody, app, app_with};
pub use server::serve;
