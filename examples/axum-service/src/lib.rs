//! The back office of a small shop on axum.
//!
//! What it holds is in the package `shop`; here is what HTTP makes of it, and `/debug/memory`, which shows where the
//! memory is. Two lines put it there: `memory_debug_axum::install!()` in `main.rs` and the layer in [`app`].
//!
//! ```text
//! cargo run --release -p axum-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod app;
mod routes;

pub use app::{app, app_with};
pub use shop::{AppState, Config, OptIns, Population};
