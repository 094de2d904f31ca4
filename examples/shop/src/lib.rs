//! The back office of a small shop: a service with the memory of a service, and nothing of HTTP.
//!
//! It keeps sessions in a hash map, rendered reports in a bounded cache, jobs in a queue with background workers, and
//! fans messages out to whoever listens. The packages beside this one put it on the web, each with another framework,
//! and `/debug/memory` with it, which shows which of these hold the memory.

#![forbid(unsafe_code)]

mod audit;
mod cache;
mod config;
mod feed;
mod jobs;
mod login;
mod population;
mod reports;
mod run;
mod sessions;
mod state;

pub use config::{Command, Config, ConfigError, OptIns};
pub use feed::{Feed, Message, Messages};
pub use jobs::{Jobs, NewJob, Status};
pub use population::Population;
pub use reports::{Lookup, Reports};
pub use run::{Opened, run};
pub use sessions::{Item, Listing, NewSession, Opening, Profile, Session, Sessions};
pub use state::AppState;
