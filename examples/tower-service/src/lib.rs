//! The back office of a small shop on hyper and tower, without a framework.
//!
//! What it holds is in the package `shop`; here is what HTTP makes of it, and `/debug/memory`, which shows where the
//! memory is. Two lines put it there: `memory_debug_tower::install!()` in `main.rs` and the layer in [`app`].
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
