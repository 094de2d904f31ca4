//! The page on a listener of its own.
//!
//! For a program without a web server, or one whose operators are not to come through the public port:
//!
//! | | Runs | Ends |
//! |---|---|---|
//! | [`start_in_background`] | on a thread of its own; needs no runtime | when its [`Handle`] is dropped |
//! | [`serve`] | on the caller's tokio runtime | when its future, [`Serving`], is dropped |
//!
//! Both listen on loopback or on a Unix socket that only the process's own user can open ([`ListenAddress`]), speak
//! HTTP/1.1 and HTTP/2 (with prior knowledge), and answer 404 to everything but the page.
//!
//! # Examples
//!
//! A program that has a plain `main` and nothing to do with the web:
//!
//! ```
//! use memory_debug_tower::serve::{ListenAddress, start_in_background};
//! use memory_debug_tower::{Credentials, generate_password};
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     // In production `Credentials::from_env()`, and an address like `127.0.0.1:6060` or `unix:/run/shop/memory.sock`.
//!     let credentials = Credentials::new("ops", generate_password()?)?;
//!     let address: ListenAddress = "127.0.0.1:0".parse()?;
//!     let memory = start_in_background(credentials, address)?;
//!     println!("curl -u ops http://{}/debug/memory", memory.address());
//!     // … the program's own work; the page ends with `memory`.
//!     Ok(())
//! }
//! ```
//!
//! Settings are those of the layer, and a service that has a runtime needs no other thread:
//!
//! ```no_run
//! use memory_debug_tower::serve::{ListenAddress, serve};
//! use memory_debug_tower::{Credentials, MemoryDebugLayer};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let page = MemoryDebugLayer::new(Credentials::from_env()?).service("shop", env!("CARGO_PKG_VERSION"));
//! let address: ListenAddress = "unix:/run/shop/memory.sock".parse()?;
//! // A port or path that is taken is an error here, before anything is spawned.
//! tokio::spawn(serve(page, address)?);
//! // curl --unix-socket /run/shop/memory.sock -u ops http://localhost/debug/memory
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! At most 32 connections are open; more wait in the kernel's queue. A connection on which no request is at work is
//! closed after 10 seconds, whether it is silent, slow to send a head or slow to read an answer.

mod address;
mod background;
mod connection;
mod listener;
mod serving;
#[cfg(unix)]
mod unix_socket;

pub use self::address::ListenAddress;
pub use self::background::{Handle, start_in_background};
pub use self::listener::Listener;
pub use self::serving::{Serving, serve};
