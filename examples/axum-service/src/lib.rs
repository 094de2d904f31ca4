//! The back office of a small shop on axum.
//!
//! The package `shop` holds the data. This package adds HTTP, and `/debug/memory`, which shows where the
//! memory is. Two lines are enough for that: `memory_debug_axum::install!()` in `main.rs` and the layer in
//! [`app`].
//!
//! ```text
//! cargo run --release -p axum-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod app;
mod routes;

pub use app::{app, app_with};
pub use shop::{AppState, Config, OptIns, Population};
