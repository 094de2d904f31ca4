//! The Rust in the guides, so that `cargo test` compiles it.

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("quick-start.md")]
struct QuickStart;

#[cfg(doctest)]
#[doc = include_str!("behind-a-balancer.md")]
struct BehindABalancer;

#[cfg(doctest)]
#[doc = include_str!("integration.md")]
struct Integration;
