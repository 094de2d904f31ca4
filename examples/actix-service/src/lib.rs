//! The back office of a small shop on actix-web.
//!
//! The package `shop` holds the data. This package adds HTTP, and `/debug/memory`, which shows where the
//! memory is. Two lines are enough for that: `memory_debug_actix::install!()` and `.wrap(memory)`, both in
//! `main.rs`.
//!
//! ```text
//! cargo run --release -p actix-web-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod routes;

pub use routes::routes;
