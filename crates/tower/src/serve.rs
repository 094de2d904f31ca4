//! The memory page on a separate listener.
//!
//! For a program without a web server, or a program whose operators must not use the public port:
//!
//! | | Runs | Ends |
//! |---|---|---|
//! | [`start_in_background`] | on its own thread; needs no runtime | when its [`Handle`] is dropped |
//! | [`serve`] | on the caller's tokio runtime | when its future, [`Serving`], is dropped |
//!
//! Both listen on a loopback address, or on a Unix socket that only the process's own user can open
//! ([`ListenAddress`]). Both speak HTTP/1.1 and HTTP/2 (with prior knowledge), and answer 404 to all other paths.
//!
//! # Examples
//!
//! A program with a plain `main` and no web server:
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
//!     // … the program's own work. The page ends when `memory` is dropped.
//!     Ok(())
//! }
//! ```
//!
//! A service that has a runtime needs no extra thread. It configures the page through the layer:
//!
//! ```no_run
//! use memory_debug_tower::serve::{ListenAddress, serve};
//! use memory_debug_tower::{Credentials, MemoryDebugLayer};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let page = MemoryDebugLayer::new(Credentials::from_env()?).service("shop", env!("CARGO_PKG_VERSION"));
//! let address: ListenAddress = "unix:/run/shop/memory.sock".parse()?;
//! // If the port or path is taken, this returns an error before anything is spawned.
//! tokio::spawn(serve(page, address)?);
//! // curl --unix-socket /run/shop/memory.sock -u ops http://localhost/debug/memory
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! At most 32 connections are open. More connections wait in the kernel's queue. A connection is closed after 10
//! seconds without a running request, whether it is silent, slow to send a request head or slow to read a response.
//!
//! # Modules
//!
//! A module uses only modules that are listed before it.
//!
//! - `address`: a TCP address or the path of a Unix socket
//! - `connection`: HTTP on one connection
//! - `unix_socket`: a Unix socket that only one user can open
//! - `listener`: a bound socket, and the loop that accepts connections
//! - `serving`: the future that serves the page
//! - `background`: the thread that serves the page

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
