//! The back office of a small shop: a service with the memory of a service.
//!
//! It keeps sessions in a hash map, rendered reports in a bounded cache, jobs in a queue with background workers,
//! and fans messages out to whoever listens. `/debug/memory` shows which of these hold the memory. Two lines put it
//! there: `memory_debug_axum::install!()` in `main.rs` and the layer in [`app`].
//!
//! ```text
//! cargo run --release -p axum-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod app;
mod audit;
mod cache;
mod config;
mod feed;
mod jobs;
mod population;
mod reports;
mod sessions;

pub use app::{AppState, app};
pub use config::{Command, Config, ConfigError};
pub use population::Population;
