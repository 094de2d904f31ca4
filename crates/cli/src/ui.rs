//! A server on loopback that shows the page of an instance to a browser, and adds the login.
//!
//! The browser needs no password. Instead, all its addresses contain a random token, and every request without the token
//! is answered with 404.
//!
//! # Modules, from the ground up
//!
//! - `token`: the token
//! - `gate`: which requests pass
//! - `relay`: the response to a request that passed
//! - `server`: connections
//! - `browser`: starts the browser

mod browser;
mod gate;
mod relay;
mod server;
mod token;

pub(crate) use browser::open;
pub(crate) use gate::Gate;
pub(crate) use relay::Relay;
pub(crate) use server::{listen, loopback, serve};
pub(crate) use token::Token;
