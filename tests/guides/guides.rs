//! Includes the guides, so that `cargo test` compiles their Rust code.

#![forbid(unsafe_code)]

#[cfg(doctest)]
#[doc = include_str!("../../docs/quick-start.md")]
struct QuickStart;

#[cfg(doctest)]
#[doc = include_str!("../../docs/behind-a-balancer.md")]
struct BehindABalancer;

#[cfg(doctest)]
#[doc = include_str!("../../docs/integration.md")]
struct Integration;

#[cfg(doctest)]
#[doc = include_str!("../../docs/before-the-kill.md")]
struct BeforeTheKill;

#[cfg(doctest)]
#[doc = include_str!("../../docs/leak-hunt.md")]
struct LeakHunt;

#[cfg(doctest)]
#[doc = include_str!("../../docs/where-bytes-go.md")]
struct WhereBytesGo;
