//! The back office of a small shop on actix-web.
//!
//! What it holds is in the package `shop`; here is what HTTP makes of it, and `/debug/memory`, which shows where the
//! memory is. Two lines put it there: `memory_debug_actix::install!()` and `.wrap(memory)`, both in `main.rs`.
//!
//! ```text
//! cargo run --release -p actix-web-service -- --leak
//! ```

#![forbid(unsafe_code)]

mod routes;

pub use routes::routes;
